"""What the journal remembers is made good after a crash of the system, and nothing else is touched."""

from __future__ import annotations

import errno
import random
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from superqode.session import Session, SessionStore, clock
from superqode.session.errors import NewerFormat, SaveFailed, StoreUnwritable
from superqode.session.git import durability, recovery
from superqode.session.git import journal as module
from superqode.session.git.journalled import moving
from superqode.session.git.lockfile import LockFile
from superqode.session.git.loose import LooseObjects
from superqode.session.git.repository import lock_number
from superqode.session.store import maintenance


@pytest.fixture
def crashed(monkeypatch):
    """Lets the system have crashed and started again, so far as the journal can tell."""
    runs = iter(range(1000))

    def start():
        name = f"run-{next(runs)}"
        monkeypatch.setattr(module, "boot_id", lambda: name)

    start()
    return start


@pytest.fixture
def session(store_path, crashed):
    """A session of three saves, of which no file but the journal has surely reached the disk."""
    made = Session(id="s", title="T")
    with SessionStore(store_path) as store:
        for text in ("one", "two", "three"):
            made.add_message("user", text)
            store.save(made)
    return made


def texts(store_path):
    """What the session holds, in a store that is opened now."""
    with SessionStore(store_path) as store:
        return [message.content for message in store.load("s").messages]


def sound(git):
    """Whether plain git finds everything whole."""
    return "missing" not in git("fsck", "--full", "--strict") and git("rev-parse", "s")


def loose(store_path):
    """All loose objects' files."""
    return [path for path in (store_path / "objects").glob("??/*") if len(path.name) == 38]


def test_objects_that_are_missing_come_back(store_path, git, session, crashed):
    """The files that a save wrote never reached the disk: they are written from the journal."""
    kept = set(git("rev-list", "--objects", "superqode").split())
    for path in loose(store_path):
        if path.parent.name + path.name not in kept:
            path.unlink()
    crashed()
    assert texts(store_path) == ["one", "two", "three"]
    assert sound(git)


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:-3], lambda data: b"\0" * len(data)])
def test_objects_that_are_damaged_are_replaced_and_kept(store_path, git, session, crashed, damage):
    """A file that is empty, cut or full of zeros goes to the quarantine, and a whole one takes its place."""
    kept = set(git("rev-list", "--objects", "superqode").split())
    damaged = [path for path in loose(store_path) if path.parent.name + path.name not in kept]
    for path in damaged:
        content = damage(path.read_bytes())
        path.chmod(0o600)
        path.write_bytes(content)
    crashed()
    assert texts(store_path) == ["one", "two", "three"]
    assert sound(git)
    assert len(list((store_path / "superqode" / "quarantine").iterdir())) == len(damaged)


def test_a_branch_that_was_damaged_after_a_huge_save_is_at_that(store_path, git, session, crashed):
    """It is in no record with its objects, and what the records before it say does not count any more."""
    with SessionStore(store_path) as store:
        made = store.load("s")
        for number in range(600):
            made.add_message("user", f"number {number}")
        tip = store.save(made).tip
    (store_path / "refs" / "heads" / "s").write_bytes(b"")
    crashed()
    assert len(texts(store_path)) == 603
    assert git("rev-parse", "s") == tip


@pytest.mark.parametrize("content", [b"", b"\0" * 41, None])
def test_a_branch_that_was_lost_is_at_the_last_save(store_path, git, session, crashed, content):
    """Its file is empty, zeros or not there."""
    tip = git("rev-parse", "s")
    ref = store_path / "refs" / "heads" / "s"
    if content is None:
        ref.unlink()
    else:
        ref.write_bytes(content)
    crashed()
    assert texts(store_path) == ["one", "two", "three"]
    assert git("rev-parse", "s") == tip


def test_a_branch_at_an_earlier_save_moves_on(store_path, git, session, crashed):
    """The disk has the branch as it was before the last saves."""
    tip = git("rev-parse", "s")
    (store_path / "refs" / "heads" / "s").write_text(git("rev-parse", "s~2") + "\n")
    crashed()
    assert texts(store_path) == ["one", "two", "three"]
    assert git("rev-parse", "s") == tip


def test_a_branch_that_somebody_moved_stays(store_path, git, session, crashed):
    """Plain git put another commit on top: that is newer than the journal."""
    made = git("commit-tree", "-p", "s", "-m", "by hand", "s^{tree}")
    git("update-ref", "refs/heads/s", made)
    crashed()
    assert texts(store_path) == ["one", "two", "three"]
    assert git("rev-parse", "s") == made


@pytest.mark.parametrize("how", [("update-ref", "refs/heads/s", "s~1"), ("branch", "-f", "s", "s~2")])
def test_a_branch_that_plain_git_moved_back_stays(store_path, git, session, crashed, how):
    """The reflog tells that it was at the last save and went back from there: that was somebody, and no crash."""
    back = git("rev-parse", how[-1])
    git(*how)
    crashed()
    assert texts(store_path) == ["one", "two", "three"][: 4 - int(how[-1][-1]) - 1]
    assert git("rev-parse", "s") == back


def test_a_save_after_plain_git_moved_a_branch_back_is_made_good(store_path, git, session, crashed):
    """What the reflog tells of an earlier save says nothing of a later one."""
    git("update-ref", "refs/heads/s", "s~1")
    back = git("rev-parse", "s")
    with SessionStore(store_path) as store:
        again = store.load("s")
        again.add_message("user", "other")
        tip = store.save(again).tip
    (store_path / "refs" / "heads" / "s").write_text(back + "\n")
    crashed()
    assert texts(store_path) == ["one", "two", "other"]
    assert git("rev-parse", "s") == tip


def test_what_plain_git_put_on_top_and_a_crash_took_takes_no_save_along(store_path, git, session, crashed):
    """The reflog's line reached the disk, and neither the branch of that nor the one of the save before it did."""
    tip, earlier = git("rev-parse", "s"), git("rev-parse", "s~1")
    git("update-ref", "refs/heads/s", git("commit-tree", "-p", "s", "-m", "by hand", "s^{tree}"))
    (store_path / "refs" / "heads" / "s").write_text(earlier + "\n")
    crashed()
    assert texts(store_path) == ["one", "two", "three"]
    assert git("rev-parse", "s") == tip


@pytest.fixture
def synced(monkeypatch):
    """Gives what is made durable from now on: `all` for everything at once."""
    seen = []
    real = durability.flush, durability.flush_each
    monkeypatch.setattr(durability, "flush", lambda folder, paths: (seen.append("all"), real[0](folder, paths)))
    monkeypatch.setattr(durability, "flush_each", lambda paths: (seen.append("each"), real[1](paths)))
    return seen


def _commits(_store_path, git):
    git("update-ref", "refs/heads/s", git("commit-tree", "-p", "s", "-m", "by hand", "s^{tree}"))


def _saves_fast(store_path, _git):
    with SessionStore(store_path, durability="fast") as fast:
        made = fast.load("s")
        made.add_message("user", "fast")
        fast.save(made)


def _waits(store, session, synced):
    """What each of two saves makes durable besides its record."""
    waited = []
    for _ in range(2):
        synced.clear()
        session.add_message("user", "more")
        store.save(session)
        waited.append([*synced])
    return waited


@pytest.mark.parametrize("foreign", [_commits, _saves_fast])
def test_a_save_upon_what_no_record_tells_of_makes_that_durable_first(store_path, git, session, synced, foreign):
    """A record is no good where a crash takes the commit from under it: the next save waits for the disk once more."""
    with SessionStore(store_path) as store:
        store._open().checkpoint()
        foreign(store_path, git)
        assert _waits(store, store.load("s"), synced) == [["all"], []]


def _forks(git):
    git("branch", "f", "s")


def _renames(git):
    git("branch", "-m", "s", "f")


@pytest.mark.parametrize("made", [_forks, _renames])
def test_a_save_upon_a_ref_that_git_made_makes_that_durable_first(store_path, git, session, synced, made):
    """Where the commit is in a record of another branch, the new one is in none, and a crash may take it."""
    with SessionStore(store_path) as store:
        grown = store.load("s")
        grown.add_message("user", "more")
        store.save(grown)
        made(git)
        assert _waits(store, store.load("f"), synced) == [["all"], []]


def test_who_comes_later_finds_in_the_journal_what_is_durable(store_path, session, synced):
    """A process that is new to the store, as an agent's hook is, waits once: the record of the last save is there."""
    for text in ("one", "two"):
        with SessionStore(store_path) as store:
            made = store.load("s")
            made.add_message("user", text)
            synced.clear()
            store.save(made)
            made.create_snapshot(text)
            store.save(made)
        assert "all" not in synced


def test_in_the_same_run_nothing_is_looked_at(store_path, git, session):
    """A process that died lost nothing: a branch that plain git moved back in this run is not moved again."""
    git("update-ref", "refs/heads/s", "s~1")
    assert texts(store_path) == ["one", "two"]


def test_a_checkpoint_leaves_a_pack(store_path, git, monkeypatch):
    """150 saves take 900 files; after a checkpoint they stand in one pack, and no reader notices, not even amid."""
    monkeypatch.setattr(maintenance, "is_due", lambda _repository: False)  # a sample may say so of 900, too
    made = Session(id="s", title="T")
    with SessionStore(store_path) as store, SessionStore(store_path) as reader:
        for number in range(150):
            made.add_message("user", f"text {number}")
            store.save(made)
        assert len(reader.load("s").messages) == 150
        store._open().checkpoint()
        assert store._open().journal.total() == 0
        assert len(loose(store_path)) < 10
        assert len(list((store_path / "objects" / "pack").glob("*.pack"))) == 1
        assert reader.load("s") == made
        assert len(list(reader.history("s"))) == 150
        made.add_message("user", "more")
        store.save(made)
    assert sound(git)
    assert texts(store_path)[-1] == "more"


def test_checkpoints_at_once_pack_nothing_twice(store_path, git, monkeypatch):
    """Another process makes a checkpoint while one is under way: each record is packed once, and both end well."""

    def save(store, session, many):
        for number in range(many):
            session.add_message("user", f"number {number}")
            store.save(session)

    with SessionStore(store_path) as store:
        made = Session(id="s")
        save(store, made, 100)
        flush, began, saved = durability.flush, threading.Event(), threading.Event()

        def slowly(*arguments):
            began.set()
            assert saved.wait(60)
            time.sleep(0.5)
            flush(*arguments)

        monkeypatch.setattr(durability, "flush", slowly)
        with ThreadPoolExecutor() as pool:
            first = pool.submit(store._open().checkpoint)
            assert began.wait(60)
            with SessionStore(store_path) as another:
                save(another, another.load("s"), 100)
                saved.set()
                another._open().checkpoint()
            first.result()
    packs = (store_path / "objects" / "pack").glob("*.idx")
    packed = [
        line.split()[0]
        for pack in packs
        for line in git("verify-pack", "-v", str(pack)).splitlines()
        if "commit" in line
    ]
    # The store's first commit may be there, too, where closing it had enough loose objects to pack.
    saves = set(git("rev-list", "s").split())
    packed = [oid for oid in packed if oid in saves]
    assert len(packed) == len(set(packed)) == 200
    assert sound(git)


def test_few_saves_leave_no_pack(store_path, session):
    """A checkpoint of three saves leaves their files as they are: a pack each would pile up."""
    with SessionStore(store_path) as store:
        before = loose(store_path)
        store._open().checkpoint()
        assert store._open().journal.total() == 0
    assert loose(store_path) == before
    assert list((store_path / "objects" / "pack").iterdir()) == []


def test_a_process_that_saves_much_or_long_makes_checkpoints(store_path, monkeypatch):
    """At close where a megabyte stands in the journal, and in a process that runs, after five minutes."""
    made = Session(id="s")
    with SessionStore(store_path) as store:
        monkeypatch.setattr(store, "_start_checkpoint", lambda _repository: None)
        for number in range(12):
            made.add_message("user", random.Random(number).randbytes(100_000).hex())
            store.save(made)
    with SessionStore(store_path) as store:
        assert store._open().journal.total() == 0
        made.add_message("user", "y")
        store.save(made)
        assert store._open().journal.total()
        monkeypatch.setattr(clock, "monotonic", lambda then=clock.monotonic: then() + 301)
        made.add_message("user", "z")
        store.save(made)
        store._checkpointer.join()
        assert store._open().journal.total() == 0


def test_what_was_deleted_does_not_come_back(store_path, session, crashed):
    """Moving and removing forget the records first."""
    with SessionStore(store_path) as store:
        store.delete("s")
        store.purge("s", now=True)
        assert store._repository.journal.numbers() == []
    crashed()
    with SessionStore(store_path) as store:
        assert not store.exists("s")
        assert store.trash() == []


def test_a_renamed_session_has_one_name(store_path, git, session, crashed):
    """After a crash the old name is not there again."""
    with SessionStore(store_path) as store:
        store.rename("s", "t")
    crashed()
    with SessionStore(store_path) as store:
        assert not store.exists("s")
        assert len(store.load("t").messages) == 3


def test_snapshots_come_back(store_path, git, session, crashed):
    """A snapshot's tag and its object are in the journal as well."""
    with SessionStore(store_path) as store:
        made = store.load("s")
        made.create_snapshot("here", snapshot_id="here")
        store.save(made)
    tag = git("rev-parse", "refs/tags/s/here")
    (store_path / "refs" / "tags" / "s" / "here").unlink()
    (store_path / "objects" / tag[:2] / tag[2:]).unlink()
    crashed()
    with SessionStore(store_path) as store:
        assert [snapshot.id for snapshot in store.load("s").snapshots] == ["here"]
    assert sound(git)


def test_maintaining_makes_the_journal_empty(store_path, session, crashed):
    """After maintenance all is durable in Git's own files, and deleting the journal loses nothing."""
    with SessionStore(store_path) as store:
        store.maintain()
        assert store._repository.journal.numbers() == []
    for path in (store_path / "superqode" / "journal").iterdir():
        path.unlink()
    crashed()
    assert texts(store_path) == ["one", "two", "three"]


@pytest.fixture
def full_disk():
    """Lets no object be written anew until it is undone."""
    with pytest.MonkeyPatch.context() as patch:

        def full(*_):
            raise OSError(28, "No space left on device")

        yield lambda: patch.setattr(LooseObjects, "restore", full) or patch


def _lose_two(store_path, git):
    """The last two saves reached the journal alone."""
    kept = set(git("rev-list", "--objects", "superqode", "s~2").split())
    (store_path / "refs" / "heads" / "s").write_text(git("rev-parse", "s~2") + "\n")
    for path in loose(store_path):
        if path.parent.name + path.name not in kept:
            path.unlink()


def _say_more(store):
    made = store.load("s")
    made.add_message("user", "four")
    store.save(made)


WAYS = {
    "maintain": lambda store: store.maintain(),
    "delete": lambda store: store.delete("s"),
    "rename": lambda store: store.rename("s", "t"),
    "save": _say_more,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_recovery_that_failed_is_made_up_for_before_anything_is_forgotten(
    store_path, git, session, crashed, full_disk, way
):
    """The disk is full when the store is opened: whoever changes it then is refused, and no record goes unused."""
    _lose_two(store_path, git)
    crashed()
    patch = full_disk()
    with SessionStore(store_path) as store:
        assert [message.content for message in store.load("s").messages] == ["one"]
        with pytest.raises((StoreUnwritable, SaveFailed), match=r"No space left|disk is full"):
            WAYS[way](store)
        patch.undo()
    assert texts(store_path) == ["one", "two", "three"]
    assert sound(git)


@pytest.mark.parametrize("way", WAYS)
def test_who_changes_the_store_later_has_what_the_recovery_could_not_write(
    store_path, git, session, crashed, full_disk, way
):
    """Recovery failed at opening, and there is room again: what a crash took comes back before the store changes."""
    _lose_two(store_path, git)
    crashed()
    patch = full_disk()
    with SessionStore(store_path) as store:
        assert store.exists("s")
        patch.undo()
        WAYS[way](store)
        if way == "delete":
            store.undelete("s")
        name = "t" if way == "rename" else "s"
        said = [message.content for message in store.load(name).messages]
    assert said == ["one", "two", "three"] + ["four"] * (way == "save")
    assert "missing" not in git("fsck", "--full", "--strict")


def test_a_loaded_session_grows_upon_what_comes_back(store_path, git, session, crashed, full_disk):
    """Loaded while the last saves could not be made good, saved when they can: both are there."""
    _lose_two(store_path, git)
    crashed()
    patch = full_disk()
    with SessionStore(store_path) as store:
        made = store.load("s")
        patch.undo()
        made.add_message("user", "ours")
        store.save(made)
    assert texts(store_path) == ["one", "two", "three", "ours"]


def test_a_cut_record_hides_no_later_save(store_path, git, session, crashed):
    """A process was killed while it wrote its record: the saves of the next one survive a crash of the system."""
    with SessionStore(store_path) as store:
        store._open().checkpoint()
        path = store_path / "superqode" / "journal" / f"{lock_number('s'):02x}"
        path.write_bytes(module._first_line() + b'deadbeef {"crc":12,"obj')
        _say_more(store)
    (store_path / "refs" / "heads" / "s").write_text(git("rev-parse", "s~1") + "\n")
    crashed()
    assert texts(store_path) == ["one", "two", "three", "four"]


def test_a_newer_journal_is_left_to_its_superqode(store_path, session, crashed, monkeypatch):
    """Records of a format that is not known are refused unread: nothing is flushed in their stead, nothing removed."""
    with SessionStore(store_path) as store:
        store._open().checkpoint()
    path = store_path / "superqode" / "journal" / f"{lock_number('s'):02x}"
    path.write_bytes(b"superqode-journal 2 abc\nsomething newer")
    with SessionStore(store_path) as store:
        assert len(store.load("s").messages) == 3
        monkeypatch.setattr(recovery, "durability", None)
        for change in WAYS.values():
            with pytest.raises(NewerFormat):
                change(store)
    assert path.read_bytes() == b"superqode-journal 2 abc\nsomething newer"


def test_a_newer_journal_keeps_no_other_from_being_made_good(store_path, git, session, crashed):
    """One session's records are of a newer superqode: those of the others are used."""
    _lose_two(store_path, git)
    (store_path / "superqode" / "journal" / "00").write_bytes(b"superqode-journal 2 abc\nsomething newer")
    crashed()
    assert texts(store_path) == ["one", "two", "three"]


def test_a_checkpoint_that_was_cut_short_is_finished(store_path, git, session, crashed):
    """Records that a checkpoint set apart, and died over, are used as the others."""
    with SessionStore(store_path) as store:
        repository = store._open()
        for number in repository.journal.numbers():
            repository.journal.rotate(number)
        made = store.load("s")
        made.add_message("user", "four")
        store.save(made)
    (store_path / "refs" / "heads" / "s").write_text(git("rev-parse", "s~3") + "\n")
    crashed()
    assert texts(store_path) == ["one", "two", "three", "four"]
    assert not list((store_path / "superqode" / "journal").glob("*.*"))


def test_a_save_that_lost_the_race_leaves_no_record(store_path, git, session, crashed):
    """Plain git moves the branch while a save is at it: the record of the attempt is taken back, the save merges."""
    with SessionStore(store_path) as store:
        made = store.load("s")
        made.add_message("user", "ours")
        repository = store._open()
        update = repository.refs.update
        other = git("commit-tree", "-p", "s", "-m", "by hand", "s^{tree}")
        tried = []

        def slow(name, new, expected, **rest):
            repository.refs.update = update
            tried.append(new)
            subprocess.run(["git", "-C", str(store_path), "update-ref", name, other], check=True)
            return update(name, new, expected, **rest)

        repository.refs.update = slow
        store.save(made)
        moves = [
            move
            for path in repository.journal.files()
            for record in repository.journal.records(path)
            for move in record.refs
        ]
    assert [move.old for move in moves if move.new == git("rev-parse", "s")] == [other]
    assert len(tried) == 1
    assert tried[0] not in {move.new for move in moves}
    crashed()
    assert texts(store_path) == ["one", "two", "three", "ours"]


@pytest.fixture
def failing(monkeypatch):
    """Lets the writing of a ref fail, before it stands there or after."""

    def fail(name, problem, *, after=False):
        real = LockFile.commit

        def commit(self, content, **options):
            if not self.path.endswith(name):
                return real(self, content, **options)
            if after:
                real(self, content, **options)
            raise problem

        monkeypatch.setattr(LockFile, "commit", commit)
        return lambda: monkeypatch.setattr(LockFile, "commit", real)

    return fail


@pytest.mark.parametrize("problem", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()], ids=repr)
def test_what_was_told_as_not_saved_does_not_come_back(store_path, session, crashed, failing, problem):
    """A full disk or Ctrl-C at the branch: the journal says nothing of the save, so no crash of the system brings it back."""
    heal = failing("refs/heads/s", problem)
    with SessionStore(store_path) as store:
        made = store.load("s")
        made.add_message("user", "lost, as was told")
        with pytest.raises(type(problem)) as caught:
            store.save(made)
    assert getattr(caught.value, "outcome", "not saved") == "not saved"
    heal()
    crashed()
    assert texts(store_path) == ["one", "two", "three"]
    with SessionStore(store_path) as store:
        store.save(made)
    crashed()
    assert texts(store_path) == ["one", "two", "three", "lost, as was told"]


@pytest.mark.parametrize("problem", [OSError(errno.EIO, "Input/output error"), KeyboardInterrupt()], ids=repr)
def test_a_branch_that_moved_before_the_error_is_in_the_journal(store_path, git, session, crashed, failing, problem):
    """An error after the branch moved: whoever saw the save there sees it after a crash of the system as well."""
    before = git("rev-parse", "s")
    heal = failing("refs/heads/s", problem, after=True)
    with SessionStore(store_path) as store:
        made = store.load("s")
        made.add_message("user", "four")
        with pytest.raises(type(problem)) as caught:
            store.save(made)
    assert getattr(caught.value, "outcome", "unknown") == "unknown"
    heal()
    (store_path / "refs" / "heads" / "s").write_text(before + "\n")
    crashed()
    assert texts(store_path) == ["one", "two", "three", "four"]


def test_of_several_tags_the_journal_has_those_that_were_put(store_path, git, session, crashed, failing):
    """The second of two snapshots fails: after a crash of the system the first is there, and the second is not."""
    heal = failing("refs/tags/s/second", OSError(errno.ENOSPC, "No space left on device"))
    with SessionStore(store_path) as store:
        made = store.load("s")
        made.create_snapshot(snapshot_id="first")
        made.create_snapshot(snapshot_id="second")
        with pytest.raises(SaveFailed) as caught:
            store.save(made)
    assert caught.value.outcome == "saved"
    heal()
    (store_path / "refs" / "tags" / "s" / "first").unlink()
    crashed()
    with SessionStore(store_path) as store:
        assert [snapshot.id for snapshot in store.load("s").snapshots] == ["first"]
    assert sound(git)


def test_a_record_that_may_have_stayed_is_told(store_path, session, monkeypatch):
    """The disk fails twice, at the record and at its removal: the outcome is unknown, and saving again is safe."""

    def fails(_handle):
        raise OSError(errno.EIO, "Input/output error")

    with SessionStore(store_path) as store:
        made = store.load("s")
        made.add_message("user", "more")
        with monkeypatch.context() as patch:
            patch.setattr(durability, "sync_data", fails)
            patch.setattr(durability, "sync", fails)
            with pytest.raises(SaveFailed) as caught:
                store.save(made)
        assert caught.value.outcome == "unknown"
        store.save(made)
    assert texts(store_path)[-1] == "more"


def test_what_stood_and_could_not_be_synced_is_written_anew(store_path, session, monkeypatch):
    """After a failed sync the kernel may have dropped it: the next save puts it into its record."""
    with SessionStore(store_path) as store:
        repository = store._open()
        with repository.writing("x", journalled=True), repository.objects.keeping(1000) as kept:
            repository.objects.write("blob", b"stands")
            kept.objects.clear()
            oid = repository.objects.write("blob", b"stands")
            monkeypatch.setattr(durability, "flush_each", lambda _paths: (_ for _ in ()).throw(OSError(5, "no")))
            with pytest.raises(OSError, match="no"), moving(repository, "x", [], kept):
                pass
            kept.standing.clear()
            repository.objects.write("blob", b"stands")
        assert [found for found, _ in kept.objects] == [oid]
        assert kept.standing == []


def test_records_that_cannot_be_read_go_only_after_a_flush(store_path, session, synced):
    """What they told of may be nowhere else."""
    with SessionStore(store_path) as store:
        journal = store._open().journal
        [path] = journal.files()
        data = path.read_bytes()
        path.write_bytes(data[:60] + b"#" * 10 + data[70:])
        store._open().checkpoint()
        assert journal.total() == 0
    assert synced == ["all"]


def test_a_record_that_cannot_be_taken_back_is_told(store_path, session, crashed, failing, monkeypatch):
    """The disk fails at the branch, and then at the journal, too: nobody can tell what a crash leaves, and none is sure."""
    failing("refs/heads/s", OSError(errno.EIO, "Input/output error"))

    def broken(self, mark):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(module.Journal, "take_back", broken)
    with SessionStore(store_path) as store:
        made = store.load("s")
        made.add_message("user", "who knows")
        with pytest.raises(SaveFailed, match="cannot be taken back") as caught:
            store.save(made)
    assert caught.value.outcome == "unknown"


def test_a_huge_save_is_flushed_itself(store_path, session, crashed):
    """What is too large for the journal is durable in Git's own files first; the record has where the branch is alone."""
    import random

    with SessionStore(store_path) as store:
        repository = store._open()
        repository.checkpoint()
        made = store.load("s")
        made.add_message("user", random.Random(1).randbytes(2_000_000).hex())
        tip = store.save(made).tip
        [record] = [record for path in repository.journal.files() for record in repository.journal.records(path)]
        assert (record.objects, [move.new for move in record.refs]) == ([], [tip])
