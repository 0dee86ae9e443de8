"""The table: sections of rows, each value beside the target it has, if any. As text of 100 columns, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

__all__ = ["Limit", "Row", "Section", "least", "most", "ratios"]

_LABEL: Final = 36
_CELL: Final = 9
_MISSED: Final = "!"


@dataclass(frozen=True)
class Limit:
    """A target: at most, or at least, so much."""

    sign: Literal["≤", "≥"]
    bound: float

    def met(self, value: float) -> bool:
        """Whether a value reaches it."""
        return value <= self.bound if self.sign == "≤" else value >= self.bound

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}"


def most(bound: float) -> Limit:
    """A target that wants at most so much."""
    return Limit("≤", bound)


def least(bound: float) -> Limit:
    """A target that wants at least so much."""
    return Limit("≥", bound)


@dataclass
class Row:
    """One line: a value for each column where there is one.

    Attributes:
        label: what was measured.
        values: by column; a column without one is shown as `-`.
        unit: stands behind each value, such as `x`; empty where the section's title names it.
        limits: the targets, by column.
        note: stands in place of a target, such as why nothing was measured.
    """

    label: str
    values: Mapping[str, float]
    unit: str = ""
    limits: Mapping[str, Limit] = field(default_factory=dict)
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether all targets are reached; `None` where there is none, or nothing to compare with it."""
        judged = [limit.met(self.values[column]) for column, limit in self.limits.items() if column in self.values]
        return all(judged) if judged else None

    def to_dict(self) -> dict[str, Any]:
        """Give the row as plain JSON values."""
        targets = {column: str(limit) for column, limit in self.limits.items()}
        values = dict(self.values)
        return {
            "label": self.label,
            "unit": self.unit,
            "values": values,
            "targets": targets,
            "met": self.met,
        } | ({"note": self.note} if self.note else {})

    def text(self, columns: tuple[str, ...]) -> str:
        """Give the row as a line; a value that misses its target has a `!` behind it."""
        line = f"  {self.label:{_LABEL}.{_LABEL}}" + "".join(self._cell(column) for column in columns)
        told = ", ".join(dict.fromkeys(map(str, self.limits.values())))
        verdict = {True: " ok", False: " !", None: ""}[self.met]
        return f"{line}  {told}{verdict}{self.note}".rstrip()

    def _cell(self, column: str) -> str:
        if column not in self.values:
            return f"{'-':>{_CELL - 1}} "
        value = self.values[column]
        limit = self.limits.get(column)
        missed = _MISSED if limit is not None and not limit.met(value) else " "
        return f"{_short(value) + self.unit:>{_CELL - 1}}{missed}"


def _short(value: float) -> str:
    """Three digits that count, no exponents."""
    for digits, least_value in ((0, 99.95), (1, 9.995), (2, 0)):
        if value >= least_value:
            return f"{value:,.{digits}f}"
    return f"{value:g}"


@dataclass
class Section:
    """Rows with the same columns under one title, which names the unit."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)

    def text(self) -> str:
        """Give the section as text."""
        head = "".join(f"{column:>{_CELL - 1}} " for column in self.columns)
        lines = [f"{self.title:{_LABEL + 2}}{head}".rstrip(), *(row.text(self.columns) for row in self.rows)]
        return "\n".join(lines) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Give the section as plain JSON values."""
        rows = [row.to_dict() for row in self.rows]
        return {"name": self.name, "title": self.title, "columns": list(self.columns), "rows": rows}


def ratios(over: Mapping[str, float], under: Mapping[str, float]) -> dict[str, float]:
    """One row divided by another, in the columns that both have."""
    return {column: over[column] / under[column] for column in over if column in under}
