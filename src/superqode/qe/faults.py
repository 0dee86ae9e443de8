"""Drafts → findings: paths made relative, text bounded and without the sandbox's path, fingerprints that stay."""

from __future__ import annotations

import hashlib
import os
import re
import textwrap
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from superqode.qe.checks import Draft
from superqode.qe.reading import number
from superqode.session.models.findings import EVIDENCE_MAX, FILE_MAX, TEXT_MAX, Finding, inside

__all__ = ["Places", "findings_of"]

_RULE_MAX: Final = 200
_NAME_MAX: Final = 100
# Hexadecimal addresses and numbers say what differs from run to run.
_VARIES: Final = re.compile(r"0x[0-9a-fA-F]+|\d+")
_CUT: Final = "\n[…]\n"
# Bytes of a source file that are looked through for a line.
_SOURCE_MAX: Final = 4 * 1024 * 1024


class Places:
    """Paths of one sandbox, as people know them.

    Args:
        folder: the project's folder in the sandbox.
        home: the folder around the sandbox, whose random name stands in no finding.
    """

    def __init__(self, folder: Path, home: Path) -> None:
        self._folder = folder
        # The longer first; what follows must not belong to the name.
        self._hidden = [
            re.compile(rf"{re.escape(str(path))}(?:{re.escape(os.sep)}|(?![\w.-]))") for path in (folder, home)
        ]
        self._sources: dict[str, list[str]] = {}

    def plain(self, text: str) -> str:
        """Text without the sandbox's paths."""
        for hidden in self._hidden:
            text = hidden.sub(_nothing_or_here, text)
        return text

    def relative(self, file: str) -> str:
        """A file relative to the project with `/`; empty where it is none of it."""
        if not file or len(file) > FILE_MAX or "\0" in file:
            return ""
        path = Path(os.path.normpath(self._folder / file))
        if not path.is_relative_to(self._folder) or path == self._folder:
            return ""
        told = path.relative_to(self._folder).as_posix()
        return told if inside(told) and _storable(told) == told else ""

    def source(self, file: str, line: int) -> str:
        """A line of a file without the spaces around it; empty where it cannot be read."""
        if file not in self._sources:
            try:
                with (self._folder / file).open("rb") as opened:
                    text = opened.read(_SOURCE_MAX).decode("utf-8", "replace")
            except OSError:
                text = ""
            self._sources[file] = text.split("\n")
        lines = self._sources[file]
        return lines[line - 1].strip() if 0 < line <= len(lines) else ""


def _nothing_or_here(found: re.Match[str]) -> str:
    return "" if found[0].endswith(os.sep) else "."


def findings_of(drafts: Iterable[Draft], role: str, tool: str, places: Places) -> list[Finding]:
    """Make findings; equal faults in one file are told apart by their number, so that none hides another."""
    seen: Counter[str] = Counter()
    made = []
    for draft in drafts:
        file = places.relative(draft.file)
        line = number(draft.line) if file else 0  # a tool may tell one that no file has
        source = places.source(file, line) if line else ""
        message = _cut(_storable(places.plain(draft.message)).strip(), TEXT_MAX)
        rule = _storable(draft.rule)[:_RULE_MAX] or "fault"
        identity = draft.identity or f"{_VARIES.sub('#', message)}\n{source}"
        base = "\n".join((role, _storable(tool), rule, file, _storable(places.plain(identity))))
        seen[base] += 1
        # The role and the tool, too: what two of them find is told twice, and ids stay apart.
        digest = hashlib.sha256(f"{seen[base]}\n{base}".encode()).hexdigest()
        made.append(
            Finding(
                id=f"f-{digest[:12]}",
                fingerprint=digest[:32],
                severity=draft.severity,
                role=role,
                tool=_storable(tool)[:_NAME_MAX],
                rule=rule,
                message=message,
                file=file,
                line=line,
                evidence=_cut(_storable(places.plain(_shown(draft.evidence) or source)), EVIDENCE_MAX),
            )
        )
    return made


def _shown(evidence: str) -> str:
    """Evidence without empty lines around it and without a common indent."""
    return textwrap.dedent(evidence.strip("\n")).rstrip()


def _storable(text: str) -> str:
    """Text that every format can hold: no lone surrogates, no NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _cut(text: str, limit: int) -> str:
    """Text with its middle cut out where it is longer."""
    if len(text) <= limit:
        return text
    half = (limit - len(_CUT)) // 2
    return text[:half] + _CUT + text[-half:]
