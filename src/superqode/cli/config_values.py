"""What the values of the config file have to be: each function checks one and gives ours.

The folder is the file's. They raise `WrongValue`, and nothing else.
"""

from __future__ import annotations

import shlex
from pathlib import Path

__all__ = ["WrongValue", "colour", "command", "pager", "path", "paths", "seconds", "switch", "text", "words"]


class WrongValue(Exception):
    """A value that a key cannot have; the argument says what it has to be."""


def text(value: object, _folder: Path) -> str:
    """A text that is not blank."""
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise WrongValue('a text, such as "less -R"')
    return value


def pager(value: object, folder: Path) -> str:
    """A command as a shell would read it."""
    given = text(value, folder)
    try:
        shlex.split(given)
    except ValueError as problem:  # a quotation mark that is not closed
        raise WrongValue(f'a command, such as "less -R" ({problem})') from problem
    return given


def path(value: object, folder: Path) -> Path:
    """A path; a relative one starts at the file's folder."""
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise WrongValue('a path, such as "~/sessions"')
    try:
        return folder / Path(value).expanduser()
    except RuntimeError as problem:  # ~somebody, whom this machine does not know
        raise WrongValue(f"a path on this machine ({problem})") from problem


def paths(value: object, folder: Path) -> tuple[Path, ...]:
    """A list of paths."""
    if not isinstance(value, list):
        raise WrongValue('a list of paths, such as ["~/code"]')
    return tuple(path(item, folder) for item in value)


def words(value: object, _folder: Path) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(value, list) or not all(isinstance(item, str) and item and "\0" not in item for item in value):
        raise WrongValue('a list of texts, such as ["one", "two"]')
    return tuple(value)


def command(value: object, folder: Path) -> tuple[str, ...]:
    """A program and its arguments."""
    try:
        given = words(value, folder)
    except WrongValue:
        given = ()
    if not given:
        raise WrongValue('a program and its arguments, such as ["gemini", "--experimental-acp"]')
    return given


def switch(value: object, _folder: Path) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise WrongValue("true or false")
    return value


def seconds(value: object, _folder: Path) -> float:
    """Seconds, more than none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise WrongValue("a number of seconds above 0")
    return float(value)


def colour(value: object, _folder: Path) -> str:
    """When output is coloured."""
    if value not in ("auto", "always", "never"):
        raise WrongValue('"auto", "always" or "never"')
    return str(value)
