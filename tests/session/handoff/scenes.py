"""Sessions, agents' folders in memory, and hand-offs between them: what the tests of hand-offs share."""

from __future__ import annotations

import io
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from session.importers.opencode_scripts import SCHEMA
from session.importers.opencode_scripts import Talk as OpencodeTalk
from superqode.session.errors import TranscriptError
from superqode.session.handoff import WRITERS, Place
from superqode.session.handoff.again import imported_sessions
from superqode.session.handoff.opencode.stored import export_of
from superqode.session.importers import make_importers, recognise
from superqode.session.importers.base import Imported, Source, sources_of
from superqode.session.models import Message, Session, ToolExecution

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
BEGAN = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
PROJECT = "/home/dev/work/demo/proj"
ELSEWHERE = "/srv/checkouts/other"
BY_NAME = {writer.name: writer for writer in WRITERS}
NAMES = sorted(BY_NAME)
DATABASE = "opencode.db"
BY_FORMAT = {writer.format: writer for writer in WRITERS}


class Talk:
    """Writes a session entry by entry, a second apart."""

    def __init__(self, session_id="talk", **fields):
        fields = {"title": "A talk", "project_path": PROJECT, **fields}
        self.session = Session(id=session_id, created_at=BEGAN, **fields)
        self.moment = BEGAN

    def _next(self):
        self.moment += timedelta(seconds=1)
        return self.moment

    def says(self, text, role="user", **fields):
        count = len(self.session.messages)
        fields = {"id": f"m{count}", "timestamp": self._next(), **fields}
        self.session.add(Message(role=role, content=text, **fields))
        return self

    def answers(self, text, *calls, **fields):
        return self.says(text, "assistant", tool_calls=list(calls) or None, **fields)

    def calls(self, name="shell", result="ok", *, success=True, call_id=None, metadata=None, **arguments):
        chosen = call_id if call_id is not None else f"call_{len(self.session.tool_executions)}"
        execution = ToolExecution(
            id=chosen,
            tool_name=name,
            arguments=arguments,
            result=result,
            success=success,
            timestamp=self._next(),
            duration_ms=100,
            metadata=metadata or {},
        )
        self.session.add(execution)
        return self


def small():
    """A session with everything that goes over, and something that does not."""
    talk = Talk("small", title="A small talk")
    talk.says("Look at frob.c in /home/dev/work/demo/proj, please 🎉")
    talk.answers("Looking. 👀", metadata={"thinking": ["A private thought"]})
    talk.calls("developer.shell", "total 8\nfrob.c", command="ls /home/dev/work/demo/proj", call_id="t 1")
    talk.calls("mystery_read", "no such file", path="nope.txt", n=3, success=False, call_id="t2")
    talk.answers("Done. さようなら")
    talk.says("Remark of a program", "system", metadata={"notice": "x"})
    return talk.session


class Home(dict):
    """An agent's folder in memory: what is planned can be put there, and read as the agent's importer reads it."""

    def __init__(self, files=None):
        super().__init__()
        for path, content in (files or {}).items():
            self.put(path, content)

    def put(self, path, content):
        self[path] = partial(io.BytesIO, content)

    def bytes(self, path):
        with self[path]() as stream:
            return stream.read()

    def take(self, handoff):
        """Write the planned files, as whoever runs a plan does."""
        for file in handoff.files:
            if file.scratch:
                assert handoff.prepare == (("opencode", "import", f"<{file.path}>"),)
                self.put(DATABASE, opencode_import(self.get(DATABASE, io.BytesIO)().read(), file.content))
            elif file.behind is None:
                assert file.path not in self
                self.put(file.path, file.content)
            else:
                assert len(self.bytes(file.path)) == file.behind
                self.put(file.path, self.bytes(file.path) + file.content)
        return handoff


def opencode_import(database, export):
    """Do as `opencode import` does: what is there stays, what is new comes to it; gives the database."""
    told = json.loads(export)
    talk = OpencodeTalk()
    talk.id, talk.info, talk.messages = told["info"]["id"], told["info"], told["messages"]
    with sqlite3.connect(":memory:") as connection:
        if database:
            connection.deserialize(database)
        else:
            connection.executescript(SCHEMA)
        talk.insert(connection, "INSERT OR IGNORE")
        connection.commit()
        written = connection.serialize()
    connection.close()
    return written


def place(home=None, project=PROJECT, now=NOW):
    """Give a place to go on."""
    return Place(project, now, home if home is not None else Home())


def hand(writer, session, home=None, *, project=PROJECT, original=None, before=None, now=NOW):
    """Hand a session over and write the plan; gives the plan."""
    home = home if home is not None else Home()
    kept = Source("x.jsonl", partial(io.BytesIO, original)) if isinstance(original, bytes) else original
    return home.take(BY_NAME[writer].plan(session, place(home, project, now), original=kept, before=before))


def back(writer, handoff):
    """Give the session in the file a plan writes, as the agent's importer reads it."""
    file = handoff.files[-1]
    return imported_sessions(file.content, file.path, BY_NAME[writer].format)[0]


def present(writer, home, handoff):
    """Give the session as the agent has it now."""
    name = f"{handoff.session_id}.json"
    if writer == "opencode":
        content = export_of(Source(DATABASE, home[DATABASE]), handoff.session_id)
    else:
        name = BY_NAME[writer].find(handoff.session_id, place(home))
        content = home.bytes(name)
    return imported_sessions(content, name, BY_NAME[writer].format)[0]


def records(handoff):
    """Give the records a plan writes."""
    return [json.loads(line) for line in handoff.files[-1].content.decode().split("\n") if line]


def said(session):
    """Give a session's prompts and answers with text, and its calls with their results, each in order."""
    texts = [(str(entry.role), entry.content) for entry in session.messages if entry.role in ("user", "assistant")]
    done = [(call.tool_name, dict(call.arguments), call.result, call.success) for call in session.tool_executions]
    return [pair for pair in texts if pair[1].strip()], done


def _open(path, ending=""):
    return Path(f"{path}{ending}").open("rb")


def imported_folder(folder):
    """Import every file an agent left in a folder; gives each session with its source and its importer's name."""
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.parent != folder:
            files[path.relative_to(folder).as_posix()] = partial(_open, path)
    importers = make_importers()
    for source in sources_of(files):
        try:
            importer = recognise(source, importers)
        except TranscriptError:
            continue
        for found in importer.read(source):
            if isinstance(found, Imported):
                yield found.session, source, importer.name
