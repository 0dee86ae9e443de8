"""What an examination gives: one finding for each thing looked at, good or bad."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from superqode.session.store.results import Record

__all__ = ["DoctorReport", "Examined", "Level", "Repair", "counted", "ok", "problem", "warning"]

Level = Literal["ok", "warning", "problem"]


class Repair(StrEnum):
    """What can be mended without asking, because nothing of worth can be lost by it."""

    MODE = "mode"
    LOCKS = "locks"
    INDEX = "index"
    HOOKS = "hooks"


@dataclass(frozen=True, slots=True)
class Examined(Record):
    """One thing that was looked at.

    Attributes:
        area: what it belongs to, such as `store`, `refs`, `hooks`.
        level: `ok`; `warning`: works, but should not stay so; `problem`: something is broken or unsafe.
        found: what was found, in one line.
        meaning: what that means for the user; empty where all is well.
        remedy: what to do, mostly a command to copy; empty where there is nothing to do.
        repair: the repair that mends it, or `None`.
    """

    area: str
    level: Level
    found: str
    meaning: str = ""
    remedy: str = ""
    repair: Repair | None = None


@dataclass(frozen=True, slots=True)
class DoctorReport(Record):
    """What an examination found, in the order in which it looked.

    Attributes:
        path: the store's folder.
        findings: everything that was looked at.
        repaired: what `repair` mended before this was found.
    """

    path: str
    findings: tuple[Examined, ...]
    repaired: tuple[Repair, ...] = ()

    @property
    def level(self) -> Level:
        """The worst of the findings."""
        levels = {finding.level for finding in self.findings}
        return "problem" if "problem" in levels else "warning" if "warning" in levels else "ok"


def ok(area: str, found: str) -> Examined:
    """All is well."""
    return Examined(area, "ok", found)


def warning(area: str, found: str, meaning: str, remedy: str, repair: Repair | None = None) -> Examined:
    """It works, but should not stay so."""
    return Examined(area, "warning", found, meaning, remedy, repair)


def problem(area: str, found: str, meaning: str, remedy: str, repair: Repair | None = None) -> Examined:
    """Something is broken or unsafe."""
    return Examined(area, "problem", found, meaning, remedy, repair)


def counted(number: int, thing: str) -> str:
    """Give `1 ref`, `12 refs`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
