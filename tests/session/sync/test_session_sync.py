"""A store and a remote brought together: what people do on two machines, and everything that can go wrong between."""

from __future__ import annotations

import contextlib
import random
import shutil
import subprocess
import sys

import pytest

from servers import install_hook
from session.sync.circle import git, settle
from superqode.session import Session, SessionStore, SessionSync
from superqode.session.errors import (
    NoRepository,
    StoreLocked,
    SyncContended,
    SyncKeyMissing,
    SyncKeyRotated,
    SyncNotSetUp,
    SyncTampered,
    UnsoundObjects,
    WrongSyncKey,
)
from superqode.session.git.repository import Repository
from superqode.session.sharing.manager import SessionSharingManager
from superqode.session.store.imports import import_sources
from superqode.session.store.operations.log import OperationLog
from superqode.session.sync import applying, rotation, session_sync, setup
from superqode.session.sync.session_sync import find_synced
from superqode.session.sync.view import read_view


def noise(length: int) -> str:
    """Text that does not compress."""
    return random.Random(length).randbytes(length // 2).hex()


def test_a_new_machine_rebuilds_the_whole_store(machine, tmp_path):
    """With the words and the remote: sessions, snapshots, forks, trash, originals, shares and the ledger are all there."""
    one = machine("one")
    for number in range(3):
        one.say(f"s{number}", f"hello {number}")
        one.snapshot(f"s{number}", "before")
    one.store.fork("s0", title="a fork", new_id="fork")
    one.store.delete("s1")
    transcript = tmp_path / "notes.jsonl"
    one.store.backup(tmp_path / "unrelated")
    transcript.write_text('{"role": "user", "content": "from a file"}\n')
    import_sources(one.store, [transcript])
    share_id = one.share("s2")
    words = one.begin()
    one.sync()
    other = machine("other")
    other.join(words)
    report = other.sync()
    assert other.view() == one.view()
    assert set(report.received.new) == set(one.ids())
    assert not report.sent.any
    assert other.ids() == one.ids()
    assert other.trash() == ["s1"]
    assert [snapshot.description for snapshot in other.store.load("s0").snapshots] == ["before"]
    assert other.store.undelete("s1") == "s1"
    # What a share takes is there as well: it can be brought up to date from the new machine.
    other.say("s2", "more")
    updated = SessionSharingManager(other.store).update_share(share_id)
    assert (updated.id, updated.generation) == (share_id, 2)
    git(other.path, "fsck", "--strict", "--full", "--no-dangling")


@pytest.mark.parametrize("plain", [False, True])
def test_nothing_new_is_not_reconciled(machine, monkeypatch, plain):
    """Where both still hold what they held when they last met, no rule is asked, and what is remembered stays."""
    one = machine("one")
    one.say("s", "hello")
    one.begin(plain=plain)
    one.sync()
    (remembered,) = (one.path / "superqode" / "sync" / "remotes").rglob("*.json")
    inode = remembered.stat().st_ino
    before = setup.status(one.store, find_synced(Repository(one.path), None)).synced_at
    monkeypatch.setattr(session_sync, "reconcile", None)
    report = one.sync()
    assert not report.received.any
    assert not report.sent.any
    assert remembered.stat().st_ino == inode
    assert setup.status(one.store, find_synced(Repository(one.path), None)).synced_at > before
    monkeypatch.undo()
    one.say("s", "more")
    assert one.sync().sent.updated == ("s",)


def test_only_new_bytes_travel(pair, remote):
    """A thousand words that were pushed are not pushed again with the next one, nor when nothing happened."""
    one, other = pair
    one.say("big", noise(400_000))
    first = one.sync().bytes_sent
    one.say("small", "hello")
    second = one.sync().bytes_sent
    assert one.sync().bytes_sent == 0
    assert second < 3_000 < first
    assert other.sync().received.new == ("big", "small")
    before = git(remote, "count-objects", "-v")
    assert not other.sync().sent.any
    assert git(remote, "count-objects", "-v") == before


def test_two_machines_that_say_something_at_once(pair):
    """Both words are in the session, on both machines, in one order."""
    one, other = pair
    one.say("s", "hello")
    settle([one, other])
    one.say("s", "from one")
    other.say("s", "from the other")
    one.sync()
    assert other.sync().merged == ("s",)
    one.sync()
    assert one.heard("s") == other.heard("s")
    assert sorted(one.heard("s")) == ["from one", "from the other", "hello"]


def test_a_deletion_travels_and_a_change_wins_over_it(pair):
    """Deleted there and unchanged here goes into the trash here; changed here stays, and both are told."""
    one, other = pair
    for name in ("gone", "kept"):
        one.say(name, "hello")
    settle([one, other])
    one.store.delete("gone")
    one.store.delete("kept")
    other.say("kept", "still needed")
    one.sync()
    report = other.sync()
    assert report.received.deleted == ("gone",)
    assert report.notices == ("kept was deleted elsewhere and changed here: it stays",)
    assert (other.ids(), other.trash()) == (["kept"], ["gone"])
    one.sync()
    assert (one.ids(), one.trash(), one.view()) == (["kept"], ["gone"], other.view())


def test_what_was_purged_does_not_come_back(pair):
    """Purged on one machine is purged on the other, also where both happened between two syncs; what changed stays."""
    one, other = pair
    for name in ("a", "b", "c"):
        one.say(name, f"about {name}")
    one.store.delete("a")
    settle([one, other])
    one.store.purge("a")
    for name in ("b", "c"):
        one.store.delete(name)
        one.store.purge(name)
    other.say("c", "more")
    settle([one, other])
    assert other.ids() == one.ids() == ["c"]
    assert other.trash() == one.trash() == []
    assert other.store.search("about b") == []
    settle([one, other])
    assert one.view() == other.view()


def test_a_snapshot_of_what_was_purged_keeps_it(pair):
    """A snapshot holds all of its session: alone it would bring back what was purged, and nobody would see it."""
    one, other = pair
    one.say("s", "hello")
    settle([one, other])
    made = other.snapshot("s", "worth keeping")
    one.store.delete("s")
    one.store.purge("s")
    one.sync()
    assert other.sync().notices == ("s was deleted elsewhere and changed here: it stays",)
    settle([one, other])
    assert one.ids() == other.ids() == ["s"]
    assert [snapshot.id for snapshot in one.store.load("s").snapshots] == [made]
    one.store.delete("s")
    one.store.purge("s")
    settle([one, other])
    assert [name for name in other.view() if not name.startswith("refs/superqode/purged/s/")] == []


def test_what_a_sync_removes_is_an_operation(pair):
    """A deletion that came from elsewhere is listed here and can be taken back; the next sync tells the other machine."""
    one, other = pair
    one.say("a", "hello")
    one.sync()
    other.sync()
    one.store.delete("a")
    one.sync()
    other.sync()
    assert not other.store.exists("a")
    [done, *_] = other.store.operations()
    assert (done.verb, [session.id for session in done.sessions]) == ("sync", ["a"])
    other.store.undo_operation()
    assert other.store.exists("a")
    other.sync()
    one.sync()
    assert one.store.exists("a")


def test_what_was_purged_elsewhere_is_forgotten_here(pair):
    """Purged on one machine, nothing of the session is reached on the other one either, the log of operations included."""
    one, other = pair
    one.say("a", "something secret")
    one.sync()
    other.sync()
    tip = other.view()["refs/heads/a"]
    other.store.delete("a")
    other.sync()
    one.sync()
    one.store.purge("a")
    one.sync()
    other.sync()
    assert other.store.operations()[0].verb == "purge"
    assert tip not in git(other.path, "rev-list", "--all", "--reflog")


def test_a_listing_amid_a_sync_brings_back_nothing_that_was_purged(pair, monkeypatch):
    """Another process that lists before a sync removes a purged session, and right after, does not take it for lost."""
    one, other = pair
    one.say("a", "hello")
    one.sync()
    other.sync()
    one.store.delete("a")
    one.store.purge("a")
    one.sync()
    change, settling = applying._change, OperationLog.settle
    with SessionStore(other.path) as watching:

        def looks_before(*args):
            watching.list_sessions()
            return change(*args)

        def looks_after(*args):
            watching.list_sessions()
            return settling(*args)

        monkeypatch.setattr(applying, "_change", looks_before)
        monkeypatch.setattr(OperationLog, "settle", looks_after)
        other.sync()
        assert watching.list_sessions() == []
        assert watching.trash() == []


def test_a_rename_travels(pair):
    """The other machine has the session under its new name, with its snapshots, and the old one is gone without trash."""
    one, other = pair
    one.say("old", "hello")
    one.snapshot("old", "before")
    settle([one, other])
    one.store.rename("old", "new")
    settle([one, other])
    assert (other.ids(), other.trash()) == (["new"], [])
    assert [snapshot.description for snapshot in other.store.load("new").snapshots] == ["before"]


def test_a_secret_that_was_taken_out_does_not_come_back(pair):
    """A history that was rewritten on one machine is taken over by the other, and not merged with the old one."""
    one, other = pair
    one.say("s", "the password is Tr0ub4dor&3")
    one.say("s", "more")
    settle([one, other])
    one.store.scrub("s", secrets=["Tr0ub4dor&3"])
    settle([one, other])
    assert one.heard("s") == other.heard("s")
    assert "Tr0ub4dor" not in " ".join(other.heard("s"))
    assert one.view() == other.view()


def test_the_same_id_on_two_machines(pair):
    """Two sessions of one id that never knew each other: both conversations are in it."""
    one, other = pair
    one.say("s", "from one")
    other.say("s", "from the other")
    settle([one, other])
    assert sorted(one.heard("s")) == ["from one", "from the other"]
    assert one.view() == other.view()


def test_branches_that_are_no_sessions(pair):
    """What plain git put into a store travels; two lines of it that cannot be merged both stay."""
    one, other = pair
    for number, machine in enumerate(pair):
        tree = git(machine.path, "mktree", stdin=b"").strip()
        commit = git(machine.path, "commit-tree", "-m", f"by hand {number}", tree).strip()
        git(machine.path, "branch", "by-hand", commit)
    settle([one, other])
    assert one.view() == other.view()
    names = [name for name in one.view() if name.startswith("refs/heads/by-hand")]
    assert len(names) == 2


def test_a_dry_run_changes_nothing(pair, remote):
    """It tells what a sync would do, and neither the store nor the remote is another one afterwards."""
    one, other = pair
    one.say("s", "hello")
    one.sync()
    other.say("t", "hello")
    before, there = other.view(), git(remote, "for-each-ref")
    objects = git(other.path, "cat-file", "--batch-all-objects", "--batch-check")
    report = other.sync(dry_run=True)
    assert (report.dry_run, report.received.new, report.sent.new) == (True, ("s",), ("t",))
    assert (other.view(), git(remote, "for-each-ref")) == (before, there)
    assert git(other.path, "cat-file", "--batch-all-objects", "--batch-check") == objects
    done = other.sync()
    assert (done.received, done.sent) == (report.received, report.sent)


# -- the five special cases ---------------------------------------------------------------------------------------


def test_two_stores_first_synced_after_they_diverged(machine, tmp_path):
    """A copy of a store that lived on elsewhere: both lives are in one, and nothing is lost."""
    one = machine("one")
    for name in ("same", "both", "here", "there"):
        one.say(name, "hello")
    one.snapshot("both", "before")
    one.store.close()
    shutil.copytree(tmp_path / "one", tmp_path / "other")
    one, other = machine("one"), machine("other")
    one.say("both", "from one")
    other.say("both", "from the other")
    one.say("new-here", "x")
    other.say("new-there", "x")
    one.store.delete("here")
    words = one.begin()
    one.sync()
    other.join(words)
    report = other.sync()
    assert report.merged == ("both",)
    settle([one, other])
    assert one.view() == other.view()
    assert sorted(one.heard("both")) == ["from one", "from the other", "hello"]
    assert {"new-here", "new-there", "same", "there"} <= set(one.ids())
    # Who never met does not know whether it was deleted here or brought back there: it is alive.
    assert "here" in one.ids()


def test_a_remote_that_was_put_back(pair, remote, tmp_path):
    """An older state of the remote is noticed and told; what it lacks is pushed again, what was deleted stays so."""
    one, other = pair
    for name in ("a", "b"):
        one.say(name, "hello")
    settle([one, other])
    shutil.copytree(remote, tmp_path / "old.git")
    one.say("a", "more")
    one.say("c", "hello")
    one.store.delete("b")
    settle([one, other])
    held = one.view()
    shutil.rmtree(remote)
    shutil.copytree(tmp_path / "old.git", remote)
    report = other.sync()
    assert report.notices == ("sync was put back to an older state; what it lacks is pushed again from here",)
    assert set(report.sent.new) == {"c"}
    assert not report.received.any
    settle([one, other])
    assert one.view() == other.view() == held


def test_a_remote_that_was_put_back_and_went_on(pair, machine, remote, tmp_path):
    """Another machine wrote to the older state before this one saw it: both are put together, and that is told."""
    one, other = pair
    one.say("a", "hello")
    settle([one, other])
    shutil.copytree(remote, tmp_path / "old.git")
    one.say("a", "more")
    one.say("b", "hello")
    one.sync()
    shutil.rmtree(remote)
    shutil.copytree(tmp_path / "old.git", remote)
    other.say("c", "hello")
    other.sync()
    report = one.sync()
    assert report.notices[0].startswith("sync was put back to an older state, and others wrote to it since")
    settle([one, other])
    assert one.view() == other.view()
    assert one.ids() == ["a", "b", "c"]
    assert one.heard("a") == ["hello", "more"]


def test_a_remote_that_was_emptied(pair, remote):
    """Everything is pushed anew, from whichever machine comes first, and that is told."""
    one, other = pair
    one.say("a", "hello")
    one.store.delete("a")
    one.say("b", "hello")
    settle([one, other])
    held = one.view()
    shutil.rmtree(remote)
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    report = other.sync()
    assert report.notices == ("sync has nothing any more of what it had; all of it is pushed again from here",)
    settle([one, other])
    assert one.view() == other.view() == held


def test_two_machines_that_begin_at_once(machine):
    """Who pushes second hears that there are two syncs, once; a join brings them together."""
    one, other = machine("one"), machine("other")
    words = one.begin()
    other.begin()
    one.say("a", "hello")
    other.say("b", "hello")
    assert one.sync().notices == ()
    (told,) = other.sync().notices
    assert "another sync lies on sync, too" in told
    assert (one.sync().notices, other.sync().notices) == ((), ())
    other.join(words)
    settle([one, other])
    assert one.ids() == other.ids() == ["a", "b"]


def test_a_remote_that_was_put_back_to_before_its_key_was_changed(pair, remote, tmp_path):
    """Who has the new key hears that others may go on under the old one, and with its words all is together again."""
    one, other = pair
    one.say("a", "hello")
    settle([one, other])
    shutil.copytree(remote, tmp_path / "backup.git")
    words = setup.rotate(one.store, None, keyring=False).words
    shutil.rmtree(remote)
    (tmp_path / "backup.git").rename(remote)
    other.say("b", "under the old key")
    other.sync()
    told = one.sync().notices
    assert ["another sync lies on sync, too" in line for line in told] == [True, False]
    other.join(words)
    settle([one, other])
    assert one.ids() == other.ids() == ["a", "b"]


def test_a_remote_that_is_gone(pair, remote):
    """Without a repository there nothing is changed here, and the error says so."""
    one, _ = pair
    one.say("a", "hello")
    before = one.view()
    shutil.rmtree(remote)
    with pytest.raises(NoRepository):
        one.sync()
    assert one.view() == before


def test_the_wrong_key(pair, machine):
    """Words of another key: told before anything is written, on both sides."""
    one, _ = pair
    one.say("a", "hello")
    one.sync()
    stranger = machine("stranger")
    with pytest.raises(WrongSyncKey, match="another sync"):
        stranger.join("abandon " * 23 + "art")
    with pytest.raises(SyncNotSetUp):
        stranger.sync()
    assert stranger.ids() == []


def test_a_lost_key(pair, machine):
    """Without the key on this machine nothing happens, and the words bring it back; without any, a new sync begins."""
    one, other = pair
    one.say("a", "hello")
    settle([one, other])
    words = setup.key_words(one.store, session_sync.find_synced(Repository(one.path), None))
    for path in (other.path / "superqode" / "sync" / "keys").iterdir():
        path.unlink()
    before = other.view()
    with pytest.raises(SyncKeyMissing, match="superqode sync join"):
        other.sync()
    assert other.view() == before
    other.join(words)
    assert not other.sync().received.any
    for one_of_both in (one, other):
        shutil.rmtree(one_of_both.path / "superqode" / "sync" / "keys")
    fresh = one.begin(again=True)
    one.sync()
    other.join(fresh)
    other.say("b", "hello")
    settle([one, other])
    assert one.view() == other.view()


def test_a_key_that_was_rotated(pair, remote):
    """The other machine is told to ask for the new words, keeps what is only there, and brings it in with them."""
    one, other = pair
    one.say("a", "hello")
    settle([one, other])
    other.say("b", "only there")
    old = git(remote, "for-each-ref", "--format=%(refname)").strip()
    held = git(remote, "ls-tree", "-r", old).split()
    words = setup.rotate(one.store, None, keyring=False).words
    with pytest.raises(SyncKeyRotated, match="Ask for the new words"):
        other.sync()
    assert other.heard("b") == ["only there"]
    # Under the old name nothing lies any more but the note.
    assert git(remote, "ls-tree", "-r", "--name-only", old).split() == ["moved", "sync.json"]
    assert git(remote, "rev-list", "--count", old).strip() == "1"
    git(remote, "gc", "--quiet", "--prune=now")
    chunks = [oid for oid, path in zip(held[2::4], held[3::4], strict=True) if path.startswith("segments/")]
    assert chunks
    assert all("missing" in git(remote, "cat-file", "--batch-check", stdin=oid.encode()) for oid in chunks)
    other.join(words)
    settle([one, other])
    assert one.view() == other.view()
    assert one.ids() == ["a", "b"]


@pytest.mark.parametrize("cut", range(4))
def test_a_rotation_that_was_cut_short(pair, monkeypatch, cut):
    """Wherever it ends, the next sync finishes it: nothing is lost, and nobody goes on under the old key."""
    one, other = pair
    one.say("a", "hello")
    settle([one, other])
    other.say("b", "meanwhile")
    calls = 0

    def broken(original):
        def call(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls > cut:
                raise KeyboardInterrupt
            return original(*arguments, **options)

        return call

    with monkeypatch.context() as patched:
        for holder, name in (
            (session_sync.SealedRemote, "leave"),
            (session_sync.SealedRemote, "push"),
            (rotation, "forget_key"),
        ):
            patched.setattr(holder, name, broken(getattr(holder, name)))
        with contextlib.suppress(KeyboardInterrupt):
            setup.rotate(one.store, None, keyring=False)
    one.sync()
    words = setup.key_words(one.store, session_sync.find_synced(Repository(one.path), None))
    try:
        other.sync()
    except SyncKeyRotated:
        other.join(words)
    settle([one, other])
    assert one.view() == other.view()
    assert one.ids() == ["a", "b"]


# -- beside others ------------------------------------------------------------------------------------------------


def test_others_that_are_always_faster(pair, monkeypatch):
    """Each time another machine pushes first: it looks again, gives up in the end, and has lost nothing."""
    one, other = pair
    original = session_sync.SealedRemote.push
    count = 0

    def push(self, seen, view, **options):
        nonlocal count
        if "one" in str(self._repository.path):
            count += 1
            other.say("s", f"number {count}")
            other.sync()
        return original(self, seen, view, **options)

    monkeypatch.setattr(session_sync.SealedRemote, "push", push)
    one.say("s", "from one")
    with pytest.raises(SyncContended, match="Nothing is lost"):
        one.sync()
    monkeypatch.undo()
    settle([one, other])
    assert len(one.heard("s")) == count + 1
    assert one.view() == other.view()


def test_a_save_in_the_middle_of_a_sync(pair, monkeypatch):
    """A session that is saved while the other side's is brought in holds both, and the open one goes on."""
    one, other = pair
    one.say("s", "hello")
    settle([one, other])
    other.say("s", "from the other")
    other.sync()
    held = one.store.load("s")
    original = session_sync.apply

    def apply(*arguments):
        if "meanwhile" not in [message.content for message in held.messages]:
            held.add_message("user", "meanwhile")
            one.store.save(held)
        return original(*arguments)

    monkeypatch.setattr(session_sync, "apply", apply)
    one.sync()
    held.add_message("user", "afterwards")
    one.store.save(held)
    settle([one, other])
    assert one.view() == other.view()
    assert sorted(one.heard("s")) == ["afterwards", "from the other", "hello", "meanwhile"]


def test_two_syncs_of_one_store(pair):
    """The second one waits a moment and says that the store is being synced."""
    one, _ = pair
    with Repository(one.path).alone("sync"), pytest.raises(StoreLocked):
        one.sync()


def test_objects_that_are_gone_here_come_back(pair):
    """Where the store lost objects that the remote has, they are taken again, though they were taken before."""
    one, other = pair
    one.say("s", "hello")
    settle([one, other])
    other.say("s", "more")
    other.sync()
    one.store.close()
    for folder in (one.path / "objects").glob("??"):
        shutil.rmtree(folder)
    with SessionStore(one.path) as store:
        SessionSync(store).run()
        assert [message.content for message in store.load("s").messages] == ["hello", "more"]
    git(one.path, "fsck", "--strict", "refs/heads/s")


def test_what_is_remembered_can_be_lost(pair):
    """Without it the next sync takes everything again, and nothing is another one afterwards."""
    one, other = pair
    one.say("s", "hello")
    one.snapshot("s", "before")
    one.say("t", "hello")
    one.store.delete("t")
    settle([one, other])
    held = one.view()
    one.forget()
    (other.path / "superqode" / "sync" / "remotes").rename(other.path / "superqode" / "sync" / "gone")
    settle([one, other])
    assert one.view() == other.view() == held


def test_a_damaged_ref_deletes_nothing_elsewhere(pair):
    """A branch whose file is empty after a crash is told and left alone, here and on the other machine."""
    one, other = pair
    one.say("s", "hello")
    settle([one, other])
    (one.path / "refs" / "heads" / "s").write_bytes(b"")
    report = one.sync()
    assert any("cannot be read here" in notice for notice in report.notices)
    other.say("s", "more")
    other.sync()
    one.sync()
    assert other.sync().received.deleted == ()
    assert other.heard("s") == ["hello", "more"]


@pytest.mark.parametrize("place", ["sync.json", "manifest", "segment"])
def test_a_remote_that_was_tampered_with(pair, remote, place):
    """Any changed byte: told as such, and nothing is changed here."""
    one, other = pair
    one.say("s", "hello")
    one.sync()
    name = git(remote, "for-each-ref", "--format=%(refname)").strip()
    lines = git(remote, "ls-tree", "-r", name).splitlines()
    oids = {line.split("\t")[1]: line.split()[2] for line in lines}
    path = place if place != "segment" else max(path for path in oids if path.startswith("segments/"))
    work = remote.parent / "work"
    git(remote, "worktree", "add", "--quiet", "--detach", str(work), name)
    data = (work / path).read_bytes()
    (work / path).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    git(work, "commit", "--quiet", "-am", "sync")
    git(remote, "update-ref", name, git(work, "rev-parse", "HEAD").strip())
    before = other.view()
    with pytest.raises(SyncTampered, match="Nothing was taken"):
        other.sync()
    assert other.view() == before


def test_a_remote_that_lost_an_object(pair, machine, remote):
    """A new machine is told what helps, and it does: a machine that took all of it before seals it anew."""
    one, _ = pair
    one.say("s", "hello")
    one.sync()
    words = setup.key_words(one.store, session_sync.find_synced(Repository(one.path), None))
    name = git(remote, "for-each-ref", "--format=%(refname)").strip()
    chunks = [line.split()[2] for line in git(remote, "ls-tree", "-r", name).splitlines() if "\tsegments/" in line]
    for oid in chunks:
        (remote / "objects" / oid[:2] / oid[2:]).unlink(missing_ok=True)
    new = machine("new")
    with pytest.raises(UnsoundObjects, match="superqode sync --compact"):
        new.join(words)
    one.sync(compact=True)
    new.join(words)
    new.sync()
    assert new.heard("s") == ["hello"]


def test_many_pushes_become_few_segments(pair, remote, monkeypatch):
    """Segments are made one with others when they are many; the remote lets go of the old ones, a new machine has all."""
    from superqode.session.sync import layout

    monkeypatch.setattr(layout, "SEGMENTS_KEPT", 6)
    one, other = pair
    one.say("big", noise(200_000))
    sent = [one.sync().bytes_sent]
    for number in range(20):
        one.say("s", f"number {number}")
        sent.append(one.sync().bytes_sent)
    assert max(sent[1:]) < sent[0] / 4, "a large segment is not sealed again for small ones"
    name = git(remote, "for-each-ref", "--format=%(refname)").strip()
    segments = {path.split("/")[1] for path in git(remote, "ls-tree", "-r", "--name-only", name).split() if "/" in path}
    assert len(segments) <= 7
    assert int(git(remote, "rev-list", "--count", name)) < 20
    other.sync()
    assert other.view() == one.view()
    other.say("s", "from the other")
    settle([one, other])
    assert one.heard("s")[-1] == "from the other"


def test_compacting_lets_go_of_what_was_purged(pair, remote):
    """Sealed anew, the remote keeps no byte of it: what is left is as small as if it had never been."""
    one, other = pair
    one.say("big", noise(300_000))
    one.say("small", "hello")
    settle([one, other])
    one.store.delete("big")
    one.store.purge("big", now=True)
    one.sync(compact=True)
    git(remote, "gc", "--quiet", "--prune=now")
    assert sum(file.stat().st_size for file in (remote / "objects").rglob("*") if file.is_file()) < 20_000
    settle([one, other])
    assert (other.ids(), one.view()) == (["small"], other.view())


@pytest.mark.parametrize("host", ["setting", "hook"])
def test_a_host_that_takes_nothing_but_fast_forwards(machine, remote, host):
    """Compacting and changing the key work there; that the host keeps what is gone is told, as they say otherwise."""
    one, other = machine("one"), machine("other")
    if host == "setting":  # git minds it for branches alone
        git(remote, "config", "receive.denyNonFastForwards", "true")
        git(remote, "config", "receive.hideRefs", "refs/superqode")
    else:
        rule = f"[ $2 = {'0' * 40} ] || git merge-base --is-ancestor $2 $3 || {{ echo no force >&2; exit 1; }}"
        install_hook(remote, "update", f"#!/bin/sh\n{rule}\n")
    words = one.begin()
    one.say("a", "hello")
    assert one.sync().notices == ()
    other.join(words)
    (told,) = one.sync(compact=True).notices
    assert "what is gone here stays there" in told
    settle([one, other])
    assert other.heard("a") == ["hello"]
    begun = setup.rotate(one.store, None, keyring=False)
    assert told in begun.notices
    other.join(begun.words)
    settle([one, other])
    assert one.view() == other.view()


def test_the_library_from_a_process_of_its_own(pair):
    """`from superqode.session import SessionSync`: the documented way in."""
    one, _ = pair
    one.say("s", "hello")
    script = (
        "import sys; from superqode.session import SessionStore, SessionSync\n"
        "with SessionStore(sys.argv[1]) as store: print(SessionSync(store).run().sent.new)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(one.path)], capture_output=True, text=True, check=True)
    assert done.stdout == "('s',)\n"


def test_a_store_without_a_sync(machine):
    """Nothing is set up: said with what to do."""
    alone = machine("alone")
    alone.store.save(Session(title="x"))
    with pytest.raises(SyncNotSetUp, match="superqode sync init"):
        alone.sync()
    assert read_view(Repository(alone.path)).unreadable == frozenset()
