"""Huge transcripts: imported without being held, and the sessions are those that small ones give."""

import io
import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.errors import TranscriptError
from superqode.session.importers import spool
from superqode.session.importers.acp import AcpImporter
from superqode.session.importers.base import sources_of
from superqode.session.importers.claude_code import ClaudeCodeImporter
from superqode.session.importers.codex import CodexImporter
from superqode.session.importers.gemini_cli import GeminiCliImporter
from superqode.session.importers.pi import PiImporter
from superqode.session.importers.qwen_code import QwenCodeImporter
from superqode.session.importers.spool import KeyMap, KeySet, Spool, key_of

from . import chats, claude_scripts, folders, fuzzing, recordings, truth
from .lengths import acp_traffic, claude_transcript, codex_rollout, gemini_chat, pi_session, qwen_chat
from .rollouts import Rollout
from .wires import talking


def both_ways(importer, files):
    """Import files as small ones and as huge ones; gives what each way made of them."""
    ways = []
    usual = spool.BIG
    for limit in (usual, 0):
        spool.BIG = limit
        try:
            found = []
            for source in folders.of(files):
                made = importer()
                if not made.recognises(source, source.head()):
                    continue
                for result in made.read(source):
                    if isinstance(result, TranscriptError):
                        found.append(str(result))
                        continue
                    sizes, entries = result.sizes(), list(result.entries())
                    session = result.session.to_dict() | dict.fromkeys(("messages", "tool_executions", "timeline"))
                    again = list(result.entries())
                    assert again == entries
                    found.append((session, result.receipt.to_dict(), sizes, entries))
            ways.append(found)
        finally:
            spool.BIG = usual
    return ways


def check_both(importer, files):
    """See that both ways give the same."""
    small, huge = both_ways(importer, files)
    assert huge == small


@pytest.mark.parametrize(
    ("importer", "folder"),
    [
        pytest.param(importer, *parameter.values, marks=parameter.marks, id=f"{agent}-{parameter.id}")
        for importer, agent in (
            (ClaudeCodeImporter, "claude-code"),
            (CodexImporter, "codex"),
            (GeminiCliImporter, "gemini-cli"),
            (QwenCodeImporter, "qwen-code"),
            (PiImporter, "pi"),
        )
        for parameter in truth.folders(agent)
    ],
)
def test_recorded_sessions_are_the_same_both_ways(importer, folder):
    """Every recorded session of these agents is one and the same, held or not."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*.json*"))
        if path.is_file() and path.parent != folder
    }
    check_both(importer, files)


@pytest.mark.parametrize("script", [claude_scripts.rewound, claude_scripts.forked, claude_scripts.side_by_side])
def test_trees_are_the_same_both_ways(script):
    """Rewound, forked and parallel conversations are the same, with their branches, parents and links."""
    made = script()
    if isinstance(made, tuple):
        made = dict(zip((claude_scripts.NAME, claude_scripts.CHILD_NAME), made, strict=True))
    files = made if isinstance(made, dict) else {claude_scripts.NAME: made}
    check_both(
        ClaudeCodeImporter, {name: data if isinstance(data, bytes) else data.bytes() for name, data in files.items()}
    )


@given(fuzzing.altered(claude_scripts.rewound().records), st.randoms(use_true_random=False))
def test_altered_transcripts_are_the_same_both_ways(records, chance):
    """Whatever stands in the records and in whatever order, both ways agree on sessions, receipts and errors."""
    records = [record for record in records if isinstance(record, dict)] if isinstance(records, list) else []
    if chance.random() < 0.5:
        chance.shuffle(records)
    records += records[: chance.randrange(3)]
    data = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    check_both(ClaudeCodeImporter, {claude_scripts.NAME: data})


@given(st.data())
def test_altered_rollouts_are_the_same_both_ways(data):
    """The same for Codex's."""
    lines = codex_rollout(2, 400).splitlines()
    records = data.draw(fuzzing.altered([json.loads(line) for line in lines]))
    text = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    check_both(CodexImporter, {"rollout.jsonl": text})


def left_and_found(agent):
    """A chat with calls, answers in pieces, a point that was left and gone back to, and what is told twice."""
    if agent == "gemini-cli":
        chat = chats.Gemini()
        chat.says("one", name="u1")
        chat.answers("first", chat.call("c1"), chat.call("c2", status="error"), name="a1")
        chat.says("two", name="u2")
        chat.answers("left", chat.call("c3"), name="a2")
        chat.rewind("u2")
        chat.says("other", name="u3")
        chat.answers("", chat.call("c1"), name="a3")
        chat.message("user", [{"functionResponse": {"id": "c9", "response": {"output": "x"}}}], "r1")
        chat.resume()
        return chat
    chat = chats.Qwen() if agent == "qwen-code" else chats.Pi()
    chat.says("one", name="u1", parent=None)
    asked = [chats.function_call(name) | chats.tool_call(name) for name in ("c1", "c2", "c1")]
    chat.answers("first", *asked, name="a1")
    chat.result("c1")
    chat.result("c1", "again")
    chat.result("c9", name="r1")
    chat.says("left", parent="a1")
    chat.answers("left, too")
    chat.says("other", parent="r1")
    chat.answers("end", name="a3")
    chat.raw(chat.records[-1])
    return chat


@pytest.mark.parametrize("agent", chats.IMPORTERS)
@given(data=st.data())
def test_altered_chats_are_the_same_both_ways(agent, data):
    """Whatever stands in Gemini's, Qwen's and Pi's records, and in whatever order, both ways agree."""
    records = left_and_found(agent).records
    if data.draw(st.booleans()):
        records = data.draw(fuzzing.altered(records))
    records = [record for record in records if isinstance(record, dict)]
    order = data.draw(st.permutations(records)) if data.draw(st.booleans()) else records
    again = data.draw(st.lists(st.sampled_from(records), max_size=3)) if records else []
    check_both(type(chats.IMPORTERS[agent]), {chats.NAMES[agent]: chats.lines([*order, *again])})


@pytest.mark.parametrize("agent", chats.IMPORTERS)
def test_rewound_chats_are_the_same_both_ways(agent):
    """What was left for another way is a branch of its own, held or not."""
    chat = left_and_found(agent)
    small, huge = both_ways(type(chats.IMPORTERS[agent]), {chats.NAMES[agent]: chat.data})
    assert small == huge
    assert len(huge) == 2


@pytest.mark.parametrize("folder", recordings.recorded())
def test_recorded_traffic_is_the_same_both_ways(folder):
    """The same for every recording of the Agent Client Protocol."""
    check_both(AcpImporter, {path.name: path.read_bytes() for path in folder.glob("traffic*")})


def loaded_and_forked():
    """Traffic with turns of all ends, a terminal, a fork that goes on, and a load that tells more."""
    wire = talking().thought("hm", messageId="p1").chunk("a", messageId="m1").call("c1").more("c1", rawOutput="x")
    wire.chunk("b").call("c2").call("c3", content=[{"type": "terminal", "terminalId": "t"}])
    told = {"output": "boom", "exitStatus": {"exitCode": 3}}
    wire.ask("terminal/output", {"sessionId": "s1", "terminalId": "t"}, told, by_agent=True)
    wire.end("cancelled").prompt("more").call("c1").write("/p/a").more("c1", rawOutput="y").end("max_tokens")
    wire.ask("session/fork", {"sessionId": "s1", "cwd": "/p"}, {"sessionId": "s2"})
    wire.send({"id": "load", "method": "session/load", "params": {"sessionId": "s1", "cwd": "/p"}}, by_agent=False)
    wire.chunk("go", "user_message_chunk").chunk("a", messageId="other").call("c2").more("c2", rawOutput="late")
    wire.chunk("said elsewhere", "user_message_chunk").chunk("answered elsewhere", messageId="m2")
    diff = {"type": "diff", "path": "/p/b", "oldText": "x", "newText": "y"}
    wire.call("c4", kind="edit", content=[diff]).more("c4")
    wire.send({"id": "load", "result": None}, by_agent=True)
    wire.session = "s2"
    return wire.prompt("go on").chunk("in the fork").more("c3", rawOutput="z").end()


def test_loaded_and_forked_traffic_is_the_same_both_ways():
    """What was loaded again, forked and cancelled is the same, held or not."""
    small, huge = both_ways(AcpImporter, {"traffic.jsonl": loaded_and_forked().data})
    assert huge == small
    assert len(huge) == 2


@given(st.data())
def test_altered_traffic_is_the_same_both_ways(data):
    """Whatever stands in the messages, and in whatever order, both ways agree."""
    made = loaded_and_forked().lines
    if data.draw(st.booleans()):
        made = data.draw(fuzzing.altered(made))
    if data.draw(st.booleans()):
        made = data.draw(st.permutations(made))
    check_both(AcpImporter, {"traffic.jsonl": chats.lines(made)})


# Says by how many MiB the process grew while it imported a file.
GROWTH = """
import resource, sys
from superqode.session import SessionStore
from superqode.session.importers import make_importers, spool
from superqode.session.store import imports
spool.BIG = 1_000_000
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with SessionStore(sys.argv[1]) as store:
    (outcome,) = store.import_sources([sys.argv[2]]).sessions
assert outcome.status == "new", outcome
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


FORMATS = {
    "claude": ("t.jsonl", claude_transcript),
    "codex": ("rollout-x.jsonl", codex_rollout),
    "gemini": ("session-x.jsonl", gemini_chat),
    "qwen": ("q.jsonl", qwen_chat),
    "pi": ("p.jsonl", pi_session),
    "acp": ("traffic.jsonl", acp_traffic),
}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count memory in other ways")
@pytest.mark.parametrize(("name", "make"), FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize(
    ("turns", "size", "limit"), [(1200, 20_000, 45), (16, 4_000_000, 42)], ids=["many lines", "long lines"]
)
def test_memory_stays_small(store_path, tmp_path, name, make, turns, size, limit):
    """Some ten MB go into the store in less memory than holding them takes, be they many lines or a few long ones."""
    file = tmp_path / name
    file.write_bytes(make(turns, size))
    assert file.stat().st_size > 22_000_000
    command = [sys.executable, "-c", GROWTH, str(store_path), str(file)]
    told = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert int(told.stdout) < limit


def test_what_is_not_known_to_end_is_huge():
    """A stream that cannot tell its length is taken for a huge one."""

    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    data = Rollout().prompt("go").data
    (source,) = sources_of({"rollout.jsonl": lambda _ending: Pipe(data)})
    (found,) = CodexImporter().read(source)
    assert found.stream is not None
    assert [message.content for message in found.entries()] == ["go"]


def test_a_spool_gives_back_what_it_took():
    """Values come back equal, in any order, the recent ones and those long ago, small and large."""
    kept = Spool()
    values = [{"n": number, "text": "x" * (number * 37 % 5000)} for number in range(300)]
    places = [kept.put(value) for value in values]
    for number in (299, 0, 150, 0, 1, 298):
        assert kept.get(places[number]) == values[number]


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_a_set_of_keys_knows_what_was_added(keys):
    """Each key is new once, however many there are."""
    keys = [*keys, *range(-500, 500), 0, 2**62]
    made = KeySet()
    seen = set()
    for key in keys:
        assert (key in made) == ((key or 1) in seen)
        assert made.add(key) == ((key or 1) not in seen)
        seen.add(key or 1)


def test_keys_of_texts_differ():
    """Texts that are near each other, empty or no Unicode have keys of their own."""
    texts = ["", "a", "b", "a\0", "\ud800", "ä"]
    assert len({key_of(text) for text in texts}) == len(texts)


@given(st.lists(st.tuples(st.sampled_from([str(number) for number in range(200)]), st.integers(-1, 2**31 - 1))))
def test_a_map_of_keys_knows_what_was_set(pairs):
    """Each text has the number that was set last, and there are as many as texts."""
    made = KeyMap()
    for text, number in pairs:
        made[text] = number
    known = dict(pairs)
    assert len(made) == len(known)
    assert all((text in made) == (text in known) for text in map(str, range(200)))
    assert all(made.get(text) == known.get(text) for text in map(str, range(200)))
