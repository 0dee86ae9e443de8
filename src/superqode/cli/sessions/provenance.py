"""Where an imported session came from, for people: its file, and what became of every line of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from superqode.cli.output import style
from superqode.cli.text import count, line

if TYPE_CHECKING:
    from superqode.session.models import Session
    from superqode.session.store.sources import Original

__all__ = ["provenance", "provenance_lines"]


def provenance(session: Session, original: Original | None) -> dict[str, Any]:
    """Give what is known of a session's origin as JSON values.

    `session_id`, `parent_session_id`, `relation` (`fork`, `subagent`, `branch`, …, or null), `imported` (as in the
    session's metadata, or null for one that was not imported), and `original`: null where no file was kept, else
    `files` (`name`, `bytes`, `sha256` each) and `dropped`, which says why they are gone again.
    """
    imported = session.metadata.get("imported")
    kept = None
    if original is not None:
        files = [{"name": file.name, "bytes": file.size, "sha256": file.sha256} for file in original.files]
        kept = {"files": files, "dropped": original.dropped or None}
    return {
        "session_id": session.id,
        "parent_session_id": session.parent_session_id,
        "relation": session.metadata.get("relation"),
        "imported": imported if isinstance(imported, dict) else None,
        "original": kept,
    }


def provenance_lines(told: Mapping[str, Any]) -> Iterator[str]:
    """Give it as safe lines for people."""
    yield style(line(told["session_id"]), fg="cyan", bold=True)
    if told["parent_session_id"]:
        yield _row("comes from", f"{told['parent_session_id']}{_bracketed(told['relation'])}")
    imported = told["imported"]
    if imported is None:
        yield "was not imported"
        return
    yield _row("format", f"{imported.get('format', '')}, importer version {imported.get('importer_version', '')}")
    yield _row("session there", imported.get("source_session_id", ""))
    yield _row("file", imported.get("source_path", ""))
    yield _row("sha256", imported.get("source_sha256", ""))
    yield from _original(told["original"])
    receipt = imported.get("receipt")
    yield from _receipt(receipt if isinstance(receipt, dict) else {})


def _row(name: str, value: object) -> str:
    return f"{name:<14} {line(value) or '-'}"


def _bracketed(relation: object) -> str:
    return f" ({relation})" if relation else ""


def _original(original: Mapping[str, Any] | None) -> Iterator[str]:
    if original is None:
        yield _row("kept", "no: imported before files were kept")
    elif original["dropped"]:
        yield _row("kept", f"no more: {original['dropped']}")
    else:
        files = original["files"]
        yield _row("kept", f"{count(len(files), 'file')}, {sum(file['bytes'] for file in files):,} bytes")


def _receipt(receipt: Mapping[str, Any]) -> Iterator[str]:
    """What became of the lines; each number as it was written, whoever wrote it."""
    dropped = receipt.get("dropped")
    reasons = dropped if isinstance(dropped, dict) else {}
    problems = receipt.get("problems")
    yield _row("lines read", receipt.get("lines", "?"))
    yield _row("  mapped", receipt.get("mapped", "?"))
    yield _row("  kept as is", receipt.get("kept", "?"))
    yield _row("  dropped", sum(value for value in reasons.values() if isinstance(value, int)))
    for reason, number in sorted(
        reasons.items(), key=lambda told: (-told[1] if isinstance(told[1], int) else 0, told[0])
    ):
        yield f"    {line(number):>8}  {line(reason)}"
    for problem in problems if isinstance(problems, list) else ():
        yield f"  ! {line(problem)}"
