"""What somebody sees who can read the remote of a sealed sync: every object, ref, ident, date and file, searched for the sessions."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from session.sharing.team import everything, objects, refs
from session.sync.circle import USER, git, settle
from superqode.session import Session
from superqode.session.sync import setup

SECRET_ID = "zauberlehrling-walpurgis"


@pytest.fixture
def synced(machine):
    """A machine with a session that has something in every field, synced many times; and another that did so, too."""
    one, other = machine("one"), machine("other")
    session = Session(id=SECRET_ID, title="Quixotic marzipan", project_path="/home/wilhelmina/haberdashery")
    session.add_message("user", "Why is the kaleidoscope rusty?")
    session.add_message("assistant", "Because of the saltpetre.", agent_name="gallimaufry_tester")
    session.add_tool_execution("read_thermometer", {"path": "cellar/vinegar.txt"}, "forty fathoms", True)
    session.tags = ["rhododendron"]
    session.metadata["ticket"] = "ONOMATOPOEIA-77"
    one.store.save(session)
    session.create_snapshot("before the samovar")
    one.store.save(session)
    words = one.begin()
    one.sync()
    other.join(words)
    other.sync()
    other.say(SECRET_ID, "More about the kaleidoscope")
    other.store.fork(SECRET_ID, title="Quixotic marzipan, twice", new_id="haberdashery-fork")
    one.share(SECRET_ID)
    one.say("vinegar", "hello")
    one.store.delete("vinegar")
    settle([one, other])
    return one, other, words


def _needles(machine, words: str) -> set[bytes]:
    session = machine.store.load(SECRET_ID)
    found = {
        *("kaleidoscope", "rusty?", "saltpetre", "Quixotic", "marzipan", "haberdashery", "gallimaufry"),
        *("read_thermometer", "vinegar", "fathoms", "rhododendron", "ONOMATOPOEIA", "samovar"),
        *(SECRET_ID, "zauberlehrling", "walpurgis", USER[0], USER[0].lower(), "example.invalid"),
        *("session.json", "timeline", "-user.json", "Superqode-", "refs/tags", "trash", "ledger", "changes"),
        *(machine.path.name + "/", "superqode-sync-manifest", "written_by"),
    }
    found |= {" ".join(pair) for pair in pairwise(words.split())}  # one alone may be a word that Git itself writes
    found |= {entry.id for entry in [*session.messages, *session.tool_executions]}
    found |= {snapshot.id for snapshot in session.snapshots}
    for moment in [session.created_at, session.updated_at, *(message.timestamp for message in session.messages)]:
        found |= {moment.isoformat()[:16], str(int(moment.timestamp()))}
    found |= set(machine.view().values())
    found |= set(git(machine.path, "log", "--format=%H%n%T", SECRET_ID).split())
    return {word.encode() for word in found} | {bytes.fromhex(oid) for oid in machine.view().values()}


def test_the_remote_tells_nothing(synced, remote):
    """In no object of any push, in no name, ident or file is a word, id, time or object id of the sessions."""
    one, other, words = synced
    for rotated in (False, True):
        if rotated:
            setup.rotate(one.store, None, keyring=False)
        needles = _needles(one, words) | _needles(other, words)
        found = {(where, word) for where, text in everything(remote) for word in needles if word in text}
        assert found == set()


def test_the_search_would_find_it(synced, tmp_path):
    """The same search over a plain copy finds nearly all of it: it looks in the right places."""
    one, _, _ = synced
    git(one.path, "push", "--quiet", "--no-verify", str(_bare(tmp_path)), "refs/*:refs/*")
    needles = _needles(one, "")
    found = {word for _, text in everything(tmp_path / "plain.git") for word in needles if word in text}
    assert len(found) > len(needles) * 0.6


def _bare(tmp_path: Path) -> Path:
    path = tmp_path / "plain.git"
    path.mkdir()
    git(path, "init", "--quiet", "--bare")
    return path


def test_commits_say_nothing_of_who_and_when(synced, remote):
    """Idents, dates and messages are the same in every commit; its number of parents is all that differs."""
    for oid, (kind, content) in objects(remote).items():
        if kind == "commit":
            head = rb"tree [0-9a-f]{40}\n(parent [0-9a-f]{40}\n)?"
            ident = rb"superqode <sync@superqode\.invalid> 0 \+0000"
            assert re.fullmatch(head + rb"author " + ident + rb"\ncommitter " + ident + rb"\n\nsync\n", content), oid
        assert kind in ("commit", "tree", "blob")


def test_equal_content_is_not_equal_ciphertext(machine, remote):
    """The same words under two names, or sealed twice, have no byte string in common but by chance."""
    one = machine("one")
    one.begin()
    for name in ("a", "b"):
        one.say(name, "the very same text")
        one.sync()
    one.sync(compact=True)
    blobs = [content for kind, content in objects(remote).values() if kind == "blob" and content[:1] == b"\x80"]
    pieces = [content[start : start + 16] for content in blobs for start in range(9, len(content) - 16, 16)]
    assert len(set(pieces)) == len(pieces)


def test_sizes_are_what_leaks(machine, remote):
    """A manifest is a multiple of 1024 bytes of plaintext, whatever it says; the page tells what else there is."""
    one = machine("one")
    one.begin()
    for number in range(3):
        one.say(f"session number {number}".replace(" ", "-"), "x" * number)
        one.sync()
    name = next(iter(refs(remote)))
    assert (int(git(remote, "cat-file", "-s", f"{name}:manifest")) - 57 - 16) % 1024 == 0
