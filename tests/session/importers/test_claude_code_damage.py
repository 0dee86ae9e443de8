"""Damaged, cut and forged transcripts of Claude Code: the rest is kept, all is counted, nothing is raised."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from superqode.session import Session
from superqode.session.errors import TranscriptError
from superqode.session.ids import is_session_id
from superqode.session.importers.base import Imported, Source
from superqode.session.importers.claude_code import ClaudeCodeImporter

from .claude_scripts import NAME, SESSION, Script, call, ids, prompts, rewound, run, said, sessions
from .fuzzing import places


def test_damage_costs_only_itself():
    """Glued and torn lines, garbage, separators of Unicode and a lost end leave the rest whole and are counted."""
    script = Script()
    script.says("line\u2028separator")
    script.answers("one")
    script.says("two")
    script.answers("three")
    first, second, third, fourth = script.bytes().splitlines(keepends=True)
    torn = first[:40]
    data = first + b"garbage \xff\n" + second.rstrip() + third + torn + fourth + b"[1]\n" + b'{"sessionId": 1}\n' + torn
    (result,) = run({NAME: data})
    assert said(result.session) == [
        ("user", "line\u2028separator"),
        ("assistant", "one"),
        ("user", "two"),
        ("assistant", "three"),
    ]
    assert result.receipt.dropped == {"damaged": 3, "torn last line": 1, "unknown records": 1}
    assert result.receipt.lines == 4 + 5


def test_repeated_records_count_once_and_different_ones_stay():
    """The same record again is dropped, counted; another one under the same id is kept under a new id."""
    script = Script()
    script.says("first")
    script.answers("one")
    script.records.append(script.records[0])
    script.records.append({**script.records[0], "message": {"role": "user", "content": "another"}, "parentUuid": "u2"})
    (result,) = run({NAME: script})
    assert prompts(result.session) == ["first", "another"]
    assert ids(result.session) == ["u1", "msg2", "u1~2"]
    assert result.session.messages[2].metadata == {"original_id": "u1"}
    assert result.receipt.dropped == {"repeated records": 1}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"\n\n", "it holds no messages"),
        (b"garbage\n\xff\xfe\n", "it holds no messages"),
        (b'{"type":"summary","summary":"Old","leafUuid":"u1"}\n', "it holds no messages"),
        (b'{"type":"user","sessionId":"s","uuid":"u1"}\n', "it holds no messages"),
        (b'{"type":"user","sessionId":"s","uuid":"u1","message":{"content":[]}}\n', "it holds no messages"),
    ],
)
def test_what_holds_no_conversation_is_one_error(data, reason):
    """A file without a message gives one error that says so."""
    (error,) = run({NAME: data})
    assert isinstance(error, TranscriptError)
    assert (error.source, error.reason) == (NAME, reason)


def test_an_unreadable_file_is_an_error():
    """What the system says about a file is told, not raised."""

    def refused():
        raise PermissionError(13, "Permission denied")

    (error,) = ClaudeCodeImporter().read(Source(NAME, refused))
    assert isinstance(error, TranscriptError)
    assert error.reason == "it cannot be read (Permission denied)"


@pytest.mark.parametrize("hostile", ["../../etc/passwd", "a/b", "x" * 300, "refs/heads/main.lock", "\ud800", "\0", "é"])
def test_forged_ids_never_reach_a_session_id(hostile):
    """Whatever stands where an id should, the sessions' ids are valid, different, and the same each time."""
    script = Script(session=hostile)
    root = script.says("first", uuid=hostile + "1")
    script.says("second", uuid=hostile + "2")
    script.says("third", uuid=hostile + "3", parent=root)
    script.says("agent", isSidechain=True, agentId=hostile, uuid=hostile + "4")
    data = b"".join(json.dumps(record).encode() + b"\n" for record in script.records)
    found = [session.id for session in sessions(data, "anything")]
    assert all(map(is_session_id, found))
    assert len(set(found)) == 3
    assert found == [session.id for session in sessions(data, "anything")]


def test_times_may_be_missing_or_wrong():
    """A record without a proper time has that of the one before; at the beginning, that of the next."""
    script = Script()
    for moment in (
        None,
        "yesterday",
        "2026-11-22T10:00:00+02:00",
        "0001-01-01T00:00:00+14:00",
        12,
        "2026-11-22T09:00:00Z",
    ):
        script.says("x", timestamp=moment)
    (session,) = sessions(script)
    assert [message.timestamp.hour for message in session.messages] == [8, 8, 8, 8, 8, 9]
    assert (session.created_at.hour, session.updated_at.hour) == (8, 9)


def _base():
    """A transcript with a bit of everything."""
    script = rewound()
    script.says("agent", isSidechain=True, parent=None)
    script.answers("hm", call("t9"), isSidechain=True)
    script.raw(type="ai-title", aiTitle="A title", sessionId=SESSION)
    script.says([{"type": "image", "source": {"data": "AA"}}, {"type": "text", "text": "look"}], parent="u10")
    script.add("attachment", attachment={"type": "queued_command", "prompt": "queued"})
    script.answers({"type": "thinking", "thinking": "t"}, call("t5", "Write", file_path="/p/x"), message_id="m")
    told = {"type": "create", "filePath": "/p/x", "originalFile": None, "agentId": "a1", "status": "completed"}
    script.result("t5", [{"type": "text", "text": "ok"}], {**told, "interrupted": False, "exitCode": 0, "error": ""})
    script.records[-1].update(permissionDecision={"decision": "accept"}, origin={"kind": "human"}, promptSource="sdk")
    script.records[-1].update(requestSessionId="other", forkedFrom={"sessionId": "other"}, attributionAgent="Explore")
    script.add("system", subtype="compact_boundary", content="Compacted", parent=None, logicalParentUuid="u2")
    return script


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(
        ["u1", "u2", "u6", "t1", "user", "assistant", SESSION, "tool_use", "tool_result", "text", "\ud800"]
    ),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
)


@st.composite
def _changed_records(draw):
    """The transcript with values replaced, records repeated, lost and in another order."""
    records = json.loads(json.dumps(_base().records))
    for _ in range(draw(st.integers(0, 6))):
        record = draw(st.sampled_from(records))
        path = draw(st.sampled_from([place for place in places(record) if place]))
        holder = record
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = draw(_VALUES)
    order = draw(st.lists(st.sampled_from(records), max_size=20)) if draw(st.booleans()) else records
    return b"".join(json.dumps(record).encode() + b"\n" for record in order)


@st.composite
def _changed_bytes(draw):
    """The transcript cut, and with bytes taken out and put in."""
    data = bytearray(_base().bytes())
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(data)))
        data[start : start + draw(st.integers(0, 400))] = draw(st.binary(max_size=20))
    return bytes(data[: draw(st.integers(0, len(data)))])


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.one_of(_changed_records(), _changed_bytes()))
def test_no_damage_raises_anything_raw(data):
    """However a file is changed or cut, it gives sessions that can be stored, errors, or nothing; and counts right."""
    importer = ClaudeCodeImporter()
    source = Source(NAME, lambda: io.BytesIO(data))
    importer.recognises(source, source.head())
    for result in importer.read(source):
        if isinstance(result, TranscriptError):
            continue
        receipt = result.receipt
        assert receipt.lines == receipt.mapped + receipt.kept + sum(receipt.dropped.values())
        assert is_session_id(result.session.id)
        assert Session.from_dict(json.loads(result.session.to_json())) == result.session


@given(st.integers(1, 200))
def test_any_cut_keeps_the_ids_that_were_there(cut):
    """A file cut anywhere gives entries whose ids the whole file has too."""
    script = Script()
    script.says("first")
    for number in range(10):
        script.answers(f"step {number}", call("call_0"), message_id="same" if number % 2 else None)
        script.result("call_0", parent=script.last)
        script.says(f"prompt {number}", uuid="u-same" if number % 3 else f"v{number}")
    data = script.bytes()
    (whole,) = sessions(data)
    for result in run({NAME: data[: len(data) * cut // 200]}):
        if isinstance(result, Imported):
            known = ids(result.session)
            assert known == ids(whole)[: len(known)]
