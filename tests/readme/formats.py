"""The page on importers' formats: what each says of itself, and what really becomes of the recorded sessions."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from session.importers.truth import TRANSCRIPTS
from superqode.session import Session, SessionStore
from superqode.session.importers import make_importers

__all__ = ["PAGE", "formats_page", "own_words"]

PAGE: Final = Path(__file__).resolve().parents[2] / "src" / "superqode" / "session" / "importers" / "FORMATS.md"

_HEAD: Final = """# What is read, and what becomes of it

`superqode sessions import FILE…` knows these formats by their content, never by a file's name. Names of fields below are those of `metadata`
of a session, a message or a call; `metadata.imported` of each session says where it came from, with a receipt: how many lines were read,
mapped, kept as they are, and left out for which reason. What is said here of contents is counted over recorded sessions of the versions named;
`python tests/readme` makes this page anew.
"""
# What is said of each session elsewhere.
_EVERYWHERE: Final = frozenset(("imported", "relation"))


@dataclass(slots=True)
class _Seen:
    """What the recorded sessions of one format held."""

    versions: set[str] = field(default_factory=set)
    roles: set[str] = field(default_factory=set)
    calls: bool = False
    durations: bool = False
    parents: bool = False
    fields: dict[str, set[str]] = field(default_factory=lambda: {"sessions": set(), "messages": set(), "calls": set()})
    left_out: set[str] = field(default_factory=set)

    def take(self, session: Session, version: str) -> None:
        """Add a session that came out of a version's files."""
        self.versions.add(version)
        self.roles.update(message.role.value for message in session.messages)
        self.calls |= bool(session.tool_executions)
        self.durations |= any(call.duration_ms for call in session.tool_executions)
        self.parents |= session.parent_session_id is not None
        self.fields["sessions"].update(session.metadata.keys() - _EVERYWHERE)
        for kind, entries in (("messages", session.messages), ("calls", session.tool_executions)):
            self.fields[kind].update(name for entry in entries for name in entry.metadata)
        receipt: dict[str, Any] = session.metadata.get("imported", {}).get("receipt", {})
        self.left_out.update(receipt.get("dropped", {}))


def own_words(importer: object) -> str:
    """Give what an importer says of itself."""
    return inspect.getdoc(type(importer)) or ""


def formats_page() -> str:
    """Give the page; the recorded sessions must be beside this checkout."""
    seen = _import_recordings()
    sections = (_section(importer, seen.get(importer.name)) for importer in make_importers())
    return _HEAD + "".join(f"\n{section}" for section in sections)


def _import_recordings() -> dict[str, _Seen]:
    seen: dict[str, _Seen] = {}
    for recording in sorted(TRANSCRIPTS.glob("*/*/*")):
        if not recording.is_dir():
            continue
        agent, version = recording.parts[-3:-1]
        with tempfile.TemporaryDirectory(prefix="superqode-") as folder, SessionStore(Path(folder) / "store") as store:
            for outcome in store.import_sources([recording]).sessions:
                if outcome.status == "failed":
                    continue
                session = store.load(outcome.session_id)
                name = session.metadata.get("imported", {}).get("format", "superqode-export")
                # Traffic of other agents, and files that such an agent left beside it, are told with their agent.
                told = version if agent in (name, "superqode") else f"{agent} {version}"
                seen.setdefault(name, _Seen()).take(session, told)
    return seen


def _section(importer: Any, seen: _Seen | None) -> str:
    return f"## `{importer.name}`\n\n{own_words(importer)}\n\n" + "".join(f"- {line}\n" for line in _facts(seen))


def _facts(seen: _Seen | None) -> Iterator[str]:
    if seen is None:
        yield "Recorded: none; read as its documentation says."
        return
    yield f"Recorded: {', '.join(sorted(seen.versions, key=_by_number))}."
    calls = ("calls with their results", "and durations") if seen.durations else ("calls with their results",)
    yield f"Becomes: messages of {', '.join(sorted(seen.roles))}{'; ' + ' '.join(calls) if seen.calls else ''}."
    if seen.parents:
        yield "Linked: sessions name the one they come from in `parent_session_id`, and how in `metadata.relation`."
    for kind, names in seen.fields.items():
        if names:
            yield f"Kept of {kind}: {_listed(names)}."
    if seen.left_out:
        yield f"Left out, and counted: {', '.join(sorted(seen.left_out))}."


def _by_number(version: str) -> tuple[str, list[int]]:
    agent, _, number = version.rpartition(" ")
    return agent, [int(part) for part in number.split(".")]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))
