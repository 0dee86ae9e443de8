"""Codex: damaged, forged, foreign and huge files."""

from __future__ import annotations

import io
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.errors import TranscriptError
from superqode.session.ids import is_session_id
from superqode.session.importers.base import Imported, Source

from . import fuzzing
from .rollouts import CHILD, CODEX, THREAD, Rollout, imported, session_of, source_of, spawned


def test_a_lost_first_record_is_replaced_by_the_files_name():
    """Whose thread it is stands in the name, too; a parent's record further down does not become the identity."""
    rollout = spawned().add("session_meta", id=THREAD).prompt("go")
    torn = b'{"timestamp": "2026-11-22T10:00' + b"\n" + rollout.data.split(b"\n", 1)[1]
    (found,) = CODEX.read(source_of(torn, rollout.name))
    assert found.session.id == f"codex-{CHILD}"
    assert found.receipt.dropped["damaged"] == 1
    bare = b"\n".join(rollout.data.split(b"\n")[2:])
    (one,), (two,) = (CODEX.read(source_of(bare, "x.jsonl")) for _ in range(2))
    assert one.session.id == two.session.id
    assert is_session_id(one.session.id)


@pytest.mark.parametrize("thread", ["../../x", "a/b", "", "x" * 500, "é\n", ".lock", "..", "-", "con"])
def test_ids_become_nothing_but_ids(thread):
    """Whatever a file calls its thread and its parent, the sessions' ids are safe, and differ."""
    rollout = Rollout("placeholder").prompt("go")
    rollout.records[0]["payload"] |= {"id": thread, "forked_from_id": "../" + thread}
    session = session_of(rollout)
    assert is_session_id(session.id)
    assert is_session_id(session.parent_session_id)
    assert session.id != session.parent_session_id
    assert session.id.startswith("codex-")


def test_reasons_a_file_makes_up_are_few_and_short():
    """Made-up kinds of records cannot fill the receipt."""
    rollout = Rollout().prompt("go")
    for number in range(300):
        rollout.add(f"kind{number}", x=1).item("\n" * 5000 + str(number))
    dropped = imported(rollout).receipt.dropped
    assert len(dropped) <= 101
    assert max(map(len, dropped)) < 60


@pytest.mark.parametrize("data", [b"", b"\n\n", b"not json\n", b"[1]\n", b"\x00" * 100])
def test_a_file_without_a_record_is_an_error_with_a_reason(data):
    """There is no session in nothing."""
    (problem,) = CODEX.read(source_of(data))
    assert isinstance(problem, TranscriptError)
    assert "no record" in problem.reason


def test_a_file_that_cannot_be_read_is_an_error():
    """What the disk says is said on."""

    def refuse():
        raise PermissionError(13, "Permission denied")

    (problem,) = CODEX.read(Source("x.jsonl", refuse))
    assert isinstance(problem, TranscriptError)
    assert "Permission denied" in problem.reason


@pytest.mark.parametrize(
    "data",
    [
        b'{"type":"session","version":3,"id":"x","cwd":"/p"}\n',
        b'{"sessionId":"s","type":"user","message":{},"uuid":"u","timestamp":"t"}\n',
        b'{"session_id":"x","ts":1,"text":"history"}\n',
        b'{"id":"x","thread_name":"name","updated_at":"2026-11-22T10:00:00Z"}\n',
        b'{"role":"user","content":"x","timestamp":"t"}\n',
        b"# aider chat started at 2026-11-22 10:00:00\n",
        b"",
        b"\xff\xfe\x00",
    ],
)
def test_other_files_are_not_taken_for_rollouts(data):
    """Other agents' transcripts, and Codex's own other files, are not recognised."""
    assert not CODEX.recognises(source_of(data), data)


def test_a_rollout_is_recognised_by_what_it_holds():
    """The first record may be long or damaged, and the name says nothing."""
    long = Rollout(base_instructions={"text": "x" * 100_000}).data
    assert CODEX.recognises(source_of(long), long[: 64 * 1024])
    torn = b"garbage\n" + Rollout().prompt("go").data
    assert CODEX.recognises(source_of(torn), torn)
    bare = b'{"id": "x", "timestamp": "2025-08-01T10:00:00Z", "instructions": null}\n'
    assert CODEX.recognises(source_of(bare), bare)


def test_odd_texts_take_no_time():
    """Patches, results and prompts of any shape are read as quickly as they are long."""
    spaces = " " * 500_000
    rollout = Rollout().prompt(f"<{spaces}x").call("c1", output=f"{spaces}x").call("c2", output="Chunk ID: " * 50_000)
    rollout.patch("c3", f"*** Begin Patch\n*** Add File: a{spaces}x\n*** End Patch")
    rollout.user("<image" + spaces + "x").assistant('{"author"' * 50_000)
    assert len(session_of(rollout).tool_executions) == 3


def test_a_compressed_rollout_is_known_and_says_what_to_do():
    """Codex compresses old rollouts with zstd, which Python 3.11 cannot read: the error tells the way out."""
    data = b"\x28\xb5\x2f\xfd" + b"\0" * 20
    name = "rollout-2026-11-22T10-00-00-x.jsonl.zst"
    assert CODEX.recognises(source_of(data, name), data)
    (problem,) = CODEX.read(source_of(data, name))
    assert "zstd -d" in problem.reason
    assert not CODEX.recognises(source_of(data, "x.bin"), data)


def seed():
    """Give a rollout with a bit of everything."""
    rollout = Rollout(source={"subagent": {"thread_spawn": {"parent_thread_id": CHILD}}}, git={"branch": "main"})
    rollout.add("turn_context", cwd="/p", model="m").prompt("one").assistant("1", id="msg_1").call("c1")
    rollout.patch("c2", "*** Begin Patch\n*** Add File: a\n*** End Patch")
    rollout.done("CommandExecution", id="c1", exit_code=0, duration={"secs": 1, "nanos": 5}, command=["a", "-c", "b"])
    rollout.done("FileChange", id="c2", changes={"/p/a": {"type": "add"}}, status="completed")
    rollout.event(
        "mcp_tool_call_end", call_id="c9", invocation={"server": "s", "tool": "t"}, result={"Ok": {"content": []}}
    )
    rollout.event("thread_rolled_back", num_turns=1).add("compacted", message="m", replacement_history=[])
    return rollout.records


@given(st.data())
def test_values_of_any_kind_anywhere_raise_nothing(data):
    """Whatever stands in place of what is expected, the answer is a session or a TranscriptError."""
    records = json.loads(json.dumps(seed()))
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from([path for path in fuzzing.places(records) if path]))
        holder = records
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = data.draw(fuzzing.JSON)
    raw = "".join(json.dumps(record) + "\n" for record in records).encode()
    check_any(raw)


@given(st.data())
def test_bytes_of_any_kind_anywhere_raise_nothing(data):
    """Whatever the disk did to the file, the answer is a session or a TranscriptError, and the receipt adds up."""
    raw = bytearray("".join(json.dumps(record) + "\n" for record in seed()).encode())
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, len(raw)))
        raw[start : start + data.draw(st.integers(0, 200))] = data.draw(st.binary(max_size=20))
    check_any(bytes(raw))


def check_any(raw):
    """Import anything; check what must hold for all of it."""
    source = source_of(raw)
    CODEX.recognises(source, source.head())
    (found,) = CODEX.read(source)
    if isinstance(found, Imported):
        receipt = found.receipt
        assert receipt.lines == receipt.mapped + receipt.kept + sum(receipt.dropped.values())
        assert is_session_id(found.session.id)
        assert found.session.timeline == list(CODEX.read(source))[0].session.timeline  # noqa: RUF015 - fails if empty
    else:
        assert isinstance(found, TranscriptError)


class Endless(io.RawIOBase):
    """Gives lines without holding them."""

    def __init__(self, first, line, count):
        super().__init__()
        self._pending = [line] * count + [first]

    def readable(self):
        return True

    def readinto(self, buffer):
        if not self._pending:
            return 0
        line = self._pending.pop()
        piece, rest = line[: len(buffer)], line[len(buffer) :]
        if rest:
            self._pending.append(rest)
        buffer[: len(piece)] = piece
        return len(piece)


def test_a_long_file_is_not_held_in_memory():
    """What does not become part of the session takes no memory, however long the file is."""
    line = Rollout("").add("world_state", state={"body": "x" * 100_000}).data
    first = Rollout().prompt("go").data
    source = Source("rollout.jsonl", lambda: io.BufferedReader(Endless(first, line, 300)))
    tracemalloc.start()
    try:
        (found,) = CODEX.read(source)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.receipt.lines == 303
    assert peak < 5_000_000 < 300 * len(line)
