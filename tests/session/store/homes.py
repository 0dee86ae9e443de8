"""A home that agents left: small sessions of several agents, and how to look at all of it."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

from superqode.session.agents import AGENTS, FoundPlace, find_places

__all__ = ["CLAUDE", "claude_lines", "everything", "make_home", "old", "places"]

CLAUDE = ".claude/projects/-p/11111111-1111-4111-8111-111111111111.jsonl"
_TIME = "2026-10-01T10:00:00.000Z"
_OPENCODE = """
CREATE TABLE session (id text PRIMARY KEY, parent_id text, directory text, title text, time_created integer);
CREATE TABLE message (id text PRIMARY KEY, session_id text, time_created integer, data text);
CREATE TABLE part (id text PRIMARY KEY, message_id text, data text);
INSERT INTO session VALUES ('ses_1', NULL, '/p', 'A title', 1795340000000);
INSERT INTO message VALUES ('msg_1', 'ses_1', 1795340000000, '{"role": "user"}');
INSERT INTO part VALUES ('prt_1', 'msg_1', '{"type": "text", "text": "of opencode"}');
"""


def claude_lines(*texts: str, session: str = "11111111-1111-4111-8111-111111111111", cwd: str = "/p") -> str:
    """Give a transcript of Claude Code with these prompts."""
    before, lines = None, []
    for number, text in enumerate(texts):
        uuid = f"{number:08d}-2222-4222-8222-222222222222"
        message = {"role": "user", "content": text}
        record = {"parentUuid": before, "isSidechain": False, "type": "user", "message": message, "uuid": uuid}
        lines.append(json.dumps({**record, "timestamp": _TIME, "cwd": cwd, "sessionId": session, "version": "2.1.330"}))
        before = uuid
    return "".join(f"{line}\n" for line in lines)


def make_home(home: Path, project: str = "/p") -> Path:
    """Fill a home with a session of each of five agents, all of them written long ago."""
    codex = [
        {
            "type": "session_meta",
            "payload": {"id": "019e-a", "timestamp": _TIME, "cwd": project, "originator": "codex"},
        },
        {"type": "response_item", "payload": {"type": "message", "role": "user", "content": [_input("of codex")]}},
    ]
    pi = [
        {"type": "session", "version": 3, "id": "pi-1", "timestamp": _TIME, "cwd": project},
        {
            "type": "message",
            "id": "m1",
            "parentId": None,
            "timestamp": _TIME,
            "message": {"role": "user", "content": "of pi"},
        },
    ]
    gemini = [
        {"sessionId": "g1", "projectHash": "ab", "startTime": _TIME, "lastUpdated": _TIME, "kind": "main"},
        {"id": "m1", "timestamp": _TIME, "type": "user", "content": [{"text": "of gemini"}]},
    ]
    files = {
        CLAUDE: claude_lines("of claude", cwd=project),
        ".codex/sessions/2026/10/01/rollout-2026-10-01T10-00-00-019e-a.jsonl": _lines(codex, timestamp=_TIME),
        ".gemini/tmp/slug/chats/session-2026-10-01T10-00-g1.jsonl": _lines(gemini),
        ".gemini/tmp/slug/.project_root": project,
        ".pi/agent/sessions/--p--/2026_pi-1.jsonl": _lines(pi),
    }
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    database = home / ".local/share/opencode/opencode.db"
    database.parent.mkdir(parents=True)
    with sqlite3.connect(database) as connection:
        connection.executescript(_OPENCODE)
    connection.close()
    old(home)
    return home


def _input(text: str) -> dict[str, str]:
    return {"type": "input_text", "text": text}


def _lines(records: list[dict[str, object]], **more: object) -> str:
    return "".join(json.dumps({**more, **record}) + "\n" for record in records)


def old(path: Path, age: int = 1000) -> None:
    """Make files look as if they had been left alone for some seconds longer."""
    for file in [path, *path.rglob("*")] if path.is_dir() else [path]:
        told = file.stat()
        os.utime(file, ns=(told.st_atime_ns, told.st_mtime_ns - age * 1_000_000_000))


def places(home: Path, *agents: str) -> list[FoundPlace]:
    """What `rescue` is to look at in a home; all agents without names."""

    def home_of(rule):
        return home / rule.below if rule.below else None

    return [place for agent in AGENTS if not agents or agent.name in agents for place in find_places(agent, home_of)]


def everything(home: Path) -> dict[str, tuple[bytes, int, int, int]]:
    """Give content, time of change, mode and inode of all files, and of folders without content."""
    return {
        str(path): (path.read_bytes() if path.is_file() else b"", told.st_mtime_ns, told.st_mode, told.st_ino)
        for path in sorted(home.rglob("*"))
        for told in [path.lstat()]
    }
