"""The operation log: every verb that moves or removes something is in it, and can be taken back."""

import inspect
from datetime import timedelta

import pytest

from superqode.session import Session, SessionSharingManager, SessionStore, entropy
from superqode.session.errors import (
    AmbiguousId,
    CorruptSession,
    NewerFormat,
    NothingToUndo,
    OperationBlocked,
    OperationFinal,
    OperationNotFound,
    StoreError,
)
from superqode.session.store.operations.log import OPLOG


@pytest.fixture
def refs(git):
    """All refs of the store but the log's own, with their ids."""

    def read():
        lines = git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split(" ") for line in lines if not line.startswith(OPLOG))

    return read


def _session(store, name, *texts, snapshot=None, title=""):
    session = Session(id=name, title=title or f"Title of {name}")
    for text in texts or ("one", "two"):
        session.add_message("user", text)
        store.save(session)
    if snapshot:
        session.create_snapshot("Before", snapshot_id=snapshot)
        store.save(session)
    return session


def _texts(store, name):
    return [message.content for message in store.load(name).messages]


# -- each verb --------------------------------------------------------------------------------------------------------

_VERBS = {
    "delete": lambda store: store.delete("a"),
    "undelete": lambda store: store.undelete("gone"),
    "undelete-elsewhere": lambda store: store.undelete("gone", new_id="other"),
    "rename": lambda store: store.rename("a", "b"),
    "restore": lambda store: store.restore("a", "~1"),
    "restore-snapshot": lambda store: store.restore("a", "snap"),
    "undo": lambda store: store.undo("a"),
    "redo": lambda store: store.redo("undone"),
    "save": lambda store: store.save(Session(id="a", title="Other"), replace=True),
    "merge": lambda store: store.merge("undone", "fork"),
    "cleanup_old_sessions": lambda store: store.cleanup_old_sessions(days=10),
}
_SAVING = ("restore", "restore-snapshot", "undo", "redo", "save", "merge")


@pytest.fixture
def filled(store, still_clock):
    """A session with a snapshot, one in the trash, one that was undone, and an old one."""
    _session(store, "old")
    _session(store, "gone", snapshot="kept")
    still_clock.advance(days=20)
    _session(store, "a", "one", "two", snapshot="snap")
    session = store.load("a")
    session.add_message("user", "three")
    store.save(session)
    _session(store, "undone")
    store.undo("undone")
    forked = store.fork("undone", new_id="fork")
    forked.add_message("user", "of the fork")
    forked.create_snapshot("Of the fork", snapshot_id="fork-snap")
    store.save(forked)
    store.delete("gone")
    still_clock.advance(seconds=1)
    return store


def _without(refs, names):
    return {name: oid for name, oid in refs.items() if name not in names}


@pytest.mark.parametrize("verb", list(_VERBS))
def test_each_verb_is_an_operation_and_is_taken_back(verb, filled, git, refs):
    """A verb leaves one entry on top that says which refs moved, and taking it back sets them all back."""
    before, count = refs(), len(filled.operations())

    _VERBS[verb](filled)

    after = refs()
    assert after != before
    newest = filled.operations()[0]
    assert len(filled.operations()) == count + 1
    moved = {name: (before.get(name, ""), after.get(name, "")) for name in before.keys() | after.keys()}
    assert {name: (old, new) for name, old, new in newest.moves} == {
        name: places for name, places in moved.items() if places[0] != places[1]
    }
    git.fsck()
    done = filled.undo_operation()
    assert done.operation.id == newest.id
    if verb.startswith(_SAVING):  # a branch only goes forward: what it says is what it said
        name = newest.sessions[0].id
        assert git("rev-parse", f"{name}^{{tree}}") == git("rev-parse", f"{before[f'refs/heads/{name}']}^{{tree}}")
        git("merge-base", "--is-ancestor", newest.moves[0][2], name)
        going_on = {f"refs/heads/{name}"}
    else:
        going_on = set()
    assert _without(refs(), going_on) == _without(before, going_on)
    filled.undo_operation(1)  # the undo is an operation, too: taking that back does it once more
    assert _without(refs(), going_on) == _without(after, going_on)
    git.fsck()
    assert filled.verify().ok


def test_every_public_verb_is_known_here():
    """A new public verb of a store has to be looked at: whether it moves refs, and is an operation."""
    verbs = {name for name, _ in inspect.getmembers(SessionStore, callable) if not name.startswith("_")}
    moving = {name.partition("-")[0] for name in _VERBS}
    elsewhere = {
        "purge",
        "scrub",
        "repair",
        "undo_operation",
        "import_sources",
        "reimport",
    }  # tests of their own, below
    # These only add (a branch, a save, a snapshot), or change no ref of a session.
    adding = {"autosave", "fork", "hand_over", "import_old_store", "rescue", "maintain", "backup", "restore_backup"}
    reading = {
        "at", "close", "diff", "ending", "exists", "generation", "history", "labels", "list_changed", "list_sessions", "load",
        "load_latest", "old_store_notice", "operations", "original", "project_folders", "resolve", "scan", "search",
        "stats", "trash", "unread", "verify",
    }  # fmt: skip
    assert verbs - moving - elsewhere - adding - reading == set()


def test_a_plain_save_is_no_operation(store):
    """Saves, forks, snapshots and what changes nothing leave no entry: they have their history."""
    session = _session(store, "a", snapshot="snap")
    store.fork("a", new_id="b")
    store.save(session, replace=True)
    with pytest.raises(NothingToUndo):
        store.undo(_session(store, "c", "only").id)
    assert store.delete("nobody") is False
    assert store.operations() == []


# -- reading it -------------------------------------------------------------------------------------------------------


def test_git_reads_the_log(store, git, still_clock):
    """`git log --first-parent` tells it line by line; what it would need is kept alive by it."""
    _session(store, "a", title="Fix the login bug")
    store.delete("a")
    store.undelete("a")
    store.rename("a", "b")

    told = git("log", "--first-parent", "--format=%s", "-3", OPLOG).splitlines()

    assert told == ["rename: a to b", "undelete: a Fix the login bug", "delete: a Fix the login bug"]
    tip = git("rev-parse", "b~1")
    assert tip in git("log", "--format=%P", OPLOG)


def test_operations_are_told_and_numbered(store, still_clock):
    """Newest first, from 1, by whom and when, and which took which back."""
    _session(store, "a", title="Fix")
    store.delete("a")
    still_clock.advance(minutes=1)
    store.undo_operation()

    undo, delete = store.operations()

    assert (undo.number, undo.verb, undo.undoes, undo.taken_back_by) == (1, "ops-undo", delete.id, "")
    assert (delete.number, delete.verb, delete.taken_back_by) == (2, "delete", undo.id)
    assert [(session.id, session.title) for session in delete.sessions] == [("a", "Fix")]
    assert undo.at - delete.at == timedelta(minutes=1)
    assert (delete.happened, delete.final, delete.interrupted) == (True, False, False)
    assert store.operations(limit=1) == [undo]
    assert delete.to_dict()["sessions"] == [{"id": "a", "title": "Fix"}]


def test_no_store_and_no_log(store, git):
    """Where nothing ever happened there is nothing to list, and taking back says so."""
    assert store.operations() == []
    with pytest.raises(OperationNotFound):
        store.undo_operation()
    _session(store, "a")
    assert store.operations() == []
    with pytest.raises(OperationNotFound, match="all of it was taken back"):
        store.undo_operation()
    assert git.run("rev-parse", "--verify", "-q", OPLOG).returncode == 1


# -- choosing ---------------------------------------------------------------------------------------------------------


def test_again_and_again_goes_further_back(store, refs):
    """Without a number the newest operation in effect is taken back, never an undo."""
    for name in "abc":
        _session(store, name)
    before = refs()
    for name in "abc":
        store.delete(name)

    undone = [store.undo_operation().operation.sessions[0].id for _ in "abc"]

    assert undone == ["c", "b", "a"]
    assert refs() == before
    with pytest.raises(OperationNotFound):
        store.undo_operation()


def test_a_number_or_an_id_names_one(store):
    """An older one is taken back out of turn, and once only; taking the undo back does it again."""
    for name in "ab":
        _session(store, name)
        store.delete(name)
    first = store.operations()[1]

    done = store.undo_operation(2)
    assert (done.operation.id, store.exists("a"), store.exists("b")) == (first.id, True, False)
    with pytest.raises(OperationFinal, match=f"already, by {done.by}"):
        store.undo_operation(first.id)
    store.undo_operation(done.by)
    assert not store.exists("a")
    assert store.undo_operation(first.id[:8]).operation.id == first.id
    for unknown in (0, 99, "nothing", ""):
        with pytest.raises(OperationNotFound):
            store.undo_operation(unknown)


def test_the_beginning_of_several_ids_is_ambiguous(store, monkeypatch):
    """Ids that begin alike are named."""
    made = iter(["aaaabbbbcccc", "aaaabbbbdddd"])
    real = entropy.random_text
    monkeypatch.setattr(entropy, "random_text", lambda length: next(made) if length == 12 else real(length))
    for name in "ab":
        store.save(Session(id=name))
        store.delete(name)
    with pytest.raises(AmbiguousId, match="aaaabbbbcccc"):
        store.undo_operation("aaaa")


def test_a_dry_run_only_tells(store, refs, git):
    """What would change is told line by line, and nothing does."""
    _session(store, "a")
    store.delete("a")
    before, log = refs(), git("rev-parse", OPLOG)

    done = store.undo_operation(dry_run=True)

    assert (done.changes, done.by, done.dry_run) == (("a is back",), "", True)
    assert (refs(), git("rev-parse", OPLOG)) == (before, log)


# -- what came since --------------------------------------------------------------------------------------------------


def test_a_renaming_is_taken_back_with_later_saves(store, git):
    """Saves, snapshots and children that came after a renaming go along; nothing is lost."""
    _session(store, "a", "one", snapshot="snap")
    store.rename("a", "b")
    session = store.load("b")
    session.add_message("user", "after")
    session.create_snapshot("Later", snapshot_id="later")
    store.save(session)
    store.fork("b", new_id="child")

    done = store.undo_operation()

    assert done.changes == ("b is a again",)
    assert _texts(store, "a") == ["one", "after"]
    assert {snapshot.id for snapshot in store.load("a").snapshots} == {"snap", "later"}
    assert store.load("child").parent_session_id == "a"
    assert not store.exists("b")
    assert store.trash() == []
    git.fsck()


def test_an_undelete_is_taken_back_with_later_saves(store):
    """A session that went on since it was brought back goes to the trash with what was said since."""
    _session(store, "a", "one")
    store.delete("a")
    store.undelete("a")
    session = store.load("a")
    session.add_message("user", "after")
    store.save(session)

    store.undo_operation()

    assert not store.exists("a")
    assert len(store.trash()) == 1
    store.undelete("a")
    assert _texts(store, "a") == ["one", "after"]


def test_a_new_session_of_the_name_stands_in_the_way(store, refs):
    """A deletion whose id was taken since is refused, and the error says what to do; both stay."""
    _session(store, "a", "one")
    store.delete("a")
    _session(store, "a", "other")
    before = refs()

    with pytest.raises(OperationBlocked, match="superqode sessions rename a NEW"):
        store.undo_operation()

    assert refs() == before
    store.rename("a", "b")
    store.undo_operation(2)
    assert (_texts(store, "a"), _texts(store, "b")) == (["one"], ["other"])


@pytest.mark.parametrize("made", ["rename", "undelete", "ops-undo"])
@pytest.mark.parametrize("leave", ["delete", "rename"])
def test_a_stranger_of_the_name_is_left_alone(store, refs, made, leave):
    """What brought a session there is not taken back on another one that has its id by now: refused, nothing moves."""
    _session(store, "a", "one")
    if made == "rename":
        store.rename("a", "b")
    else:
        store.delete("a")
        store.undelete("a") if made == "undelete" else store.undo_operation()
    name = "b" if made == "rename" else "a"
    operation = store.operations(limit=1)[0].id
    store.delete(name) if leave == "delete" else store.rename(name, "c")
    _session(store, name, "stranger")
    before = refs()

    for dry_run in (True, False):
        with pytest.raises(OperationBlocked, match=f"{name} is another session by now"):
            store.undo_operation(operation, dry_run=dry_run)

    assert refs() == before


def test_a_save_after_a_restore_stands_in_the_way(store):
    """Going back over a later save is refused with the command that does it all the same."""
    _session(store, "a", "one", "two")
    store.restore("a", "~1")
    session = store.load("a")
    session.add_message("user", "three")
    store.save(session)

    with pytest.raises(OperationBlocked, match=r"superqode sessions restore a [0-9a-f]{12}"):
        store.undo_operation()
    assert _texts(store, "a") == ["one", "three"]


def test_what_was_deleted_since_stands_in_the_way(store):
    """An operation on a session that is gone says so; after that is taken back, it works."""
    _session(store, "a", "one", "two")
    store.undo("a")
    store.rename("a", "b")
    store.delete("b")
    for number in (2, 3):
        with pytest.raises(OperationBlocked, match="was deleted or renamed since"):
            store.undo_operation(number)
    for _ in range(3):
        store.undo_operation()
    assert _texts(store, "a") == ["one", "two"]


def test_a_deletion_comes_back_beside_what_was_made_of_it(store, git):
    """A session that was brought back under another id comes back under its own as well, snapshots and all."""
    _session(store, "a", "one", snapshot="snap")
    store.delete("a")
    store.undelete("a", new_id="b")
    session = store.load("b")
    session.add_message("user", "after")
    store.save(session)

    store.undo_operation(2)

    assert (_texts(store, "a"), _texts(store, "b")) == (["one"], ["one", "after"])
    assert [[made.id for made in store.load(name).snapshots] for name in "ab"] == [["snap"], ["snap"]]
    git.fsck()


def test_a_snapshot_comes_back_whose_tag_was_pruned(store, git):
    """A renaming writes snapshots anew; the old tags stand in the log, whatever is pruned meanwhile."""
    _session(store, "a", "one", snapshot="snap")
    tag = git("rev-parse", "a/snap")
    store.rename("a", "b")
    git("gc", "--quiet", "--prune=now")
    assert git.run("cat-file", "-e", tag).returncode != 0

    with SessionStore(store.path) as fresh:
        fresh.undo_operation()
    assert git("rev-parse", "a/snap") == tag
    git.fsck()


def test_plain_git_that_changed_refs_is_never_overwritten(store, git):
    """A snapshot that somebody made again under its name stays; the deletion is not taken back over it."""
    _session(store, "a", snapshot="snap")
    store.delete("a")
    git("tag", "a/snap", "superqode")

    with pytest.raises(OperationBlocked, match="the snapshot a/snap"):
        store.undo_operation()
    assert git("rev-parse", "a/snap") == git("rev-parse", "superqode")
    assert not store.exists("a")


# -- what forgets -----------------------------------------------------------------------------------------------------


def test_a_purge_is_final_and_leaves_nothing_to_read(store, git):
    """After a purge the log says what was done and to which id, but no title and no commit of it are left."""
    _session(store, "a", "the secret word", title="Secret title")
    store.rename("a", "b")
    store.delete("b")
    store.undo_operation()
    store.delete("b")
    tip = store.trash()[0].tip
    store.purge(now=True)

    told = [(operation.verb, operation.final, operation.moves) for operation in store.operations()]
    assert told == [
        ("purge", True, ()), ("delete", True, ()), ("ops-undo", True, ()), ("delete", True, ()), ("rename", True, ()),
    ]  # fmt: skip
    assert [session.id for session in store.operations()[0].sessions] == ["b"]
    assert git.run("cat-file", "-e", tip).returncode != 0
    everything = git("cat-file", "--batch-all-objects", "--batch", "--buffer")
    assert "secret" not in everything.lower()
    for file in (store.path).rglob("*"):
        assert not file.is_file() or b"Secret title" not in file.read_bytes(), file
    with pytest.raises(OperationFinal, match="nothing is kept"):
        store.undo_operation()
    with pytest.raises(OperationFinal):
        store.undo_operation(2)
    git.fsck()


def test_a_purge_leaves_other_sessions_operations(store, refs):
    """What can be taken back of others, and of the same id where a session has it, still can."""
    _session(store, "a", "one")
    _session(store, "b", "one")
    store.cleanup_old_sessions(days=0)
    store.purge("a")
    _session(store, "a", "new")

    operations = {operation.verb: operation for operation in store.operations()}
    assert [session.title for session in operations["prune"].sessions] == ["Title of b", ""]
    store.undo_operation(operations["prune"].id)
    assert store.exists("b")
    assert _texts(store, "a") == ["new"]


def test_a_scrub_is_final_and_takes_the_old_saves_out_of_the_log(store, git):
    """What was scrubbed out of a session cannot come back through an operation on it."""
    _session(store, "a", "the password is hunter22", "two", title="hunter22 leaked")
    store.restore("a", "~1")
    store.undo_operation()
    store.scrub("a", secrets=["hunter22"])

    assert [operation.verb for operation in store.operations()] == ["scrub", "ops-undo", "restore"]
    assert all(operation.final for operation in store.operations())
    assert "hunter22" not in git("cat-file", "--batch-all-objects", "--batch", "--buffer")
    for file in (store.path).rglob("*"):
        assert not file.is_file() or b"hunter22" not in file.read_bytes(), file
    git.fsck()


def test_maintenance_lets_old_operations_go(store, git, still_clock):
    """Older than the grace they go, a month's worth at once, and what only they kept alive is kept no longer."""
    _session(store, "a", "one", "two")
    store.undo("a")
    store.delete("a")
    still_clock.advance(days=100)
    _session(store, "b")
    store.delete("b")
    store.maintain()
    assert len(store.operations()) == 3
    still_clock.advance(days=21)
    store.maintain()

    assert [operation.sessions[0].id for operation in store.operations()] == ["b"]
    assert git("rev-list", "--count", OPLOG, "--not", "--glob=refs/superqode/trash") == "1"
    assert store.undo_operation().operation.verb == "delete"
    still_clock.advance(days=121)
    assert store.maintain().skipped == ()
    assert store.operations() == []
    assert {item.session_id for item in store.trash()} == {"a"}
    git.fsck()


def test_an_operation_leaves_nothing_lying_about(store, git):
    """What an operation was while it ran is gone afterwards, also where it came to nothing."""
    _session(store, "a", "only")
    store.delete("a")
    store.undo_operation()
    with pytest.raises(NothingToUndo):
        store.undo("a")
    assert git("fsck", "--unreachable", "--no-reflogs") == ""


# -- repairs and imports ----------------------------------------------------------------------------------------------


def test_a_repair_is_recorded(store, store_path, git):
    """A mended ref is final: what it said could not be read. A session made of what could be read can go again."""
    _session(store, "a")
    tip = git("rev-parse", "a")
    store.maintain()
    (store_path / "refs/heads").mkdir(exist_ok=True)
    (store_path / "refs/heads/a").write_text("")
    with SessionStore(store_path) as fresh:
        fresh.repair()
        (operation,) = fresh.operations()
    assert (operation.verb, operation.final, operation.sessions[0].id) == ("repair", True, "a")
    assert git("rev-parse", "a") == tip


def test_a_recovered_session_goes_to_the_trash(store, store_path, git):
    """A repair that saved what could be read of a session is taken back without losing that."""
    _session(store, "a", "one", "two")
    store._open().checkpoint()  # or the journal has it still
    blob = git("rev-parse", "a:timeline/0000/00/01-user.json")
    file = store_path / "objects" / blob[:2] / blob[2:]
    file.chmod(0o600)
    file.write_bytes(b"")
    with SessionStore(store_path) as fresh:
        fresh.repair()
        made = fresh.operations()[0]
        assert (made.verb, made.final, made.sessions[0].id) == ("repair", False, "a-recovered")
        fresh.undo_operation()
        assert not fresh.exists("a-recovered")
        assert [item.session_id for item in fresh.trash()] == ["a-recovered"]


# -- shares -----------------------------------------------------------------------------------------------------------


def test_a_revoked_share_comes_back(store, git, tmp_path):
    """Ledger and refs are as before, it waits for its remote, and opens again once it was pushed."""
    _session(store, "a", "shared words")
    git("init", "-q", "--bare", str(tmp_path / "team.git"))
    manager = SessionSharingManager(store, tmp_path / "team.git")
    share = manager.create_share("a")
    manager.revoke_share(share.id)
    assert manager.list_shares()[0].revoked_at is not None

    done = store.undo_operation()

    assert done.share == share.id
    (back,) = manager.list_shares()
    assert (back.revoked_at, back.share_url, back.pending) == (None, share.share_url, True)
    manager.push_shares([done.share])
    assert manager.get_session_for_share(share.share_url).messages[0].content == "shared words"
    with pytest.raises(OperationBlocked, match="superqode share revoke"):
        store.undo_operation(done.by)
    manager.revoke_share(share.id)
    assert git("for-each-ref", "refs/superqode/shares") == ""
    git.fsck()


def test_a_revoked_share_of_a_purged_session_is_forgotten(store, git):
    """What a revoked share holds of a session goes with it: neither its keys nor its commits stay in the log."""
    _session(store, "a", "shared words")
    manager = SessionSharingManager(store)
    manager.create_share("a")
    manager.revoke_share(manager.list_shares()[0].id)
    store.delete("a")
    store.purge(now=True)

    assert all(operation.final for operation in store.operations())
    assert git("ls-tree", "--name-only", OPLOG).splitlines() == ["op.json"]
    everything = git("cat-file", "--batch-all-objects", "--batch", "--buffer")
    assert "shared words" not in everything
    assert "data_key" not in git("log", "-p", "--first-parent", OPLOG)


# -- damage -----------------------------------------------------------------------------------------------------------


def test_a_damaged_log_blocks_no_verb(store, store_path, git):
    """Listing says what is wrong, verify reports it, and the next operation begins a new log."""
    _session(store, "a")
    store.delete("a")
    tip = git("rev-parse", OPLOG)
    file = store_path / "objects" / tip[:2] / tip[2:]
    file.chmod(0o600)
    file.write_bytes(b"broken")
    with SessionStore(store_path) as fresh:
        with pytest.raises(StoreError, match="operation log is damaged"):
            fresh.operations()
        assert any(found.path == OPLOG for found in fresh.verify().findings)
        fresh.undelete("a")
        assert [operation.verb for operation in fresh.operations()] == ["undelete"]
        (store_path / OPLOG).write_text("")
        fresh.delete("a")
        assert [operation.verb for operation in fresh.operations()] == ["delete"]
        (store_path / OPLOG).write_text("")
        fresh.purge()
        assert [operation.verb for operation in fresh.operations()] == ["purge"]


def test_a_backup_carries_the_log(store, tmp_path):
    """What was done before a backup can be taken back in the store that is made of it."""
    _session(store, "a", snapshot="snap")
    store.delete("a")
    store.backup(tmp_path / "backup.bundle")
    with SessionStore.restore_backup(tmp_path / "backup.bundle", tmp_path / "again") as again:
        assert again.undo_operation().changes == ("a is back",)
        assert [snapshot.id for snapshot in again.load("a").snapshots] == ["snap"]
        assert again.verify().ok


def test_a_newer_log_is_left_alone(store, git):
    """What a newer superqode wrote is neither read nor written over; reading sessions goes on."""
    _session(store, "a")
    store.delete("a")
    text = git("cat-file", "blob", f"{OPLOG}:op.json").replace('"format": 1,', '"format": 2,')
    blob = git("hash-object", "-w", "--stdin", stdin=text)
    tree = git("mktree", stdin=f"100644 blob {blob}\top.json\n")
    git("update-ref", OPLOG, git("commit-tree", tree, "-m", "newer"))
    _session(store, "b")
    with SessionStore(store.path) as fresh:
        for call in (fresh.operations, fresh.undo_operation, lambda: fresh.delete("b"), fresh.purge):
            with pytest.raises(NewerFormat):
                call()
        assert fresh.exists("b")
        assert [found.severity for found in fresh.verify().findings] == ["warning"]


@pytest.mark.parametrize(
    "moves",
    [
        '[["refs/heads/../../x", "%s", ""]]',
        '[["refs/superqode/ledger", "%s", ""]]',
        '[["refs/heads/superqode", "%s", ""]]',
        '[["refs/heads/x.lock", "%s", ""]]',
    ],
)
def test_a_hostile_log_moves_nothing(store, git, moves, refs):
    """A log from somebody's backup names no ref that is not a session's, and nothing that could be a path."""
    _session(store, "a")
    store.delete("a")
    before = refs()
    tip = git("rev-parse", "superqode")
    text = git("cat-file", "blob", f"{OPLOG}:op.json")
    line = next(line for line in text.splitlines() if '"moves"' in line)
    blob = git("hash-object", "-w", "--stdin", stdin=text.replace(line, f'  "moves": {moves % tip},'))
    tree = git("mktree", stdin=f"100644 blob {blob}\top.json\n")
    git("update-ref", OPLOG, git("commit-tree", tree, "-m", "hostile"))
    with SessionStore(store.path) as fresh, pytest.raises(StoreError, match="damaged"):
        fresh.undo_operation()
    assert refs() == before


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("sessions", '[["../../x", "t"]]'),
        ("sessions", '[["a\\u0000b", "t"]]'),
        ("sessions", '[["superqode", "t"]]'),
        ("sessions", '[["-a", "t"]]'),
        ("renamed", '["../p", "../q"]'),
        ("renamed", '["b", "c"]'),
        ("previous", "0"),
        ("undoes", "false"),
    ],
)
@pytest.mark.parametrize("begun", [False, True])
def test_a_log_with_strange_ids_is_damaged_and_blocks_nothing(store, git, field, told, begun):
    """An id that no session can have, or another's, is damage: it is told, and the next operation begins a new log."""
    _session(store, "a")
    store.delete("a")
    store.undelete("a")
    text = git("cat-file", "blob", f"{OPLOG}:op.json").replace('"begun": false', f'"begun": {str(begun).lower()}')
    line = next(line for line in text.splitlines() if line.startswith(f'  "{field}"'))
    blob = git("hash-object", "-w", "--stdin", stdin=text.replace(line, f'  "{field}": {told},'))
    tree = git("mktree", stdin=f"100644 blob {blob}\top.json\n")
    git("update-ref", OPLOG, git("commit-tree", tree, "-m", "hostile"))
    with SessionStore(store.path) as fresh:
        with pytest.raises(StoreError, match="damaged"):
            fresh.operations()
        assert fresh.delete("a")
        assert [operation.verb for operation in fresh.operations()] == ["delete"]
        assert fresh.undo_operation().changes == ("a is back",)


@pytest.mark.parametrize("verb", ["rename", "undo", "merge"])
def test_what_fails_at_a_damaged_branch_blocks_no_other_operation(store, store_path, verb):
    """An empty ref, as a lost write leaves it, keeps its session from being renamed, and nothing else from anything."""
    for name in ("a", "b", "cut"):
        _session(store, name)
    store.close()
    (store_path / "refs" / "heads" / "cut").write_bytes(b"")
    given = {"rename": ("x",), "undo": (), "merge": ("a",)}[verb]
    with SessionStore(store_path) as fresh:
        with pytest.raises(CorruptSession):
            getattr(fresh, verb)("cut", *given)
        assert fresh.delete("a")
        assert fresh.undo("b").commits
        assert [operation.verb for operation in fresh.operations()] == ["undo", "delete"]
