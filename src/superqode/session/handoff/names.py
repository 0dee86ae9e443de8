"""Names that every agent and every vendor's API takes, made of names that may hold anything."""

from __future__ import annotations

import hashlib
import re
import uuid
from datetime import datetime
from typing import Final

from superqode.session import clock

__all__ = ["call_id", "folder_name", "iso_time", "make_uuid", "tool_name"]

# What the vendors' APIs take as ids of calls and names of tools, in characters.
_LONGEST: Final = 64
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_OTHER: Final = re.compile(r"[^A-Za-z0-9_-]+")
_DIGEST: Final = 10
_UUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
# The longest name of a folder that Claude Code makes of a path, before it cuts it and adds a hash.
_LONGEST_FOLDER: Final = 200
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def call_id(raw: str) -> str:
    """Give an id that a call may have: itself where it may, else one made of it; different ids stay different."""
    return raw if _ID.fullmatch(raw) else _made_of(raw, "call")


def tool_name(raw: str) -> str:
    """Give a name that a tool may have: itself where it may, else one made of it."""
    if _NAME.fullmatch(raw):
        return raw
    plain = _OTHER.sub("_", raw).strip("_-")
    named = plain if _NAME.fullmatch(plain) else f"tool_{plain}".strip("_")
    return named if len(named) <= _LONGEST else _made_of(raw, "tool")


def _made_of(raw: str, fallback: str) -> str:
    digest = hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    plain = _OTHER.sub("_", raw[:_LONGEST]).strip("_-")[: _LONGEST - _DIGEST - 1]
    return f"{plain if plain[:1].isalpha() else fallback}_{digest}"


def make_uuid(*parts: str) -> str:
    """Give a UUID (of version 4, by its looks) that depends on the parts alone; a part that is one stays itself."""
    if len(parts) == 1 and _UUID.fullmatch(parts[0]):
        return parts[0]
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def iso_time(moment: datetime) -> str:
    """Give a time as JavaScript's `toISOString` does: `2026-11-22T10:00:00.123Z`."""
    return clock.format_time(moment)[:23] + "Z"


def folder_name(project: str) -> str:
    """Give the folder that Claude Code and Qwen Code keep a project's sessions in.

    Each UTF-16 unit but ASCII letters and digits is a hyphen; a name longer than 200 is cut there, and Claude Code
    adds Java's 32-bit string hash in base 36 (seen in 2.1.330).
    """
    units = project.encode("utf-16-le", "surrogatepass")
    codes = [int.from_bytes(units[place : place + 2], "little") for place in range(0, len(units), 2)]
    name = "".join(chr(code) if code < 128 and chr(code).isalnum() else "-" for code in codes)
    if len(name) <= _LONGEST_FOLDER:
        return name
    value = 0
    for code in codes:
        value = (value * 31 + code) & 0xFFFFFFFF
    return f"{name[:_LONGEST_FOLDER]}-{_base36(min(value, (1 << 32) - value))}"


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
    return digits or "0"
