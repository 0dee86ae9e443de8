"""JSON edited as text: what is put in or taken out changes nothing else, not a space, not the order (RFC 8259)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Container", "append", "container_at", "member", "take_out"]

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_DEFAULT_INDENT: Final = "  "
_DECODER: Final = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Container:
    """Where an object or array stands in a text, in characters.

    Attributes:
        open: its bracket.
        close: its closing bracket.
        items: the beginning and end of each member or element; of a member, its name's beginning.
        names: the members' names; empty for an array.
        values: where each member's value begins; of an element, its beginning.
    """

    open: int
    close: int
    items: tuple[tuple[int, int], ...]
    names: tuple[str, ...]
    values: tuple[int, ...]


def container_at(text: str, start: int = 0) -> Container:
    """Find the items of the object or array that begins here, behind white space.

    Args:
        text: JSON that was parsed already.
        start: where.

    Raises:
        ValueError: there is neither.
    """
    opened = _skip(text, start)
    if text[opened : opened + 1] not in ("{", "["):
        raise ValueError("there is neither an object nor an array")
    named = text[opened] == "{"
    items: list[tuple[int, int]] = []
    names: list[str] = []
    values: list[int] = []
    place = _skip(text, opened + 1)
    while text[place] not in "}]":
        begin = value = place
        if named:
            name, place = _DECODER.raw_decode(text, place)
            names.append(name)
            value = _skip(text, _skip(text, place) + 1)
        _, end = _DECODER.raw_decode(text, value)
        items.append((begin, end))
        values.append(value)
        place = _skip(text, end)
        if text[place] == ",":
            place = _skip(text, place + 1)
    return Container(opened, place, tuple(items), tuple(names), tuple(values))


def _skip(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def member(text: str, whole: Container, name: str) -> Container | None:
    """Find the object or array that is an object's member of this name; `None` where there is none of that name.

    Raises:
        ValueError: it is something else, or there are several.
    """
    if whole.names.count(name) > 1:
        raise ValueError(f"it has {name!r} several times")
    return container_at(text, whole.values[whole.names.index(name)]) if name in whole.names else None


def append(text: str, container: Container, value: Any, name: str | None = None) -> str:
    """Put a value behind the others, indented as they are.

    Args:
        text: the whole text.
        container: where to.
        value: JSON.
        name: its name, where the container is an object.
    """
    unit = _unit(text)
    if container.items:
        lead = text[container.open + 1 : container.items[0][0]]
        end = container.items[-1][1]
        return text[:end] + "," + (lead or " ") + _written(value, name, lead, unit) + text[end:]
    newline = "\r\n" if "\r\n" in text else "\n"
    line = text[text.rfind("\n", 0, container.open) + 1 : container.open]
    around = newline + line[: len(line) - len(line.lstrip(" \t"))]
    lead = around + unit
    return text[: container.open + 1] + lead + _written(value, name, lead, unit) + around + text[container.close :]


def _unit(text: str) -> str:
    """By how much the text indents: as its outermost object does."""
    root = container_at(text)
    lead = text[root.open + 1 : root.items[0][0]] if root.items else ""
    return lead.rpartition("\n")[2] if "\n" in lead else _DEFAULT_INDENT


def _written(value: Any, name: str | None, lead: str, unit: str) -> str:
    begin = "" if name is None else json.dumps(name, ensure_ascii=False) + ": "
    if "\n" not in lead:
        return begin + json.dumps(value, ensure_ascii=False)
    return begin + json.dumps(value, ensure_ascii=False, indent=unit).replace("\n", _line_start(lead))


def _line_start(lead: str) -> str:
    """The line break and indentation that each further line begins with."""
    cut = lead.rfind("\n")
    return lead[cut - 1 if lead[cut - 1 : cut] == "\r" else cut :]


def take_out(text: str, container: Container, number: int) -> str:
    """Take an item out, by number, with the comma and the space that were put in with it."""
    items = container.items
    if number > 0:
        start, end = items[number - 1][1], items[number][1]
    elif len(items) > 1:
        start, end = items[0][0], items[1][0]
    else:
        start, end = container.open + 1, container.close
    return text[:start] + text[end:]
