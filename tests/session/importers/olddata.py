"""Sessions as superqode 2.25 wrote them, and sources made of them."""

from __future__ import annotations

import gzip
import io
import json
from functools import partial

import pytest

from superqode.session.errors import TranscriptError
from superqode.session.importers.base import Imported, Source

from . import truth

RECORDED = truth.TRANSCRIPTS / "superqode" / "2.25.0"
needs_recordings = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="the recorded transcripts are not beside this checkout (../shared/data/transcripts)"
)


def recorded(folder=""):
    """Give each recorded file of a folder as a source; they know each other."""
    listed = []
    root = RECORDED / folder

    def related(needle):
        return (source for source in listed if needle in source.name)

    listed.extend(
        Source(path.relative_to(root).as_posix(), partial(path.open, "rb"), related)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    )
    return {source.name: source for source in listed}


def source_of(data, name="session-1.json.gz", others=()):
    """Give bytes (or a JSON value) as a source."""
    if not isinstance(data, bytes):
        data = json.dumps(data).encode()
        data = gzip.compress(data) if name.endswith(".gz") else data
    run = list(others)
    return Source(name, lambda: io.BytesIO(data), lambda needle: (other for other in run if needle in other.name))


def only(importer, source):
    """Import a source that holds one session; gives what was imported."""
    (found,) = importer.read(source)
    assert isinstance(found, Imported), found
    receipt = found.receipt
    assert receipt.lines == receipt.mapped + receipt.kept + sum(receipt.dropped.values())
    return found


def refused(importer, source):
    """Import a source that holds none; gives the reason."""
    (problem,) = importer.read(source)
    assert isinstance(problem, TranscriptError), problem
    assert problem.source == source.name
    return problem.reason


def message(number, role="user", content="hello", **more):
    """Give a message as 2.25 wrote it."""
    return {
        "id": f"msg-{number}-1",
        "role": role,
        "content": content,
        "timestamp": f"2026-11-22T09:58:{number:02}.000001",
        "agent_name": None,
        "tool_calls": None,
        "tool_call_id": None,
        "metadata": {},
        **more,
    }


def call(number, **more):
    """Give a tool execution as 2.25 wrote it."""
    return {
        "id": f"tool-{number}-1",
        "tool_name": "bash",
        "arguments": {"command": "true"},
        "result": "",
        "success": True,
        "timestamp": f"2026-11-22T09:58:{number:02}.000001",
        "duration_ms": 4,
        "agent_name": "claude",
        **more,
    }


def session(**more):
    """Give a session as 2.25 wrote it."""
    return {
        "id": "session-1",
        "title": "A title",
        "created_at": "2026-11-22T09:58:00.000001",
        "updated_at": "2026-11-22T09:59:00.000001",
        "project_path": "/p",
        "messages": [message(1)],
        "tool_executions": [call(2)],
        "files_modified": [],
        "files_created": [],
        "agents_used": ["claude"],
        "tags": [],
        "parent_session_id": None,
        "snapshots": [],
        "metadata": {},
        **more,
    }
