"""opencode: damaged, forged, foreign and huge files, in all three storages."""

from __future__ import annotations

import io
import json
import sqlite3
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.importers.base import Imported, Source
from superqode.session.importers.opencode.tree import place_of

from . import folders, fuzzing
from .opencode_scripts import OPENCODE, START, Talk, database, text, tool
from .opencode_scripts import SCHEMA as DATABASE_SCHEMA


def talk():
    """Give a session with a bit of everything."""
    diffs = [{"file": "a", "before": "", "after": "x"}]
    file = {"type": "file", "mime": "image/png", "url": "data:image/png;base64,AAAA", "source": {"path": "/p/i"}}
    made = tool("c2", "write", input={"filePath": "/p/a"}, metadata={"exists": False}, attachments=[file])
    failed = tool("c3", "bash", "error", output="The user rejected permission")
    parts = ({"type": "reasoning", "text": "hm", "time": {"start": START}}, text("b"), tool("c1", metadata={"exit": 1}))
    ends = (
        {"type": "step-finish", "reason": "stop", "tokens": {"input": 1}, "cost": 1},
        {"type": "patch", "files": []},
    )
    whole = Talk(revert={"messageID": "msg_one0005"}, parentID="ses_zero").user("1", file, summary={"diffs": diffs})
    whole.assistant(*parts, made, failed, *ends, {"type": "retry", "error": {"name": "x"}}, error={"name": "E"})
    return whole.user('"a b"\n').assistant(text("c"), summary=True).user("last")


def check_any(sources):
    """Import anything; check what must hold for all of it, and that it is the same again."""
    first, second = (folders.run(OPENCODE, sources) for _ in range(2))
    assert [str(problem) for problem in first[1]] == [str(problem) for problem in second[1]]
    for ours, theirs in zip(first[0], second[0], strict=True):
        assert ours.session.to_dict() == theirs.session.to_dict()
    return first


@given(fuzzing.altered(json.loads(talk().export)))
def test_values_of_any_kind_in_an_export_raise_nothing(value):
    """Whatever stands in place of what is expected, the answer is a session or a TranscriptError."""
    check_any([folders.one(json.dumps(value).encode(), "export.json")])


@given(fuzzing.damaged(talk().export))
def test_bytes_of_any_kind_in_an_export_raise_nothing(raw):
    """Whatever the disk did to an export, the answer is ours and the receipt adds up."""
    check_any([folders.one(raw, "export.json")])


@given(st.data())
def test_bytes_of_any_kind_among_small_files_raise_nothing(data):
    """Damaged, empty and missing files cost what stood in them, and no more."""
    files = talk().files(old=data.draw(st.booleans()))
    for name in data.draw(st.lists(st.sampled_from(sorted(files)), max_size=4, unique=True)):
        if data.draw(st.booleans()):
            del files[name]
        else:
            files[name] = data.draw(fuzzing.damaged(files[name]))
    check_any(folders.of(files))


@given(st.data())
def test_bytes_of_any_kind_in_a_database_raise_nothing(data):
    """A damaged database, or a damaged log of one, is an error or gives what can still be read."""
    files = dict(DATABASE)
    name = data.draw(st.sampled_from(sorted(files)))
    files[name] = data.draw(fuzzing.damaged(files[name]))
    check_any(folders.of(files))


@given(fuzzing.altered(json.loads(talk().export)))
def test_values_of_any_kind_in_a_database_raise_nothing(value):
    """The rows of a database are somebody else's words, too."""
    forged = Talk()
    connection = sqlite3.connect(":memory:")
    connection.executescript(DATABASE_SCHEMA)
    forged.insert(connection)
    for number, message in enumerate(value["messages"] if isinstance(value.get("messages"), list) else ()):
        info = message.get("info") if isinstance(message, dict) else message
        row = (f"msg_{number}", forged.id, number, 0, json.dumps(info))
        connection.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?)", row)
        parts = message.get("parts") if isinstance(message, dict) else None
        for place, part in enumerate(parts if isinstance(parts, list) else ()):
            row = (f"prt_{number}_{place}", f"msg_{number}", forged.id, 0, 0, json.dumps(part))
            connection.execute("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?)", row)
    connection.commit()
    raw = connection.serialize()
    connection.close()
    check_any([folders.one(raw, "opencode.db")])


def _database():
    connection = sqlite3.connect(":memory:")
    connection.executescript(DATABASE_SCHEMA)
    talk().insert(connection)
    connection.commit()
    raw = connection.serialize()
    connection.close()
    return {"opencode.db": raw, "opencode.db-wal": b""}


DATABASE = _database()


def test_a_cut_export_gives_what_came_before_the_cut():
    """Every whole message is there, the loss is told, and the session is the one it is in the end."""
    whole = talk().export
    (full, _), _ = folders.run(OPENCODE, [folders.one(whole)])
    (cut,), errors = folders.run(OPENCODE, [folders.one(whole[: whole.rindex(b'{"info"') + 40])])
    assert errors == []
    assert cut.session.id == full.session.id
    assert folders.ids(cut.session) == folders.ids(full.session)[: len(cut.session.timeline)]
    assert len(cut.session.messages) == 4
    assert cut.receipt.dropped["damaged"] == 1
    assert "ends in the middle" in cut.receipt.problems[0]


@pytest.mark.parametrize("lost", ["msg_one0002", "prt_one00020002", "ses_one"], ids=["message", "part", "session"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\0" * 64], ids=["empty", "cut", "list", "zeros"])
def test_one_damaged_small_file_costs_what_stood_in_it(lost, content):
    """The other messages and parts are imported, under the same ids, and the damage is told."""
    files = talk().files()
    (name,) = [name for name in files if name.endswith(f"{lost}.json")]
    files[name] = content
    found, errors = folders.run(OPENCODE, folders.of(files))
    assert errors == []
    session = found[0].session
    assert session.id == "opencode-ses_one"
    assert {"msg_one0001", "c2", "c3"} <= set(folders.ids(session))
    if lost != "ses_one":
        assert found[0].receipt.dropped["damaged"] == 1
        assert lost in found[0].receipt.problems[0]


def test_pieces_without_their_session_say_what_to_import():
    """A message or a part alone is no session, and nothing that may be left out in silence."""
    files = talk().files()
    for wanted in ("/session/", "/part/"):
        alone = {name: data for name, data in files.items() if wanted in name}
        found, errors = folders.run(OPENCODE, folders.of(dict(list(alone.items())[:1])))
        assert found == []
        assert "import the whole `storage` folder" in errors[0].reason


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a/storage/session/p/ses_1.json", b'{"id": "ses_1"}', "session"),
        ("project/s/storage/session/info/ses_1.json", b'{"id": "ses_1"}', "session"),
        ("storage/message/ses_1/msg_1.json", b'{"id": "msg_1"}', "message"),
        ("storage/part/msg_1/prt_1.json", b'{"id": "prt_1"}', "part"),
        ("storage/session/part/ses_1/msg_1/prt_1.json", b'{"id": "prt_1"}', "part"),
        ("storage/session_diff/ses_1.json", b'{"id": "ses_1"}', None),
        ("storage/todo/ses_1.json", b'[{"id": "1"}]', None),
        ("storage/message/ses_1/msg_1.json", b'{"id": "x"}', None),
        ("storage/message/ses_1/msg_1.json", b"", None),
        ("msg_1.json", b'{"id": "msg_1"}', None),
    ],
)
def test_a_small_file_is_known_by_its_name_and_its_content(name, content, kind):
    """Neither alone says what it is."""
    place = place_of(name, content)
    assert (place.kind if place else None) == kind


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'{"info": {}}',
        b'{"messages": [], "info": {"x": 1}}',
        b'{"info": {"title": "x"}, "messages": []}',
        b'{"format": "superqode-session-v1", "session": {}}',
        b"SQLite format 3\0" + b"\0" * 4080,
    ],
)
def test_other_files_are_not_taken(content):
    """An empty database, a foreign export and fragments are nobody's, or somebody else's."""
    source = folders.one(content, "opencode.db")
    assert not OPENCODE.recognises(source, source.head())


def test_a_database_that_is_none_of_opencodes_is_an_error(tmp_path):
    """Tables of the same names with other columns, and views in their place, are told and not read."""
    for number, schema in enumerate(
        (
            "CREATE TABLE session (id); CREATE TABLE message (id); CREATE TABLE part (id);",
            DATABASE_SCHEMA.replace("CREATE TABLE `part`", "CREATE TABLE `other`")
            + "CREATE TABLE x (y); CREATE VIEW part AS WITH RECURSIVE n(id, message_id, data) AS "
            "(SELECT 1, 1, 1 UNION ALL SELECT id + 1, 1, 1 FROM n) SELECT * FROM n;",
            DATABASE_SCHEMA.replace("`data` text NOT NULL", "`data` text AS (zeroblob(900000000))"),
        )
    ):
        path = tmp_path / f"opencode-{number}.db"
        connection = sqlite3.connect(path)
        connection.executescript(schema)
        connection.executescript("CREATE TABLE filler (x); INSERT INTO filler VALUES (zeroblob(100000));")
        connection.close()
        (problem,) = OPENCODE.read(folders.at(tmp_path)[number])
        assert "none that opencode keeps sessions in" in problem.reason


def test_a_row_that_cannot_be_read_costs_itself(tmp_path):
    """Damaged JSON in a message or a part is counted; the rest of the session and the other sessions are there."""
    connection = database(tmp_path / "opencode.db", talk(), Talk("two").user("other"))
    connection.execute("UPDATE part SET data = '{' WHERE id = 'prt_one00020002'")
    connection.execute("UPDATE message SET data = X'ff00' WHERE id = 'msg_one0003'")
    connection.commit()
    found, errors = folders.run(OPENCODE, folders.at(tmp_path))
    connection.close()
    assert errors == []
    sessions = {item.session.id: item for item in found}
    assert sessions["opencode-ses_one"].receipt.dropped["damaged"] == 2
    assert folders.said(sessions["opencode-ses_one"].session)[2] == ("user", "a b")
    assert folders.said(sessions["opencode-ses_two"].session) == [("user", "other")]


def test_a_long_export_is_not_held_in_memory():
    """What does not become part of the session takes no memory, however long the export is."""
    part = json.dumps({"type": "file", "url": "data:image/png;base64," + "A" * 200_000}).encode()
    message = b'{"info": {"id": "msg_1", "role": "user"}, "parts": [%s]},' % part
    pieces = [b'{"info": {"id": "ses_1", "directory": "/p"}, "messages": [', *[message] * 300]
    pieces.append(b'{"info": {"id": "msg_2", "role": "user"}, "parts": [{"type": "text", "text": "x"}]}]}')

    class Pieces(io.RawIOBase):
        def __init__(self):
            super().__init__()
            self._left = list(reversed(pieces))

        def readable(self):
            return True

        def readinto(self, buffer):
            if not self._left:
                return 0
            piece = self._left.pop()
            if len(piece) > len(buffer):
                self._left.append(piece[len(buffer) :])
            buffer[: len(piece)] = piece[: len(buffer)]
            return min(len(piece), len(buffer))

    source = Source("export.json", lambda: io.BufferedReader(Pieces()))
    tracemalloc.start()
    try:
        (found,) = OPENCODE.read(source)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(found, Imported)
    assert len(found.session.messages) == 301
    assert peak < 12_000_000 < 300 * len(message)
