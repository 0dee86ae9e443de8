"""FORMAT.md is enough: a reader that uses nothing of ours rebuilds the store, and plain git is content with it."""

from __future__ import annotations

from session.sync import reader
from session.sync.circle import git, settle


def test_a_reader_of_its_own(machine, remote, tmp_path):
    """Several pushes from two machines, large and small, with deletions: the other reader has what the stores have."""
    one, other = machine("one"), machine("other")
    words = one.begin()
    one.say("big", "lorem " * 200_000)
    one.snapshot("big", "before")
    one.sync()
    other.join(words)
    other.sync()
    other.say("small", "hello")
    one.store.delete("big")
    settle([one, other])
    view = reader.read(remote, words, tmp_path / "rebuilt.git")
    assert view == one.view()
    git(tmp_path / "rebuilt.git", "fsck", "--strict", "--full", "--no-dangling")
    assert git(tmp_path / "rebuilt.git", "log", "--format=%s", "small") == "user: hello\n"
