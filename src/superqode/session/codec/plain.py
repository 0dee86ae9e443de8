"""The files of an entry → its plain values, before a model looks at them; loads nothing that takes long to load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from superqode.session.codec import jsontext
from superqode.session.errors import InvalidEntry

__all__ = ["TEXT_FIELD", "plain_entry"]

TEXT_FIELD: Final[Mapping[str, str]] = {"message": "content", "call": "result"}
"""For each kind of entry the field whose text may stand beside it."""


def plain_entry(data: bytes, side: bytes | None) -> dict[str, Any]:
    """Read an entry's JSON file and put its side text where it belongs; only its `kind` is checked.

    Args:
        data: the JSON file.
        side: the joined side text, or None.

    Raises:
        InvalidEntry: the bytes are no entry.
    """
    try:
        values = jsontext.load(data)
    except ValueError as problem:
        raise InvalidEntry(f"its JSON cannot be read: {problem}") from problem
    if not isinstance(values, dict) or values.get("kind") not in ("message", "call"):
        raise InvalidEntry("it says of itself neither message nor call")
    field = TEXT_FIELD[values["kind"]]
    expected = values.pop(field + "_bytes", None)
    if side is not None or expected is not None:
        values[field] = _joined(side, expected)
    return values


def _joined(side: bytes | None, expected: Any) -> str:
    if side is None or expected != len(side):
        found = "is missing" if side is None else f"has {len(side)} bytes"
        raise InvalidEntry(f"its side text {found}, and should have {expected}")
    try:
        return side.decode()
    except UnicodeDecodeError as problem:
        raise InvalidEntry(f"its side text is not UTF-8: {problem}") from problem
