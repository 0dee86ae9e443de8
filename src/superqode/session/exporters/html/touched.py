"""Which files a session changed, each with links to the calls that did it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from superqode.session.exporters.html.escape import text
from superqode.session.exporters.reading import counted, moment
from superqode.session.exporters.visible import one_line
from superqode.session.models import Entry, Session, ToolExecution
from superqode.session.models.files import touched_files

__all__ = ["show_touched"]

_FILES_SHOWN: Final = 500
_LINKS_SHOWN: Final = 12


def show_touched(session: Session, shown: range | None = None) -> Iterator[str]:
    """Give the list of a session's files, folded under how many there are; nothing where none was changed.

    Args:
        session: whose files.
        shown: the numbers of the entries that stand on the page, and can be linked to; `None` for all.
    """
    created = dict.fromkeys(session.files_created, "created")
    files = created | {path: "modified" for path in session.files_modified if path not in created}
    if not files:
        return
    order = session.timeline
    changes = _changes(order, session.project_path, files)
    yield f'<details class="about"><summary>{counted(len(files), "file")} changed</summary>\n<ul class="touched">\n'
    for path, how in islice(files.items(), _FILES_SHOWN):
        yield f'<li><code dir="auto">{text(one_line(path))}</code> <span>{how}</span>'
        yield from _links([number for number in changes.get(path, []) if shown is None or number in shown], order)
        yield "</li>\n"
    if len(files) > _FILES_SHOWN:
        yield f"<li>and {len(files) - _FILES_SHOWN:,} more</li>\n"
    yield "</ul></details>\n"


def _changes(order: list[Entry], project: str, files: dict[str, str]) -> dict[str, list[int]]:
    """The numbers, from 1, of the calls that changed each file."""
    found: dict[str, list[int]] = {}
    for number, entry in enumerate(order, 1):
        if isinstance(entry, ToolExecution) and entry.success:
            touches = touched_files(entry.tool_name, entry.arguments, project)
            for path in dict.fromkeys(path for touch, path in touches if touch != "read" and path in files):
                found.setdefault(path, []).append(number)
    return found


def _links(numbers: list[int], order: list[Entry]) -> Iterator[str]:
    for number in numbers[:_LINKS_SHOWN]:
        yield f' <a href="#e{number}">{moment(order[number - 1].timestamp)[11:19]}</a>'
    if len(numbers) > _LINKS_SHOWN:
        yield f" and {len(numbers) - _LINKS_SHOWN:,} more"
