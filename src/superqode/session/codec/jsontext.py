"""JSON text as we write it: UTF-8, keys sorted, and escapes only for what is not valid Unicode."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["dump_document", "dump_lines", "dump_text", "load"]

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_quoted: Final = json.encoder.encode_basestring
_compact: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(", ", ": ")).encode


def _escape(text: str) -> str:
    # In JSON text a lone surrogate can only stand inside a string, where its escape means the same.
    if text.isascii():
        return text
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def dump_text(value: Any, *, indent: int | None = None) -> str:
    """Give JSON text in insertion order, for people and for exports."""
    return _escape(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent))


def dump_document(value: Mapping[str, Any]) -> bytes:
    """Give a document: keys sorted, indented by two, a newline at the end."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, indent=2)
    return (_escape(text) + "\n").encode()


def dump_lines(value: Mapping[str, Any]) -> bytes:
    """Give an object with one line a field, keys sorted, values compact: reads and diffs well, and is quick."""
    lines = ",\n".join([f"  {_quoted(key)}: {_one(value[key])}" for key in sorted(value)])
    return (_escape("{\n" + lines + "\n}\n")).encode()


def _one(value: Any) -> str:
    return _quoted(value) if type(value) is str else _compact(value)


def load(data: bytes | str) -> Any:
    """Read JSON; raises ValueError (RecursionError turned into one) on anything else."""
    try:
        return json.loads(data, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError as problem:
        raise ValueError("nested too deeply") from problem


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:40]} is too large a number")
    return number


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")
