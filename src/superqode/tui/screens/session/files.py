"""Files that a session made or changed, and every call that touched the highlighted one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal

from superqode.cli.text import count
from superqode.session import Session
from superqode.session.models import Entry, ToolExecution
from superqode.session.models.files import touched_files
from superqode.tui.lines import Line, Piece, piece
from superqode.tui.widgets.conversation import Conversation
from superqode.tui.widgets.row_list import RowList

__all__ = ["FilesPane", "Touched", "touched"]


class Touched(NamedTuple):
    """A file, what became of it, and the calls that touched it."""

    path: str
    became: str
    calls: tuple[ToolExecution, ...]


def touched(session: Session) -> list[Touched]:
    """The files a session made or changed, each with the successful calls that touched it, in order."""
    calls: dict[str, list[ToolExecution]] = {}
    for call in session.tool_executions:
        for touch, path in touched_files(call.tool_name, call.arguments, session.project_path):
            if touch != "read" and call.success:
                calls.setdefault(path, []).append(call)
    made = [Touched(path, "created", tuple(calls.get(path, ()))) for path in session.files_created]
    return [*made, *(Touched(path, "modified", tuple(calls.get(path, ()))) for path in session.files_modified)]


def _row(file: Touched) -> Sequence[Line]:
    mark = Piece("+ ", "add") if file.became == "created" else Piece("~ ", "warn")
    return (Line((mark, piece(file.path)), (Piece(count(len(file.calls), "call"), "dim"),)),)


class FilesPane(Horizontal):
    """The files, and beside them what was done to the highlighted one."""

    DEFAULT_CSS = """
    FilesPane { height: 1fr; layout: vertical; }
    FilesPane #files { width: 1fr; height: 1fr; }
    FilesPane #touches { width: 1fr; height: 2fr; border-top: solid $panel; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._project = ""

    def compose(self) -> ComposeResult:
        """Draw files and calls."""
        yield RowList(_row, key=lambda file: file.path, empty="No file was made or changed.", id="files")
        yield Conversation(empty="What did it is not in the session.", all_open=True, id="touches")

    @property
    def rows(self) -> RowList[Touched]:
        """The files."""
        return self.query_one("#files", RowList)

    def show(self, session: Session) -> None:
        """Show a session's files."""
        self._project = session.project_path
        self.rows.show(touched(session))

    @on(RowList.Highlighted)
    def _highlighted(self) -> None:
        file = self.rows.current
        calls: list[Entry] = list(file.calls) if file is not None else []
        self.query_one("#touches", Conversation).show(calls, project=self._project)
