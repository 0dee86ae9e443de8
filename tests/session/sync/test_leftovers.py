"""What was purged, scrubbed or revoked on one machine goes on the others, also from refs that are of theirs alone."""

from __future__ import annotations

import io

import pytest

from session.sync.circle import Machine, git, settle
from superqode.session.git.refs import Refs
from superqode.session.git.repository import Repository
from superqode.session.sharing.manager import SessionSharingManager
from superqode.session.store.sources import write_original
from superqode.session.store.sources_refs import kept_ids, open_original, point_at

SECRET = "my colleague is Bartholomew"


@pytest.fixture
def plain(machine):
    """Two machines that are synced in clear; the first has the session `notes` from a file."""
    one, other = machine("one"), machine("other")
    for each in (one, other):
        each.begin(plain=True)
    _take_in(one)
    settle([one, other])
    return one, other


def _take_in(machine: Machine) -> None:
    """A session, and the file that it came from."""
    machine.say("notes", SECRET)
    repository = Repository(machine.path)
    file = ("notes.jsonl", lambda: io.BytesIO(f"{SECRET}\n".encode()))
    point_at(repository, ["notes"], write_original(repository.objects, [file], None))


def _is_held(machine: Machine) -> bool:
    """Whether a ref of any kind leads to the secret."""
    listed = git(machine.path, "rev-list", "--objects", "--no-object-names", "--all")
    return SECRET in git(machine.path, "cat-file", "--batch", stdin=listed.encode())


@pytest.mark.parametrize("gone", ["purge", "scrub"])
def test_what_was_prepared_for_a_share_goes_with_it(pair, gone):
    """Updated on one machine, revoked on another: what the update stood on is reached on neither any more."""
    one, other = pair
    one.say("a", SECRET)
    share = one.share("a")
    settle([one, other])
    other.say("a", "more")
    SessionSharingManager(other.store).update_share(share)
    settle([other, one])
    assert _is_held(other)
    SessionSharingManager(one.store).revoke_share(share)
    if gone == "purge":
        one.store.delete("a")
        one.store.purge("a")
    else:
        one.store.scrub("a", secrets=["Bartholomew"])
    settle([one, other])
    assert not _is_held(other)
    assert SessionSharingManager(other.store).list_shares()[0].revoked_at is not None


def test_pruning_ends_what_a_crash_left(pair):
    """`share prune` drops what stands here of a share that ended, whoever ended it."""
    one, _ = pair
    one.say("a", SECRET)
    share = one.share("a")
    kept = f"refs/superqode/prepared/{share}"
    tip = git(one.path, "rev-parse", kept).strip()
    manager = SessionSharingManager(one.store)
    manager.revoke_share(share)
    git(one.path, "update-ref", kept, tip)
    manager.prune()
    assert git(one.path, "for-each-ref", kept) == ""


@pytest.mark.parametrize("behind", [False, True])
def test_in_clear_a_purge_takes_the_original_along(plain, behind):
    """It never left the machine that imported it, and goes there; whether it saw the deletion before the purge or not."""
    one, other = plain
    assert kept_ids(Repository(one.path)) == ["notes"]
    other.store.delete("notes")
    if not behind:
        settle([other, one])
        assert kept_ids(Repository(one.path)) == ["notes"]
    other.store.purge("notes")
    settle([other, one])
    assert kept_ids(Repository(one.path)) == []
    assert not _is_held(one)


def test_in_clear_a_purge_of_an_earlier_session_leaves_the_original_of_a_new_one(plain):
    """The id was taken again: its original stays, in the trash too."""
    one, other = plain
    other.store.delete("notes")
    other.store.purge("notes")
    settle([other, one])
    _take_in(one)
    settle([one, other])
    other.store.delete("notes")
    settle([other, one])
    assert (kept_ids(Repository(one.path)), one.trash()) == (["notes"], ["notes"])


def test_in_clear_an_original_follows_its_session(plain):
    """Renamed elsewhere, the session has its original under the new id, and a purge of that takes it along."""
    one, other = plain
    other.store.rename("notes", "diary")
    settle([other, one])
    assert kept_ids(Repository(one.path)) == ["diary"]
    assert one.store.original("diary") is not None
    other.store.delete("diary")
    other.store.purge("diary")
    settle([other, one])
    assert not _is_held(one)


def test_a_purge_forgets_a_session_that_was_renamed_elsewhere(pair):
    """The log of operations told of it under its old id, and kept it."""
    one, other = pair
    one.say("notes", SECRET)
    settle([one, other])
    other.store.rename("notes", "diary")
    settle([other, one])
    assert one.store.operations()[0].verb == "sync"
    other.store.delete("diary")
    other.store.purge("diary")
    settle([other, one])
    assert not _is_held(one)


@pytest.mark.parametrize("behind", [False, True])
def test_a_purge_that_was_cut_short_forgets_all_the_same(pair, remote, monkeypatch, behind):
    """Killed between the mark and the end of the session: the log of operations takes nothing in of what goes then."""
    one, other = pair
    one.say("a", SECRET)
    if not behind:
        one.store.delete("a")
    settle([one, other])
    if behind:
        one.store.delete("a")
    one.store.purge("a")
    one.sync()
    with monkeypatch.context() as patched:
        patched.setattr(Refs, "delete", _die)
        with pytest.raises(KeyboardInterrupt):
            other.sync()
    other.store.close()
    other = Machine(other.path, str(remote))
    settle([other, one])
    assert not _is_held(other)
    assert other.view() == one.view()
    other.store.close()


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_in_clear_a_scrub_drops_the_original_where_it_is(plain):
    """Nothing surely finds all of a secret in a transcript: it goes as a whole, as where the scrub was made."""
    one, other = plain
    other.store.scrub("notes", secrets=["Bartholomew"])
    settle([other, one])
    assert not _is_held(one)
    original = open_original(Repository(one.path), "notes")
    assert original is not None
    assert original.dropped == "scrubbed"
    everything = git(one.path, "cat-file", "--batch-all-objects", "--batch", "--unordered")
    assert SECRET not in everything
