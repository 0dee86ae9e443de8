"""One session as a Git bundle: its branch and snapshots, whole, and nothing of any other."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from faults.harms import harm
from superqode.session import MessageRole, Session, SessionStore
from superqode.session.errors import BackupError, CorruptSession, SessionNotFound
from superqode.session.store.bundling import bundle_session


def refs_of(file: Path) -> list[str]:
    """The refs that a bundle names."""
    told = subprocess.run(["git", "bundle", "list-heads", str(file)], capture_output=True, text=True, check=True).stdout
    return sorted(line.split()[1] for line in told.splitlines())


@pytest.fixture
def two(store: SessionStore) -> Session:
    """A session with a snapshot in the store, and another beside it."""
    made = Session(id="one", title="One")
    made.add_message(MessageRole.USER, "hello")
    made.create_snapshot("Before", snapshot_id="snap-1")
    made.add_message(MessageRole.ASSISTANT, "done")
    store.save(made)
    other = Session(id="two")
    other.add_message(MessageRole.USER, "a secret of another session")
    other.create_snapshot("There", snapshot_id="snap-1")
    store.save(other)
    return made


def test_a_bundle_is_the_session_whole(store, two, tmp_path):
    """Fetched into another store, the session is there with all saves and snapshots."""
    file = bundle_session(store, "one", tmp_path / "one.bundle")
    assert refs_of(file) == ["refs/heads/one", "refs/tags/one/snap-1"]
    with SessionStore(tmp_path / "elsewhere") as elsewhere:
        elsewhere.save(Session(id="third"))
        subprocess.run(
            ["git", "-C", str(elsewhere.path), "fetch", "-q", str(file), "refs/*:refs/*"], check=True, timeout=60
        )
        assert elsewhere.load("one") == store.load("one")
        assert [save.commit for save in elsewhere.history("one")] == [save.commit for save in store.history("one")]
        assert elsewhere.load("one").snapshots[0].state.messages[0].content == "hello"


@pytest.mark.parametrize("what", ["two", "two^{tree}", "refs/tags/two/snap-1"])
@pytest.mark.parametrize("how", ["gone", "truncated", "zero length"])
def test_damage_of_another_session_is_in_no_ones_way(store, two, tmp_path, git, how, what):
    """Whatever is wrong with one session, every other one can still be taken out of the store."""
    oid = git("rev-parse", what)
    harm(store.path / "objects" / oid[:2] / oid[2:], how)

    file = bundle_session(store, "one", tmp_path / "one.bundle")

    assert refs_of(file) == ["refs/heads/one", "refs/tags/one/snap-1"]


def test_a_damaged_session_is_named(store, two, tmp_path, git):
    """Where an earlier save is damaged there is no bundle of it: the error says of what session, and what to do."""
    oid = git("rev-parse", "one~1")
    harm(store.path / "objects" / oid[:2] / oid[2:], "truncated")

    with SessionStore(store.path) as opened, pytest.raises(CorruptSession, match=rf"(?s)one.*{oid}.*verify"):
        bundle_session(opened, "one", tmp_path / "one.bundle")
    assert not (tmp_path / "one.bundle").exists()


def test_plain_git_clones_it(store, two, tmp_path):
    """`git clone --branch ID` of the file gives the history to read."""
    file = bundle_session(store, "one", tmp_path / "one.bundle")
    subprocess.run(
        ["git", "clone", "-q", "--branch", "one", str(file), str(tmp_path / "clone")], check=True, timeout=60
    )
    log = ["git", "-C", str(tmp_path / "clone"), "log", "--format=%s"]
    told = subprocess.run(log, capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == ["assistant: done", "user: hello"]


def test_it_is_private_and_replaces_nothing(store, two, tmp_path):
    """The file is its owner's alone; one that is there stays as it is."""
    file = bundle_session(store, "one", tmp_path / "one.bundle")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    with pytest.raises(BackupError, match="File exists"):
        bundle_session(store, "one", file)
    assert file.read_bytes() == before
    with pytest.raises(BackupError, match="cannot be made"):
        bundle_session(store, "one", tmp_path / "no" / "folder")


def test_a_session_that_is_not_there_leaves_nothing(store, two, tmp_path):
    """No half a file stays behind an error."""
    with pytest.raises(SessionNotFound):
        bundle_session(store, "three", tmp_path / "three.bundle")
    assert list(tmp_path.glob("three*")) == []


def test_snapshots_travel_with_a_branch_of_plain_git(store, two, git, tmp_path):
    """A branch that plain git made off a session takes those snapshots along that lie on its way."""
    git("branch", "copy", "one~1")
    file = bundle_session(store, "copy", tmp_path / "copy.bundle")
    assert refs_of(file) == ["refs/heads/copy", "refs/tags/one/snap-1"]
