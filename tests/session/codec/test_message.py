"""Commit messages and idents: a story for people, trailers for us, and nothing that could be taken for one."""

import subprocess
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import executions, messages, moments, texts
from superqode.session.codec import lines
from superqode.session.codec.message import Story, compose, parse, save_subject, subject_line
from superqode.session.models import Message, ToolExecution

MOMENT = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)
COUNTS = st.tuples(st.integers(0, 10**8), st.integers(-(10**8), 10**8))

STORIES = st.builds(
    Story,
    subject=texts.filter(lambda text: subject_line(text) and not subject_line(text).startswith("fork: ")),
    session_id=st.sampled_from(["session-123", "été", "a/b"]),
    saved_at=moments,
    updated_at=st.none() | moments,
    messages=st.none() | COUNTS,
    executions=st.none() | COUNTS,
    agent=st.sampled_from(["", "security_tester", "测试 agent"]),
)


def test_golden_bytes():
    """The message of a save, byte for byte."""
    story = Story(
        subject="user: Fix it",
        session_id="session-123",
        saved_at=MOMENT,
        updated_at=datetime(2025, 1, 1, tzinfo=UTC),
        messages=(3, 1),
        executions=(2, -1),
        agent="security_tester",
        restores="a" * 40,
        action="restore",
    )
    assert compose(story) == (
        b"user: Fix it\n\n"
        b"Superqode-Session: session-123\n"
        b"Superqode-Saved-At: 2026-11-22T10:00:00.123456Z\n"
        b"Superqode-Updated-At: 2025-01-01T00:00:00.000000Z\n"
        b"Superqode-Messages: 3 +1\n"
        b"Superqode-Tools: 2 -1\n"
        b"Superqode-Agent: security_tester\n"
        b"Superqode-Restores: " + b"a" * 40 + b" restore\n"
    )
    assert parse(compose(story)) == story


@given(STORIES)
def test_a_story_is_told_and_understood(story):
    """Whatever the subject holds (NUL, newlines, trailers of its own), the trailers come back as they went."""
    told = parse(compose(story))

    assert told.subject == subject_line(story.subject)
    for name in ("session_id", "saved_at", "updated_at", "messages", "executions", "agent", "restores", "action"):
        assert getattr(told, name) == getattr(story, name), name


@given(texts)
def test_any_text_makes_one_line(text):
    """A subject is one line of at most 100 characters that any tool can print."""
    line = subject_line(text)

    assert len(line) <= 100
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in line)
    assert len(line.splitlines()) <= 1
    assert line.encode("utf-8", "strict").decode() == line


@given(st.binary(max_size=200), st.booleans())
def test_any_commit_message_is_understood(data, trailers):
    """A message that somebody else wrote is a story too, with defaults for what it does not tell."""
    story = parse(data + b"\n\nSuperqode-Messages: x\nSuperqode-Saved-At: soon\n" if trailers else data)

    assert isinstance(story, Story)
    if trailers:
        assert (story.messages, story.saved_at, story.restores) == (None, None, "")


@pytest.mark.parametrize(
    "trailer",
    [
        "Superqode-Messages: 3",
        "Superqode-Messages: 3 1",
        "Superqode-Messages: -3 +1",
        "Superqode-Messages: 9999999999999 +1",
        "superqode-messages: 3 +1",
        " Superqode-Messages: 3 +1",
        "Superqode-Saved-At: 99999-01-01T00:00:00Z",
        "Superqode-Saved-At: 0001-01-01T00:00:00+14:00",
        "Superqode-Restores: HEAD undo",
    ],
)
def test_trailers_that_make_no_sense_are_left_out(trailer):
    """A trailer of another shape is as good as none."""
    assert parse(f"s\n\n{trailer}\n".encode()) == Story("s")


def test_only_the_last_paragraph_has_trailers():
    """What stands in the body of a message that plain git made is no trailer."""
    text = b"subject\n\nSuperqode-Session: fake\n\nbody\n\nSuperqode-Session: real\n"

    assert parse(text).session_id == "real"
    assert parse(b"subject\n\nSuperqode-Session: fake\n\nbody\n").session_id == ""


def _said(role, content, agent=None):
    return Message(role=role, content=content, agent_name=agent)


def _ran(name):
    return ToolExecution(tool_name=name, arguments={}, result="", success=True)


@pytest.mark.parametrize(
    ("added", "changed", "subject"),
    [
        ([_said("user", "Fix it\nplease")], True, "user: Fix it please"),
        ([_said("assistant", "Done", "tester"), _ran("a"), _ran("b")], True, "assistant (tester): Done +2 tools"),
        ([_said("assistant", "Done"), _ran("a")], True, "assistant: Done +1 tool"),
        ([_said("user", "x", "agent")], True, "user: x"),
        ([_said("user", "first"), _said("assistant", "last")], True, "assistant: last +1 message"),
        ([_said("user", "a"), _said("user", "b"), _said("assistant", "c")], True, "assistant: c +2 messages"),
        ([_said("user", "said"), _said("assistant", " ")], True, "user: said +1 message"),
        ([_ran("edit_file")], True, "tool: edit_file"),
        ([_ran("a"), _ran("b")], True, "tool: b +1 tool"),
        ([], True, "edit: conversation"),
        ([], False, "edit: title, tags or metadata"),
    ],
)
def test_the_subject_tells_the_story(added, changed, subject):
    """Who spoke, what, and how many tools ran, in one line."""
    assert save_subject(added, changed) == subject


@given(st.lists(messages | executions, min_size=1, max_size=4))
def test_the_subject_of_any_save_is_one_short_line(added):
    """Whatever was said, the subject fits, and the counts at its end are not cut."""
    subject = save_subject(added, changed=True)
    spoken = sum(1 for entry in added if isinstance(entry, Message))

    assert subject
    assert len(subject) <= 100
    if 0 < spoken < len(added):
        assert subject.endswith(("tool", "tools"))


def test_git_accepts_every_ident_and_message(tmp_path):
    """Real `git fsck --strict` finds no fault in commits whose names and subjects were made to break them."""
    nasty = ["", ".", "<evil> x", "a\nb\0c", "\ud800", "'quoted',", "  ", "é\u2028", "x" * 500, "-e", "a <b@c> 1 +0000"]
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path)], check=True)

    def git(*arguments, stdin=b""):
        done = subprocess.run(["git", "-C", str(tmp_path), *arguments], input=stdin, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    tree = git("mktree")
    for number, text in enumerate(nasty):
        name, email = lines.agent_ident(text)
        clean = lines.clean_ident(text, "user")
        head = f"author {name} <{email}> {number} +0000\ncommitter {clean} <{clean}> {number} +0000\n\n".encode()
        body = compose(Story(subject=text, session_id="s", saved_at=MOMENT, agent=text))
        commit = git("hash-object", "-t", "commit", "-w", "--stdin", stdin=b"tree " + tree + b"\n" + head + body)
        git("update-ref", f"refs/heads/c{number}", commit.decode())
        trailers = git("log", "-1", "--format=%(trailers:key=Superqode-Session,valueonly)", commit.decode())
        assert trailers == b"s"

    assert git("fsck", "--strict", "--no-dangling") == b""
