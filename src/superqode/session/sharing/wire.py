"""How the files of a share are written: canonical JSON, strict base64, RFC 3339 times; read without mercy."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from superqode.session import clock
from superqode.session.codec import jsontext

__all__ = ["canonical", "decode_base64", "encode_base64", "format_seconds", "parse_time", "read_object"]

_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z")


def canonical(value: Mapping[str, Any]) -> bytes:
    """Give the one way to write an object: keys sorted, no spaces, only ASCII, a newline at the end."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return text.encode("ascii") + b"\n"


def read_object(data: bytes) -> dict[str, Any]:
    """Read a JSON object in UTF-8.

    Raises:
        ValueError: it is something else.
    """
    value = jsontext.load(data.decode("utf-8"))  # as text: given bytes, json would take UTF-16 and UTF-32 as well
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - a value from outside
    return value


def encode_base64(data: bytes) -> str:
    """Give base64 in the standard alphabet, with padding."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: object, length: int) -> bytes:
    """Read base64 of exactly `length` bytes, in the one spelling that `encode_base64` gives.

    Raises:
        ValueError: it is something else, or the same bytes spelt another way.
    """
    if not isinstance(text, str) or len(text) != (length + 2) // 3 * 4:
        raise ValueError(f"it is not base64 of {length} bytes")
    data = base64.b64decode(text, validate=True)
    # The last character has bits that mean nothing, and may differ where the bytes do not.
    if len(data) != length or encode_base64(data) != text:
        raise ValueError(f"it is not base64 of {length} bytes as it is written")
    return data


def parse_time(text: object) -> datetime:
    """Read an RFC 3339 time in UTC with `Z`, with or without a fraction of up to six digits.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise ValueError("it is no time in UTC")
    return datetime.fromisoformat(text).astimezone(UTC)


def format_seconds(moment: datetime) -> str:
    """Give an aware time in UTC with whole seconds, rounded up: nothing expires before its time."""
    whole = moment.replace(microsecond=0) + timedelta(seconds=1 if moment.microsecond else 0)
    return clock.format_time(whole)[:19] + "Z"
