"""What people use instead, each with one session of a folder, behind the same calls.

Nothing of the library is imported here: the same file runs under the Python that has superqode 2.25.0.
"""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import subprocess
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

from workload import BEGAN, PROJECT, Record, json_line

__all__ = ["SESSION", "UNREADABLE", "GitProgram", "GzipJson", "JsonLines", "OldPackage", "Sqlite", "Store", "run_git"]

# What a peer raises where a session cannot be read.
UNREADABLE: Final = (OSError, EOFError, ValueError, LookupError, zlib.error)
# The session, where a folder has only one.
SESSION: Final = "measured"


class Store(Protocol):
    """One session in a folder.

    Attributes:
        root: the folder.
    """

    root: Path

    def seed(self, turns: Iterable[list[Record]]) -> None:
        """Make the session with these turns."""

    def forget(self) -> None:
        """Remove what an earlier load kept for the next one, where that is measured without; not part of it."""

    def load(self) -> object:
        """Read the whole session into memory, as this store gives it."""

    def texts(self) -> list[str]:
        """Read the texts of all messages."""

    def open(self) -> None:
        """Get ready to append."""

    def prepare(self, message: Record) -> Any:
        """Make what `save` takes; not part of what is measured."""

    def save(self, prepared: Any) -> None:
        """Append one message; return when the store says it is saved."""


class _Plain:
    """A store that takes records as they are."""

    def __init__(self, root: Path, session: str = SESSION) -> None:
        self.root = root
        self.session = session

    def forget(self) -> None:
        """Nothing was kept."""

    def open(self) -> None:
        """Nothing to get ready."""

    def prepare(self, message: Record) -> Record:
        """Take the record as it is."""
        return message


class JsonLines(_Plain):
    """One line a record, one fsync a save: the least that durable can cost."""

    def __init__(self, root: Path, session: str = SESSION) -> None:
        super().__init__(root, session)
        self._path = root / f"{session}.jsonl"
        self._handle = -1

    def seed(self, turns: Iterable[list[Record]]) -> None:
        with self._path.open("wb") as file:
            file.writelines(json_line(record) for turn in turns for record in turn)

    def load(self) -> list[Record]:
        with self._path.open("rb") as file:
            return [json.loads(line) for line in file]

    def texts(self) -> list[str]:
        return _texts(self.load())

    def open(self) -> None:
        self._handle = os.open(self._path, os.O_WRONLY | os.O_APPEND)

    def save(self, prepared: Record) -> None:
        os.write(self._handle, json_line(prepared))
        os.fsync(self._handle)


class Sqlite(_Plain):
    """One row a record, `synchronous=FULL`."""

    def __init__(self, root: Path, session: str = SESSION) -> None:
        super().__init__(root, session)
        self._connection = sqlite3.connect(root / "session.sqlite", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE IF NOT EXISTS session (id TEXT PRIMARY KEY, updated TEXT, messages INT)")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS entry (place INTEGER PRIMARY KEY, session TEXT, body TEXT)"
        )

    def seed(self, turns: Iterable[list[Record]]) -> None:
        rows = ((self.session, json_line(record).decode()) for turn in turns for record in turn)
        self._connection.execute("BEGIN")
        self._connection.execute("INSERT INTO session VALUES (?, '', 0)", (self.session,))
        self._connection.executemany("INSERT INTO entry (session, body) VALUES (?, ?)", rows)
        self._connection.execute("COMMIT")

    def load(self) -> list[Record]:
        rows = self._connection.execute("SELECT body FROM entry WHERE session = ? ORDER BY place", (self.session,))
        return [json.loads(body) for (body,) in rows]

    def texts(self) -> list[str]:
        return _texts(self.load())

    def save(self, prepared: Record) -> None:
        body = json_line(prepared).decode()
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("INSERT INTO entry (session, body) VALUES (?, ?)", (self.session, body))
        self._connection.execute(
            "UPDATE session SET updated = ?, messages = messages + 1 WHERE id = ?",
            (prepared["timestamp"], self.session),
        )
        self._connection.execute("COMMIT")


class GzipJson(_Plain):
    """superqode 2.25.0's way: each save writes the whole session again as indented JSON, gzipped, and an index.

    Nothing is synced: a power cut, or a kill in a save, loses the session.
    """

    def __init__(self, root: Path, session: str = SESSION) -> None:
        super().__init__(root, session)
        self._session: Record = {}
        self._index: Record = {}
        with suppress(FileNotFoundError, json.JSONDecodeError):  # one that was cut is one that is empty
            self._index = json.loads((root / "index.json").read_text("utf-8"))

    def seed(self, turns: Iterable[list[Record]]) -> None:
        session: Record = {
            "id": self.session,
            "title": "Measured",
            "created_at": BEGAN.isoformat(),
            "project_path": PROJECT,
        }
        session |= {"updated_at": BEGAN.isoformat(), "messages": [], "tool_executions": []}
        for record in (record for turn in turns for record in turn):
            session[_list_of(record)].append(record)
        self._write(session)

    def _write(self, session: Record) -> None:
        with gzip.open(self.root / f"{self.session}.json.gz", "wt", encoding="utf-8") as file:
            file.write(json.dumps(session, indent=2))
        line = {name: session[name] for name in ("id", "title", "created_at", "updated_at", "project_path")}
        line["message_count"] = len(session["messages"])
        self._index[self.session] = line
        (self.root / "index.json").write_text(json.dumps(self._index, indent=2), "utf-8")

    def load(self) -> Record:
        with gzip.open(self.root / f"{self.session}.json.gz", "rt", encoding="utf-8") as file:
            loaded: Record = json.load(file)
        return loaded

    def texts(self) -> list[str]:
        with suppress(OSError, EOFError, zlib.error, ValueError):  # one that two writers cut or mixed keeps nothing
            return _texts(self.load()["messages"])
        return []

    def open(self) -> None:
        self._session = self.load()

    def save(self, prepared: Record) -> None:
        self._session[_list_of(prepared)].append(prepared)
        self._session["updated_at"] = prepared["timestamp"]
        self._write(self._session)


class OldPackage(_Plain):
    """superqode 2.25.0 itself; only under a Python that has it."""

    def __init__(self, root: Path, session: str = SESSION) -> None:
        super().__init__(root, session)
        from superqode.session import persistence

        self._package: Any = persistence
        self._store: Any = persistence.SessionStore(root)
        self._session: Any = None

    def seed(self, turns: Iterable[list[Record]]) -> None:
        session = self._package.Session(
            id=self.session, title="Measured", created_at=BEGAN, updated_at=BEGAN, project_path=PROJECT
        )
        for record in (record for turn in turns for record in turn):
            if record["kind"] == "message":
                self._add(session, record)
            else:
                self._add_call(session, record)
        self._store.save(session)

    def _add(self, session: Any, record: Record) -> None:
        role = self._package.MessageRole(record["role"])
        session.add_message(role, record["content"], record["agent_name"], record["tool_calls"])

    def _add_call(self, session: Any, record: Record) -> None:
        names = ("tool_name", "arguments", "result", "success", "duration_ms", "agent_name")
        session.add_tool_execution(*[record[name] for name in names])

    def load(self) -> object:
        session: object = self._store.load(self.session)
        if session is None:
            raise ValueError("it gave None for a session it has just saved")
        return session

    def texts(self) -> list[str]:
        loaded: Any = self.load()
        return [message.content for message in loaded.messages]

    def open(self) -> None:
        self._session = self.load()

    def save(self, prepared: Record) -> None:
        (self._add if prepared["kind"] == "message" else self._add_call)(self._session, prepared)
        self._store.save(self._session)


def _texts(records: list[Record]) -> list[str]:
    return [record["content"] for record in records if record["kind"] == "message"]


def _list_of(record: Record) -> str:
    return "messages" if record["kind"] == "message" else "tool_executions"


def run_git(root: Path, *arguments: str, data: bytes = b"") -> bytes:
    """Run `git` on a repository, without the settings of the person; gives what it printed."""
    who = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.invalid"}
    who |= {"GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.invalid"}
    environment = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, env=environment, check=True).stdout


class GitProgram(_Plain):
    """The `git` program, five runs a save: a blob, the two trees above it, a commit, the branch.

    A message and its executions are one file, `<n / 100>/<n % 100>.jsonl`.
    """

    _BRANCH: Final = f"refs/heads/{SESSION}"

    def __init__(self, root: Path, session: str = SESSION) -> None:
        super().__init__(root, session)
        self._tip = ""
        self._folders: dict[str, str] = {}
        self._files: dict[str, str] = {}

    def seed(self, turns: Iterable[list[Record]]) -> None:
        run_git(self.root, "init", "--quiet", "--bare")
        run_git(self.root, "config", "core.fsync", "all")
        run_git(self.root, "config", "gc.auto", "0")
        commit = f"commit {self._BRANCH}\ncommitter A <a@example.invalid> 0 +0000\ndata 5\nseed\n\n"
        with subprocess.Popen(["git", "-C", self.root, "fast-import", "--quiet"], stdin=subprocess.PIPE) as process:
            if process.stdin is None:
                raise AssertionError("it was opened with a pipe")
            process.stdin.write(commit.encode())
            for number, turn in enumerate(turns):
                data = b"".join(map(json_line, turn))
                place = f"M 100644 inline {number // 100:04d}/{number % 100:02d}.jsonl\ndata {len(data)}\n"
                process.stdin.write(place.encode() + data + b"\n")
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, "git fast-import")

    def load(self) -> list[Record]:
        files = run_git(self.root, "ls-tree", "-r", "--object-only", self._BRANCH)
        output = run_git(self.root, "cat-file", "--batch", data=files)
        records: list[Record] = []
        start = 0
        while start < len(output):
            begin = output.index(b"\n", start) + 1
            end = begin + int(output[start:begin].split()[2])
            records += [json.loads(line) for line in output[begin:end].splitlines()]
            start = end + 1
        return records

    def texts(self) -> list[str]:
        return _texts(self.load())

    def open(self) -> None:
        self._tip = self._text("rev-parse", self._BRANCH)
        self._folders = self._listing(self._BRANCH)
        self._files = self._listing(f"{self._BRANCH}:{max(self._folders)}")

    def save(self, prepared: Record) -> None:
        folder = max(self._folders)
        if len(self._files) == 100:
            folder, self._files = f"{int(folder) + 1:04d}", {}
        blob = self._text("hash-object", "-w", "--stdin", data=json_line(prepared))
        self._files[f"{len(self._files):02d}.jsonl"] = f"100644 blob {blob}"
        self._folders[folder] = f"040000 tree {self._tree(self._files)}"
        commit = self._text("commit-tree", self._tree(self._folders), "-p", self._tip, "-m", "save")
        run_git(self.root, "update-ref", self._BRANCH, commit, self._tip)
        self._tip = commit

    def _text(self, *arguments: str, data: bytes = b"") -> str:
        return run_git(self.root, *arguments, data=data).decode().strip()

    def _listing(self, tree: str) -> dict[str, str]:
        lines = self._text("ls-tree", tree).split("\n")
        return {name: what for what, _, name in (line.partition("\t") for line in lines)}

    def _tree(self, entries: dict[str, str]) -> str:
        return self._text("mktree", data="".join(f"{what}\t{name}\n" for name, what in entries.items()).encode())
