"""Writes sessions as opencode would, as an export, as small files, and as a database."""

from __future__ import annotations

import json
import sqlite3

from superqode.session.importers.opencode import OpencodeImporter

from . import folders

OPENCODE = OpencodeImporter()
START = 1_795_340_000_000
SCHEMA = """
CREATE TABLE `session` (`id` text PRIMARY KEY, `project_id` text NOT NULL, `parent_id` text, `directory` text NOT NULL,
    `title` text NOT NULL, `version` text NOT NULL, `revert` text, `time_created` integer, `time_updated` integer);
CREATE TABLE `message` (`id` text PRIMARY KEY, `session_id` text NOT NULL, `time_created` integer NOT NULL,
    `time_updated` integer NOT NULL, `data` text NOT NULL);
CREATE TABLE `part` (`id` text PRIMARY KEY, `message_id` text NOT NULL, `session_id` text NOT NULL,
    `time_created` integer NOT NULL, `time_updated` integer NOT NULL, `data` text NOT NULL);
"""


class Talk:
    """Writes one session, a message after the other."""

    def __init__(self, name="one", created=START, **info):
        self.id = f"ses_{name}"
        self.info = {
            "id": self.id,
            "projectID": "p1",
            "directory": "/p",
            "title": "A title",
            "version": "1.1.0",
            "time": {"created": created, "updated": created + 9000},
            **info,
        }
        self.messages = []
        self._count = 0

    def add(self, role, *parts, **info):
        self._count += 1
        message_id = info.pop("id", f"msg_{self.id[4:]}{self._count:04}")
        created = START + 1000 * self._count
        own = {"id": message_id, "sessionID": self.id, "role": role, "time": {"created": created}, **info}
        numbered = [
            {"id": f"prt_{message_id[4:]}{number:04}", "sessionID": self.id, "messageID": message_id, **part}
            for number, part in enumerate(parts)
        ]
        self.messages.append({"info": own, "parts": numbered})
        return self

    def user(self, text="go", *parts, **info):
        return self.add("user", {"type": "text", "text": text}, *parts, **info)

    def assistant(self, *parts, **info):
        about = {"modelID": "m", "providerID": "v", "agent": "build", "path": {"cwd": "/p", "root": "/p"}, **info}
        return self.add("assistant", {"type": "step-start"}, *parts, **about)

    @property
    def export(self):
        return json.dumps({"info": self.info, "messages": self.messages}, ensure_ascii=False).encode()

    def files(self, root="storage", *, old=False):
        """Give the small files, by name; as up to 0.5, or as later."""
        base = f"{root}/session/" if old else f"{root}/"
        home = "info" if old else "session/p1"
        files = {f"{base}{home}/{self.id}.json": self.info}
        for message in self.messages:
            name = message["info"]["id"]
            files[f"{base}message/{self.id}/{name}.json"] = message["info"]
            for part in message["parts"]:
                folder = f"part/{self.id}/{name}" if old else f"part/{name}"
                files[f"{base}{folder}/{part['id']}.json"] = part
        return {name: json.dumps(value, indent=1).encode() for name, value in files.items()}

    def insert(self, connection, insert="INSERT"):
        """Write the session into a database; `INSERT OR IGNORE` leaves rows that are there."""
        info = self.info
        told = (info.get("parentID"), info["directory"], info["title"], info["version"], _json(info.get("revert")))
        times = (info["time"]["created"], info["time"]["updated"])
        connection.execute(f"{insert} INTO session VALUES (?, 'p1', ?, ?, ?, ?, ?, ?, ?)", (self.id, *told, *times))
        for message in self.messages:
            own = message["info"]
            data = {name: value for name, value in own.items() if name not in ("id", "sessionID")}
            time = own["time"]["created"]
            connection.execute(
                f"{insert} INTO message VALUES (?, ?, ?, ?, ?)", (own["id"], self.id, time, time, json.dumps(data))
            )
            for part in message["parts"]:
                data = {name: value for name, value in part.items() if not name.endswith(("id", "ID"))}
                data = {**data, **({"callID": part["callID"]} if "callID" in part else {})}
                row = (part["id"], own["id"], self.id, time, time, json.dumps(data))
                connection.execute(f"{insert} INTO part VALUES (?, ?, ?, ?, ?, ?)", row)


def _json(value):
    return None if value is None else json.dumps(value)


def database(path, *talks):
    """Make a database in WAL mode with sessions; gives the connection, which keeps the log from being moved."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.executescript(SCHEMA)
    for talk in talks:
        talk.insert(connection)
    connection.commit()
    return connection


def text(words):
    """Give a part of an answer that says something."""
    return {"type": "text", "text": words}


def tool(call_id, name="bash", status="completed", output="ok", **more):
    """Give a part of an answer that calls a tool."""
    state = {
        "status": status,
        "input": more.pop("input", {"command": "ls"}),
        "time": {"start": START, "end": START + 5},
    }
    state["error" if status == "error" else "output"] = output
    return {"type": "tool", "tool": name, "callID": call_id, "state": {**state, **more}}


def imported(talk):
    """Import a session from its export; gives the conversation."""
    return folders.run(OPENCODE, [folders.one(talk.export, "export.json")])[0][0].session


def call_of(*parts, **info):
    """Import one answer; gives its only call and the session."""
    session = imported(Talk().user().assistant(*parts, **info))
    (call,) = session.tool_executions
    return call, session
