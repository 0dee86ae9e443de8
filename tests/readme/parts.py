"""What the README is made of: its blocks, and the parts that are generated.

A block is a fence with what stands before it as `<!-- name -->`; a generated part stands between `<!-- name: begin -->`
and `<!-- name: end -->`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import click

from superqode.cli import main
from superqode.cli.lazy import LazyGroup

__all__ = ["GENERATED", "README", "Block", "blocks_of", "command_tables", "with_generated"]

README: Final = Path(__file__).resolve().parents[2] / "README.md"

_BLOCK: Final = re.compile(r"(?:<!-- ([a-z]+) -->\n)?```([a-z]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_PART: Final = re.compile(r"(<!-- ([a-z]+): begin -->\n).*?(<!-- \2: end -->)", re.DOTALL)


class Block(NamedTuple):
    """A fenced block.

    Attributes:
        name: of its marker; empty where it has none.
        language: of its fence.
        text: what stands in it.
    """

    name: str
    language: str
    text: str


def blocks_of(page: str) -> list[Block]:
    """Give the blocks of a page in their order."""
    return [Block(*(part or "" for part in found.groups())) for found in _BLOCK.finditer(page)]


def command_tables() -> str:
    """Give every command by its short help, a folded table for each group, out of the tables of the groups."""
    return "\n".join(_tables(main, "superqode"))


def _tables(group: LazyGroup, path: str) -> Iterator[str]:
    context = click.Context(group)
    commands = {name: group.get_command(context, name) for name in group.table}
    alone = [name for name, command in commands.items() if not isinstance(command, LazyGroup)]
    for name, command in commands.items():
        if isinstance(command, LazyGroup):
            yield _table(f"{path} {name}", group.table[name][1], command, list(command.table))
    if alone:
        yield _table(path, "Everything else.", group, alone)


def _table(path: str, told: str, group: LazyGroup, names: list[str]) -> str:
    rows = "".join(f"| `{path} {name}` | {_cell(group.table[name][1])} |\n" for name in names)
    return f"<details><summary><code>{path}</code>: {told}</summary>\n\n| command | |\n|---|---|\n{rows}\n</details>"


def _cell(told: str) -> str:
    return told.replace("|", "\\|")


GENERATED: Final = {"commands": command_tables}
"""What makes each generated part."""


def with_generated(page: str) -> str:
    """Give a page with its generated parts made anew."""
    return _PART.sub(lambda found: f"{found[1]}{GENERATED[found[2]]()}\n{found[3]}", page)
