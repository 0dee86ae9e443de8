"""Operations beside others' saves, cut short, and taken back in parts: what the log says is what the operation did."""

import errno
import os

import pytest

from superqode.session import Session, SessionSharingManager, SessionStore
from superqode.session.errors import OperationBlocked, SessionError
from superqode.session.git.objects import Objects
from superqode.session.git.refs import Refs
from superqode.session.sharing.ending import Ending
from superqode.session.store import imported, renaming, trash
from superqode.session.store.ledger import Ledger
from superqode.session.store.operations import recording
from superqode.session.store.operations.log import OperationLog


def _session(store, name, *texts, **fields):
    session = Session(id=name, title=name, **fields)
    for text in texts or ("one",):
        session.add_message("user", text)
        store.save(session)
    return session


def _texts(store, name):
    return [message.content for message in store.load(name).messages]


def _save_more(path, name, text):
    with SessionStore(path) as other:
        session = other.load(name)
        session.add_message("user", text)
        other.save(session)


def _killed(store, owner, name, act):
    """Close the store, and do something to it in a process that ends where it calls this function."""
    path = store.path
    store.close()
    child = os.fork()
    if child == 0:
        try:
            setattr(owner, name, lambda *_args, **_options: os._exit(9))
            with SessionStore(path) as other:
                act(other)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


# -- another process saves in between ---------------------------------------------------------------------------------


def _merge(store):
    store.merge("a", "fork")


def _replace(store):
    store.save(Session(id="a", title="a", messages=[]), replace=True)


@pytest.mark.parametrize("verb", [_merge, _replace, lambda store: store.restore("a", "~1")])
@pytest.mark.parametrize("when", ["before", "after"])
def test_another_process_that_saves_beside_an_operation_is_no_part_of_it(store, monkeypatch, verb, when):
    """What another process saved before the verb had the session's lock stays, and after it stands in the way."""
    _session(store, "a", "one", "two")
    forked = store.fork("a", new_id="fork")
    forked.add_message("user", "of the fork")
    store.save(forked)
    owner, name = (OperationLog, "append") if when == "before" else (recording, "_outcome")
    real = getattr(owner, name)

    def first(*args, **options):
        monkeypatch.setattr(owner, name, real)
        if when == "after":
            _save_more(store.path, "a", "another's")
        result = real(*args, **options)
        if when == "before":
            _save_more(store.path, "a", "another's")
        return result

    monkeypatch.setattr(owner, name, first)
    verb(store)

    if when == "before":
        store.undo_operation()
        assert _texts(store, "a") == ["one", "two", "another's"]
    else:
        with pytest.raises(OperationBlocked, match="was saved since"):
            store.undo_operation()
        assert _texts(store, "a")[-1] == "another's"


def test_only_the_snapshots_that_a_merge_brought_go_with_it(store, monkeypatch):
    """Taken back, a merge leaves the snapshot that somebody made meanwhile, and says which ones went; and back again."""
    _session(store, "a", "one", "two")
    forked = store.fork("a", new_id="fork")
    forked.create_snapshot("Of the fork", snapshot_id="of-the-fork")
    forked.add_message("user", "of the fork")
    store.save(forked)
    real = OperationLog.append

    def first(*args, **options):
        monkeypatch.setattr(OperationLog, "append", real)
        result = real(*args, **options)
        with SessionStore(store.path) as other:
            session = other.load("a")
            session.create_snapshot("Somebody's", snapshot_id="somebodys")
            other.save(session)
        return result

    monkeypatch.setattr(OperationLog, "append", first)
    assert store.merge("a", "fork").snapshots == ("of-the-fork",)

    assert store.undo_operation().changes == ("a is as it was before, by a new save", "a: 1 snapshot is gone")
    assert [snapshot.id for snapshot in store.load("a").snapshots] == ["somebodys"]
    assert [snapshot.id for snapshot in store.load("fork").snapshots] == ["of-the-fork"]
    assert store.undo_operation(1).changes == ("a is as it was before, by a new save", "a: 1 snapshot is back")
    assert {snapshot.id for snapshot in store.load("a").snapshots} == {"of-the-fork", "somebodys"}


def test_what_another_process_saved_stays_when_an_import_is_taken_back(store, monkeypatch):
    """An import that takes entries away is taken back to what was there by then, in all of its saves."""
    _session(store, "a", "one", "two")
    fresh = Session(id="a", title="a")
    fresh.add_message("user", "instead")
    real = OperationLog.append

    def first(*args, **options):
        monkeypatch.setattr(OperationLog, "append", real)
        result = real(*args, **options)
        _save_more(store.path, "a", "another's")
        return result

    monkeypatch.setattr(OperationLog, "append", first)
    stored = store.load("a")
    assert imported.save_more(store, stored, fresh, again=True)

    (operation,) = store.operations()
    assert operation.verb == "reimport"
    store.undo_operation()
    assert _texts(store, "a") == ["one", "two", "another's"]


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("shape", ["forwarded", "theirs-first", "ours-first"])
def test_a_merge_killed_before_it_is_settled_is_known(store, git, shape, later):
    """Whichever side is the merge's first parent, and where there is none: it is taken back to what was here before."""
    _session(store, "a", "common")
    root = git("rev-parse", "a")

    def say(texts, keep):
        session = store.load("a")
        for text in texts:
            session.add_message("user", text)
            store.save(session)
        git("update-ref", keep, "refs/heads/a")
        git("update-ref", "refs/heads/a", root)

    lives = {"refs/remotes/x/a": ["theirs", "theirs too"]}
    if shape == "theirs-first":
        lives |= {"refs/kept": ["ours"]}
    elif shape == "ours-first":
        lives = {"refs/kept": ["ours"]} | lives
    for ref, texts in lives.items():
        say(texts, ref)
    if "refs/kept" in lives:
        git("update-ref", "refs/heads/a", "refs/kept")
    before, tip = _texts(store, "a"), git("rev-parse", "a")
    _killed(store, OperationLog, "settle", lambda other: other.merge("a", "refs/remotes/x/a"))
    merged = git("rev-parse", "a")
    if later:
        _save_more(store.path, "a", "later")

    with SessionStore(store.path) as fresh:
        (operation,) = fresh.operations()
        assert operation.interrupted
        assert operation.moves == (("refs/heads/a", tip, merged),)
        if later:
            with pytest.raises(OperationBlocked, match="was saved since"):
                fresh.undo_operation()
        else:
            fresh.undo_operation()
            assert _texts(fresh, "a") == before


# -- taking back, all or nothing --------------------------------------------------------------------------------------


def test_a_full_disk_takes_nothing_back(store, git, monkeypatch):
    """Where one of several parts cannot be written none is done, and what it would take back stays in effect."""
    _session(store, "a", "one", "two")
    _session(store, "b", "one", "two")
    with recording.recording(store._open(), "sync", {"a": "a", "b": "b"}) as recorded:
        git("update-ref", "-d", "refs/heads/a")
        was = git("rev-parse", "b")
        _save_more(store.path, "b", "theirs")
        recorded.moved("refs/heads/b", was, git("rev-parse", "b"))

    def full(*_args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    real = Objects.write_commit
    calls = iter((False, True))  # the log's own entry can be written
    monkeypatch.setattr(Objects, "write_commit", lambda *args: full() if next(calls, False) else real(*args))
    with pytest.raises((SessionError, OSError)):
        store.undo_operation()

    assert not store.exists("a")
    (operation,) = store.operations()
    assert not operation.taken_back_by
    store.undo_operation()
    assert _texts(store, "a") == _texts(store, "b") == ["one", "two"]


def test_a_revoke_that_is_taken_back_is_so_in_the_ledger(store):
    """Killed between the refs and the ledger, the revoke is still in effect, and taking it back does the rest."""
    _session(store, "a")
    manager = SessionSharingManager(store)
    share = manager.create_share("a")
    manager.revoke_share(share.id)
    _killed(store, Ledger, "put", lambda other: other.undo_operation())

    with SessionStore(store.path) as fresh:
        undo, revoke = fresh.operations()
        assert (undo.interrupted, revoke.taken_back_by) == (True, "")
        fresh.undo_operation()
        (found,) = SessionSharingManager(fresh).list_shares()
        assert found.revoked_at is None
        assert fresh.operations()[-1].taken_back_by


def test_many_are_taken_back_at_once(store, monkeypatch):
    """`packed-refs` is not written for each session of a prune again."""
    for number in range(30):
        _session(store, f"s{number:02}")
    store.cleanup_old_sessions(days=0)
    real, calls = Refs.delete_all, []
    monkeypatch.setattr(Refs, "delete_all", lambda self, refs: calls.append(len(refs)) or real(self, refs))

    store.undo_operation()

    assert len(store.list_sessions()) == 30
    assert store.trash() == []
    assert len(calls) <= 2


def test_after_the_last_moment_a_restore_can_be_taken_back(store, git):
    """A save that says it was made at the end of time is followed by others all the same."""
    _session(store, "a", "one", "two")
    told = git("cat-file", "commit", "a").splitlines()
    late = [
        "Superqode-Saved-At: 9999-12-31T23:59:59.999999Z" if line.startswith("Superqode-Saved-At") else line
        for line in told
    ]
    git("update-ref", "refs/heads/a", git("hash-object", "-t", "commit", "-w", "--stdin", stdin="\n".join(late) + "\n"))
    store.undo("a")

    store.undo_operation()

    assert _texts(store, "a") == ["one", "two"]


# -- renamings and shares that are cut short --------------------------------------------------------------------------


def test_forks_follow_a_renaming_back_and_forth(store):
    """Renamed, taken back and done again: a fork's parent is the id that the session has."""
    _session(store, "a")
    store.fork("a", new_id="child")
    store.rename("a", "b")
    undo = store.undo_operation()
    assert store.load("child").parent_session_id == "a"

    store.undo_operation(undo.by)

    assert store.load("child").parent_session_id == "b"


@pytest.mark.parametrize("killed", [False, True])
def test_forks_of_an_earlier_session_of_the_id_stay(store, killed):
    """A renaming takes along its own forks and sub-sessions, and none of a session that had the id before."""
    _session(store, "a")
    store.fork("a", new_id="stranger")
    store.rename("stranger", "renamed")
    store.delete("a")
    _session(store, "a")
    store.fork("a", new_id="fork")
    store.save(Session(id="sub", parent_session_id="a"))
    if killed:
        _killed(store, renaming, "adopt", lambda other: other.rename("a", "b"))
    else:
        assert store.rename("a", "b") == ()

    with SessionStore(store.path) as fresh:
        fresh.undelete("b", new_id="old")  # whoever writes the next entry does what was left
        fresh.delete("old")
        parents = {row.id: row.parent_session_id for row in fresh.list_sessions()}
    assert parents == {"b": None, "renamed": "a", "fork": "b", "sub": "b"}


def test_taking_a_renaming_back_takes_no_strangers_along(store):
    """Renamed to the id of a session that was deleted, and back: that one's forks still name it."""
    _session(store, "a")
    store.fork("a", new_id="child")
    store.delete("a")
    _session(store, "d")
    store.rename("d", "a")

    store.undo_operation()

    assert store.load("child").parent_session_id == "a"


def test_forks_follow_a_session_whose_saves_were_written_anew(store, git):
    """Without a save in common it is the same session as before: its forks follow it to its new id."""
    _session(store, "a")
    store.fork("a", new_id="child")
    git("update-ref", "refs/heads/a", git("commit-tree", "a^{tree}", "-m", "amended"))

    store.rename("a", "b")

    assert store.load("child").parent_session_id == "b"


def test_forks_hear_of_a_renaming_that_was_cut_short(store):
    """Killed between the session and its forks, the next operation tells them."""
    _session(store, "a")
    _session(store, "other")
    store.fork("a", new_id="child")
    _killed(store, renaming, "adopt", lambda other: other.rename("a", "b"))

    with SessionStore(store.path) as fresh:
        fresh.delete("other")
        assert fresh.load("child").parent_session_id == "b"
        assert [row.id for row in fresh.list_sessions(parent="b")] == ["child"]


@pytest.mark.parametrize("next_one", ["delete", "revoke"])
def test_a_revoke_cut_short_comes_back_whole(store, next_one):
    """Killed between ledger and refs, whatever settles it drops them as a part of it, and they come back with it."""
    _session(store, "a")
    share = SessionSharingManager(store).create_share("a")
    _killed(store, Ending, "_drop_refs", lambda other: SessionSharingManager(other).revoke_share(share.id))

    with SessionStore(store.path) as fresh:
        manager = SessionSharingManager(fresh)
        if next_one == "delete":
            fresh.delete("a")
        manager.revoke_share(share.id)
        assert fresh._open().refs.read(f"refs/superqode/shares/{share.id}") is None
        fresh.undo_operation(next(operation.id for operation in fresh.operations() if operation.verb == "revoke"))
        assert [message.content for message in manager.get_session_for_share(share.share_url).messages] == ["one"]


def test_a_mended_merge_is_an_operation(store, git):
    """A repair that merges what plain git merged is told, and final: what was there before cannot be read."""
    _session(store, "a", "common")
    root = git("rev-parse", "a")
    session = store.load("a")
    session.add_message("assistant", "theirs")
    store.save(session)
    theirs = git("rev-parse", "a")
    git("update-ref", "refs/heads/a", root)
    _save_more(store.path, "a", "ours")
    ours = git("rev-parse", "a")
    tree = git("merge-tree", "--write-tree", ours, theirs).splitlines()[0]
    git("update-ref", "refs/heads/a", git("commit-tree", tree, "-p", ours, "-p", theirs, "-m", "merge"))

    assert store.repair().steps

    assert sorted(_texts(store, "a")) == ["common", "ours", "theirs"]
    (operation,) = store.operations()
    assert (operation.verb, operation.final, operation.sessions[0].id) == ("repair", True, "a")


# -- while it runs ----------------------------------------------------------------------------------------------------


def test_an_operation_that_runs_is_not_cut_short(store, monkeypatch):
    """Listed by another process meanwhile it runs; afterwards it does not, and neither where it was killed."""
    _session(store, "a")
    real, seen = trash.move_to_trash, []

    def slow(*args):
        with SessionStore(store.path) as other:
            seen.extend(other.operations())
            result = real(*args)
            seen.extend(other.operations())
        return result

    monkeypatch.setattr(trash, "move_to_trash", slow)
    store.delete("a")

    assert [(one.running, one.interrupted, one.happened) for one in seen] == [(True, False, False), (True, False, True)]
    assert [(one.running, one.interrupted) for one in store.operations()] == [(False, False)]
    monkeypatch.undo()
    store.undo_operation()
    _killed(store, OperationLog, "settle", lambda other: other.delete("a"))
    with SessionStore(store.path) as fresh:
        assert (fresh.operations()[0].running, fresh.operations()[0].interrupted) == (False, True)
