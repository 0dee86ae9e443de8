"""What people type for times, ages, lifetimes, projects and revisions; most functions here are types of options."""

from __future__ import annotations

import os
import re
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from superqode.session import clock

if TYPE_CHECKING:
    from superqode.session import SessionStore

__all__ = [
    "SEVERITIES",
    "Lifetime",
    "age",
    "expanded",
    "is_folder",
    "lifetime",
    "project",
    "since",
    "split_revision",
    "until",
]

# As `superqode.session.models.findings.Severity`, which help does not load.
SEVERITIES: Final = ("critical", "high", "medium", "low", "info")
_AGE: Final = re.compile(r"([0-9]{1,6})\s*([mhdw])", re.IGNORECASE)
_DAYS: Final = {"today": 0, "yesterday": 1}
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def age(text: str) -> timedelta:
    """Read `45m`, `12h`, `30d` or `8w`."""
    found = _AGE.fullmatch(text.strip())
    if found is None:
        raise click.BadParameter(f"{text!r} is no age: write 45m, 12h, 30d or 8w")
    return timedelta(**{_UNITS[found[2].lower()]: int(found[1])})


class Lifetime(NamedTuple):
    """How long something lives from now; `None`: for ever."""

    span: timedelta | None


def lifetime(text: str) -> Lifetime:
    """Read an age as a time to come, or `never`."""
    if text.strip().lower() == "never":
        return Lifetime(None)
    try:
        span = age(text)
        ends = clock.now() + span
    except OverflowError as problem:
        raise click.BadParameter(f"{text!r} is too long: write `never` for ever") from problem
    except click.BadParameter as problem:
        raise click.BadParameter(f"{text!r} is no time to live: write 45m, 12h, 7d, 8w or never") from problem
    if ends <= clock.now():
        raise click.BadParameter(f"{text!r} would be over at once")
    return Lifetime(span)


def since(text: str) -> datetime:
    """Read a time, or an age as that long ago; a day alone is its beginning. Local where it names no zone."""
    return _moment(text, time.min)


def until(text: str) -> datetime:
    """Read a time as `since` does; a day alone is its end."""
    return _moment(text, time.max)


def _moment(text: str, day_part: time) -> datetime:
    try:
        if _AGE.fullmatch(text.strip()):
            return clock.now() - age(text)
        days = _DAYS.get(text.strip().lower())
        if days is not None:
            return datetime.combine(clock.now().astimezone().date() - timedelta(days=days), day_part).astimezone()
        return _date(text, day_part).astimezone()
    except (ValueError, OverflowError) as problem:
        raise click.BadParameter(
            f"{text!r} is no time: write 2026-11-22, 2026-11-22T10:00, yesterday, or 7d for seven days ago"
        ) from problem


def _date(text: str, day_part: time) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), day_part)
    except ValueError:
        return datetime.fromisoformat(text)


def project(text: str) -> str:
    """Make a folder that is here absolute; a path of another machine stays as it is written."""
    return os.path.abspath(text) if is_folder(text) else text  # noqa: PTH100 - `..` goes, as `Path.absolute` keeps it


def is_folder(path: str | Path) -> bool:
    """Whether there is a folder; a path that no machine can have, or that leads through others' folders, is none."""
    return os.path.isdir(path)  # noqa: PTH112 - `Path.is_dir` raises for a name too long and for others' folders


def expanded(text: str | Path) -> Path:
    """A path as it was typed or set, `~` expanded; `~somebody` whom nobody knows stays as it is, as in a shell."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 - `Path` raises where there is no such user


def split_revision(text: str, store: SessionStore) -> tuple[str, str | None]:
    """Split `ID@REV` into the session's id, resolved, and the revision; without `@REV` that is `None`.

    A branch that plain git made may have an `@` in its name: an id that exists wins.

    Raises:
        SessionNotFound, AmbiguousId: no session, or several, begin like this.
    """
    from superqode.cli.options import resolve

    name, _, revision = text.rpartition("@")
    if not name or _exists(text, store):
        return resolve(store, text), None
    return resolve(store, name), revision or None


def _exists(text: str, store: SessionStore) -> bool:
    from superqode.session.errors import InvalidSessionId

    try:
        return store.exists(text)
    except InvalidSessionId:
        return False
