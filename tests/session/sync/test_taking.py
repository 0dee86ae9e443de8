"""What is damaged here after it was synced: the other side has it whole, nobody is blamed for it, and it comes again."""

from __future__ import annotations

import os

import pytest

from faults.harms import harm
from session.sync.circle import Machine, git, loosen, settle
from superqode.session.git.repository import Repository


def fill(one: Machine, other: Machine) -> None:
    """Bring a session with a snapshot, one in the trash and another one to both machines."""
    one.say("bad", "some text")
    one.say("bad", "more of it")
    one.snapshot("bad", "here")
    one.say("gone", "bye")
    one.store.delete("gone")
    one.say("good", "hello")
    settle([one, other])


def find(one: Machine, place: str) -> str:
    """The id of the object that a ref or an expression of git's is at."""
    names = git(one.path, "for-each-ref", "--format=%(refname)", place).split() or [place]
    return git(one.path, "rev-parse", names[0]).strip()


def damage(one: Machine, place: str, how: str) -> str:
    """Damage the file of an object; gives its id."""
    oid = find(one, place)
    loosen(one)
    harm(one.path / "objects" / oid[:2] / oid[2:], how)
    return oid


def flip_in_pack(one: Machine, place: str) -> str:
    """Flip a bit of an object in the only pack of a store; gives its id."""
    oid = find(one, place)
    git(one.path, "repack", "-q", "-a", "-d", "-f", "--depth=0", "--window=0")
    (pack,) = (one.path / "objects" / "pack").glob("*.pack")
    told = git(one.path, "verify-pack", "-v", str(pack.with_suffix(".idx")))
    (words,) = (line.split() for line in told.splitlines() if line.startswith(oid))
    data = bytearray(pack.read_bytes())
    data[int(words[4]) + int(words[3]) // 2] ^= 0x10
    pack.unlink()
    pack.write_bytes(data)
    os.utime(pack, (1_700_000_000, 1_700_000_000))  # libgit2 asks the younger pack first, by whole seconds
    return oid


@pytest.mark.parametrize(
    ("place", "how"),
    [
        ("refs/heads/bad", "truncated"),
        ("refs/tags/bad/*", "a directory in its place"),
        ("refs/superqode/trash/gone/*/branch", "bit flipped"),
    ],
)
def test_what_is_damaged_here_and_whole_there(machines, place, how):
    """All others go and come, what is damaged comes again, and its damaged file is in the quarantine."""
    one, other = machines
    fill(one, other)
    oid = damage(one, place, how)
    one.say("good", "more")
    other.say("bad", "elsewhere")
    other.sync()

    report = one.sync()

    assert (report.sent.updated, report.received.updated) == (("good",), ("bad",))
    assert [oid in notice and "came again" in notice for notice in report.notices] == [True]
    git(one.path, "cat-file", "-e", oid)
    assert [path.name[-40:] for path in (one.path / "superqode" / "quarantine").iterdir()] == [oid]
    assert one.heard("bad") == ["some text", "more of it", "elsewhere"]
    assert one.sync().notices == ()
    other.sync()
    assert other.heard("good") == ["hello", "more"]


def test_what_comes_builds_on_something_damaged(machines):
    """Git that reads a damaged object of ours fails as if the remote were damaged: it is told as ours, and all comes."""
    one, other = machines
    fill(one, other)
    oid = damage(one, "bad:session.json", "truncated")
    session = other.store.load("bad")
    session.title = "another title"
    other.store.save(session)
    other.sync()

    report = one.sync()

    assert report.received.updated == ("bad",)
    assert [oid in notice and "came again" in notice for notice in report.notices] == [True]
    assert one.store.load("bad").title == "another title"
    assert Repository(one.path).objects.has(oid)


@pytest.mark.parametrize("place", ["bad", "bad~1"])
def test_what_is_damaged_in_a_pack(machines, place):
    """A tip comes again, and of an older save that only the other side needs nothing is asked."""
    one, other = machines
    fill(one, other)
    oid = flip_in_pack(one, place)
    one.say("good", "more")
    other.say("bad", "elsewhere")
    other.sync()

    report = one.sync()

    assert (report.sent.updated, report.received.updated) == (("good",), ("bad",))
    assert Repository(one.path).objects.has(oid) or place == "bad~1"
    assert one.heard("bad") == ["some text", "more of it", "elsewhere"]
    assert one.sync().notices == ()
