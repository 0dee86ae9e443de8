"""Reports of tools, read with bounds: they hold what the project's own code printed, so nothing in them is believed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

__all__ = ["Broken", "json_document", "json_lines", "number", "read_report", "text", "xml_document"]

# Bytes; a report of 100,000 tests has some 30 MB.
_REPORT_MAX: Final = 64 * 1024 * 1024
# Entities are how a small XML file becomes a large one, and no tool's report needs its own.
_DOCTYPE: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
# Characters that XML 1.0 has not (https://www.w3.org/TR/xml/#charsets), as JUnit writers let them through.
_NOT_XML: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class Broken(Exception):
    """A report is not what its format says; the message is one clause."""


def read_report(path: Path) -> bytes:
    """The bytes of a report.

    Raises:
        Broken: there is none, or it is too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_REPORT_MAX + 1)
    except OSError as problem:
        raise Broken(f"it wrote no report ({problem.strerror})") from problem
    if len(data) > _REPORT_MAX:
        raise Broken(f"its report has more than {_REPORT_MAX // 1024**2} MiB")
    return data


def xml_document(data: bytes) -> ET.Element:
    """Parse XML without entities of its own; raises `Broken`."""
    if _DOCTYPE.search(data):
        raise Broken("its report declares entities")
    try:
        return ET.fromstring(_NOT_XML.sub(b"?", data))  # noqa: S314 - no declarations are left
    except ET.ParseError as problem:
        raise Broken(f"its report is no XML: {problem}") from problem


def json_document(told: str) -> Any:
    """Parse JSON; raises `Broken`."""
    try:
        return json.loads(told)
    except (ValueError, RecursionError) as problem:
        raise Broken(f"its report is no JSON: {problem}") from problem


def json_lines(told: str) -> Iterator[dict[str, Any]]:
    """The JSON objects among lines; other lines are passed over."""
    for line in told.splitlines():
        if not line.startswith("{"):
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def text(value: Any) -> str:
    """A value as text; empty where it is none."""
    return value if isinstance(value, str) else ""


def number(value: Any) -> int:
    """A value as a whole number from 0 to 2³¹ - 1; 0 where it is none."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 12:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else 0
