"""What commands print: data on stdout (JSON, lines, tables, the pager), notes on stderr.

Colour only on a terminal that has it, unless an option, `NO_COLOR` or the config file says otherwise. Tables are
rich's on a terminal, cut to its width; elsewhere they are plain and whole. JSON is one document in plain ASCII, so no
encoding and no control character can spoil it.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import click

from superqode.cli.common import chosen_colour, is_quiet
from superqode.cli.text import line, width

__all__ = [
    "Column",
    "OutputClosed",
    "colour",
    "emit",
    "emit_json",
    "note",
    "on_terminal",
    "page",
    "style",
    "table",
    "warn",
    "wrapped",
]

_GAP: Final = "  "
_NARROW: Final = 8
# A flexible column that tells something still.
_TELLING: Final = 16


class OutputClosed(Exception):
    """Nobody reads our output any more: no error, `| head` has read enough."""


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        name: its heading.
        style: rich's style.
        right: whether it is right-aligned.
        flexible: whether it is narrowed where the terminal is narrow.
        spare: where even that is not enough, columns with a higher number go first; 0: it stays.
    """

    name: str
    style: str = ""
    right: bool = False
    flexible: bool = False
    spare: int = 0


def on_terminal() -> bool:
    """Whether people see stdout directly."""
    return sys.stdout is not None and sys.stdout.isatty()


def colour() -> bool:
    """Whether stdout may be coloured."""
    chosen = chosen_colour()
    return chosen == "always" or (chosen == "auto" and on_terminal() and os.environ.get("TERM") != "dumb")


def style(text: str, **looks: Any) -> str:
    """Give text in colour (see `click.style`) where stdout may have any, else as it is."""
    return click.style(text, **looks) if colour() else text


def _encodable(text: str) -> str:
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def emit(text: str) -> None:
    """Print lines on stdout.

    Raises:
        OutputClosed: nobody reads any more.
        OSError: stdout cannot be written, such as a full disk.
    """
    try:
        click.echo(_encodable(text), color=colour())
    except OSError as problem:
        _abandon_stdout()
        if isinstance(problem, BrokenPipeError):
            raise OutputClosed from problem
        raise


def _abandon_stdout() -> None:
    # Otherwise Python tries to write the rest when it ends, and complains again.
    with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def emit_json(value: Any) -> None:
    """Print one JSON document on stdout."""
    emit(json.dumps(value, ensure_ascii=True, allow_nan=False, indent=2))


def wrapped(text: str, indent: int) -> str:
    """Give text wrapped at words to the terminal's width, all lines but the first indented; elsewhere as it is."""
    if not on_terminal():
        return text
    import textwrap

    from superqode.cli.lazy import terminal_width

    room = max(terminal_width() - indent, 20)
    lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
    return ("\n" + " " * indent).join(lines)


def note(text: str) -> None:
    """Print one line for people on stderr, unless they want it quiet."""
    if not is_quiet():
        warn(text)


def warn(text: str) -> None:
    """Print one line on stderr that must be seen: what failed, or what is told only once."""
    with suppress(OSError):
        click.echo(f"superqode: {line(text)}", err=True)


def page(chunks: Iterable[str]) -> None:
    """Print lines, through the pager on a terminal."""
    if not on_terminal():
        for chunk in chunks:
            emit(chunk)
        return
    from superqode.cli.config import load_config

    # As git does: leave when it fits the screen, keep colours, leave the text standing.
    os.environ.setdefault("LESS", "FRX")
    os.environ["PAGER"] = load_config().pager
    click.echo_via_pager((chunk + "\n" for chunk in chunks), color=colour())


def table(columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; every cell becomes one safe line."""
    cells = [[line(cell) for cell in row] for row in rows]
    emit(_rich_table(columns, cells) if on_terminal() else "\n".join(_plain_table(columns, cells)))


def _widths(columns: Sequence[Column], cells: list[list[str]]) -> list[int]:
    lines = [[column.name for column in columns], *cells]
    return [max(width(row[place]) for row in lines) for place in range(len(columns))]


def _plain_table(columns: Sequence[Column], cells: list[list[str]]) -> Iterator[str]:
    widths = _widths(columns, cells)
    for row in [[column.name for column in columns], *cells]:
        padded = []
        for column, cell, wide in zip(columns, row, widths, strict=True):
            fill = " " * (wide - width(cell))
            padded.append(fill + cell if column.right else cell + fill)
        yield _GAP.join(padded).rstrip()


def _fit(columns: Sequence[Column], widths: list[int], room: int) -> list[int]:
    """Narrow the flexible columns (if there are any), the widest first, to fit; the others are there to be copied."""
    room -= len(_GAP) * (len(columns) - 1)
    fitted = [min(wide, room) if column.flexible else wide for column, wide in zip(columns, widths, strict=True)]
    while sum(fitted) > room:
        wide, place = max(
            ((fitted[place], place) for place, column in enumerate(columns) if column.flexible), default=(0, 0)
        )
        if wide <= _NARROW:
            break
        fitted[place] -= 1
    return fitted


def _kept(columns: Sequence[Column], widths: list[int], room: int) -> list[int]:
    """Which columns there is room for: the spare ones go until the flexible ones can tell something."""
    kept = list(range(len(columns)))
    for place in sorted((place for place in kept if columns[place].spare), key=lambda place: -columns[place].spare):
        least = [min(widths[one], _TELLING) if columns[one].flexible else widths[one] for one in kept]
        if sum(least) + len(_GAP) * (len(kept) - 1) <= room:
            break
        kept.remove(place)
    return kept


def _rich_table(columns: Sequence[Column], cells: list[list[str]]) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    written = io.StringIO()
    console = Console(file=written, force_terminal=True, color_system="auto" if colour() else None)
    kept = _kept(columns, _widths(columns, cells), console.width)
    columns, cells = [columns[place] for place in kept], [[row[place] for place in kept] for row in cells]
    fitted = _fit(columns, _widths(columns, cells), console.width)
    drawn = Table(box=None, padding=(0, len(_GAP), 0, 0), pad_edge=False, header_style="bold")
    for column, wide in zip(columns, fitted, strict=True):
        justify: Literal["left", "right"] = "right" if column.right else "left"
        drawn.add_column(
            column.name, style=column.style, justify=justify, width=wide, no_wrap=True, overflow="ellipsis"
        )
    for row in cells:
        drawn.add_row(*[Text(cell) for cell in row])  # Text, not str: markup in a title is no markup of ours
    console.width = max(console.width, sum(fitted) + len(_GAP) * len(columns))
    console.print(drawn)
    return "\n".join(row.rstrip() for row in written.getvalue().splitlines())
