"""Maintenance: packed without touching what a save is about to need, swept and pruned by age, started by itself."""

import os
import threading
import time
from datetime import timedelta

import pytest

from superqode.session import Session, SessionStore
from superqode.session.errors import StoreLocked
from superqode.session.git import recovery
from superqode.session.git.packwriting import keep_pack
from superqode.session.git.repository import Repository
from superqode.session.store import maintenance, packing


def _fill(store, sessions=3, saves=3):
    made = []
    for number in range(sessions):
        session = Session(id=f"s{number}")
        for save in range(saves):
            session.add_message("user", f"{number} {save}")
            if save == 1:
                session.create_snapshot("here", snapshot_id="here")
            store.save(session)
        made.append(session)
    return made


def _loose(store):
    return {
        folder.name + file.name
        for folder in (store.path / "objects").glob("??")
        for file in folder.iterdir()
        if len(file.name) == 38
    }


def _age(path, seconds):
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_refs_and_objects_are_packed(store, git):
    """Everything reachable is in one pack and one file of refs afterwards, and nothing differs."""
    made = _fill(store)
    refs = git("for-each-ref")

    report = store.maintain()

    assert report.packed_refs == 1 + 3 + 3
    assert (report.loose_before, report.loose_after) == (report.packed_objects, 0)
    assert report.skipped == ()
    assert len(list((store.path / "objects" / "pack").glob("*.pack"))) == 1
    assert git("for-each-ref") == refs
    assert [store.load(session.id) for session in made] == made
    git.fsck()
    assert store.maintain().packed_refs == 0


def test_the_next_saves_find_folders_for_their_objects(store):
    """Packing removes empty folders; maintenance leaves all 256, so that no save has to make one."""
    _fill(store)

    store.maintain()

    assert len(list((store.path / "objects").glob("??"))) == 256
    assert _loose(store) == set()


def test_many_packs_become_few_in_the_background(store, git, monkeypatch):
    """Packs that checkpoints left are a reason to maintain; small ones are joined, and the large one is not written anew."""
    session = Session(id="s")
    monkeypatch.setattr(recovery, "_FEW", 1)
    monkeypatch.setattr(store, "_start_maintenance", lambda _repository: None)
    folder = store.path / "objects" / "pack"
    for texts in (map(str, range(400)), *([text] for text in "abcdefghijklmnopqrstuvwxy")):
        for text in texts:
            session.add_message("user", text)
        store.save(session)
        store._open().checkpoint()
    large = max(folder.glob("*.pack"), key=lambda path: path.stat().st_size)
    assert len(list(folder.glob("*.pack"))) == 26
    assert maintenance.is_due(store._open())

    maintenance.maintain(store._open(), prune_older_than=None)

    assert len(list(folder.glob("*.pack"))) < 5
    assert large.exists()
    assert store.load("s") == session
    git.fsck()


def test_small_packs_become_one_when_somebody_asks(store, git, monkeypatch):
    """Packs of a size are joined, for what is like each other to be found; little beside a large one waits."""
    monkeypatch.setattr(recovery, "_FEW", 1)
    session = Session(id="s")
    folder = store.path / "objects" / "pack"
    for texts in (map(str, range(400)), map(str, range(400, 800)), ("a",)):
        for text in texts:
            session.add_message("user", text)
        store.save(session)
        if "a" not in text:
            store._open().checkpoint()
    assert len(list(folder.glob("*.pack"))) == 2
    store.maintain()
    [one] = folder.glob("*.pack")
    session.add_message("user", "more")
    store.save(session)
    store.maintain()
    assert one.exists()
    assert store.load("s") == session
    git.fsck()


def test_saves_go_on_after_it(store):
    """What is packed is built on like anything else."""
    made = _fill(store)
    store.maintain()
    for session in made:
        session.add_message("user", "more")
        assert store.save(session).messages_added == 1
        assert store.load(session.id) == session
    store.delete("s0")
    assert {found.id for found in store.list_sessions()} == {"s1", "s2"}


def test_young_unreachable_objects_stay(store):
    """An object that a save beside us has just written, and no ref reaches yet, is neither packed nor removed."""
    _fill(store)
    oid = store._open().objects.write("blob", b"about to be referenced")

    store.maintain()
    store.maintain(prune_older_than=timedelta(hours=1))

    assert _loose(store) == {oid}


def test_old_unreachable_objects_go_by_age(store):
    """What nothing reaches goes when it is older than the age asked for, and only then."""
    _fill(store)
    objects = store._open().objects
    old, young = objects.write("blob", b"old"), objects.write("blob", b"young")
    _age(objects.loose.path(old), 3 * 86_400)

    assert store.maintain().removed_files == 0
    report = store.maintain(prune_older_than=timedelta(days=2))

    assert report.removed_files == 1
    assert _loose(store) == {young}
    assert store.maintain(prune_older_than=None).removed_files == 0


def _holds(store, text):
    """Whether any object of the store has this text in it, whatever reaches it."""
    objects = Repository(store.path).objects
    return any(text in objects.read(oid)[1] for oid in objects.every())


@pytest.mark.parametrize(("age", "asked"), [(91, {}), (3, {"prune_older_than": timedelta(days=2)})])
def test_what_was_purged_goes_out_of_packs_by_age(store, git, age, asked):
    """A pack in which something is that nothing reaches is written anew once it is older than the age; once is enough."""
    session = Session(id="gone")
    session.add_message("user", "to be forgotten " * 50)
    store.save(session)
    [kept, *_] = _fill(store)
    store.maintain()
    store.delete("gone")
    store.purge("gone")
    store.maintain(**asked)
    assert _holds(store, b"to be forgotten")
    for path in (*(store.path / "objects").glob("??/*"), *(store.path / "objects" / "pack").iterdir()):
        _age(path, age * 86_400)

    assert store.maintain(**asked).skipped == ()

    assert not _holds(store, b"to be forgotten")
    before = {path.name: path.stat().st_mtime_ns for path in (store.path / "objects" / "pack").iterdir()}
    store.maintain(**asked)
    assert {path.name: path.stat().st_mtime_ns for path in (store.path / "objects" / "pack").iterdir()} == before
    assert SessionStore(store.path).load(kept.id) == kept
    git.fsck()


def test_the_trash_and_snapshots_are_never_pruned(store):
    """Deleted sessions and snapshots are reachable until they are purged."""
    _fill(store)
    store.delete("s1")
    for path in (store.path / "objects").rglob("??????????????????????????????????????"):
        _age(path, 400 * 86_400)

    store.maintain(prune_older_than=timedelta(days=1))

    assert store.undelete("s1") == "s1"
    assert len(store.load("s1").snapshots) == 1
    assert store.verify().ok


def test_leftovers_are_swept_by_age(store):
    """Temporary files and locks that killed processes left an hour ago go; fresh ones and somebody's `.keep` stay."""
    _fill(store)
    folder = next(iter((store.path / "objects").glob("??")))
    leftovers = [
        folder / "tmp_obj_abc",
        store.path / "objects" / "pack" / "tmp_pack_x",
        store.path / "objects" / "pack" / ".tmp-1-pack-x.pack",
        store.path / "refs" / "heads" / "s0.lock",
        store.path / "packed-refs.lock",
        store.path / "config.lock",
    ]
    fresh = [folder / "tmp_obj_fresh", store.path / "refs" / "tags" / "x.lock"]
    for path in [*leftovers, *fresh]:
        path.write_bytes(b"x")
    packs = store.path / "objects" / "pack"
    leftovers += keep_pack(packs / "pack-1.pack")
    somebodys = packs / "pack-2.keep"
    somebodys.write_text("for ever\n")
    fresh += [somebodys, *keep_pack(packs / "pack-3.pack")]
    for path in [*leftovers, somebodys]:
        _age(path, 2 * 3_600)

    assert maintenance._sweep(store._open()) == len(leftovers)

    assert not any(path.exists() for path in leftovers)
    assert all(path.exists() for path in fresh)
    assert store.verify().ok


def test_old_packs_are_gathered(store, monkeypatch, git):
    """Many packs become one again, and what nothing reaches stays until it is old enough."""
    monkeypatch.setattr(packing, "MANY_PACKS", 2)
    session = Session(id="s")
    for number in range(4):
        session.add_message("user", str(number))
        store.save(session)
        store.maintain()

    assert len(list((store.path / "objects" / "pack").glob("*.pack"))) <= 2
    assert store.load("s") == session
    git.fsck()


def test_packs_that_go_meanwhile_stop_nothing(store):
    """Another process gathers packs at any time: one that is gone when its size is asked for is not counted."""
    _fill(store)
    gone = store.path / "objects" / "pack" / "loose-gone.pack"
    gone.symlink_to(store.path / "no-such-file")

    assert store.maintain().skipped == ()
    assert store.verify().ok


def test_it_is_due_when_objects_or_refs_pile_up(store, monkeypatch):
    """Two folder listings tell; packing settles it."""
    _fill(store)
    repository = store._open()
    assert not maintenance.is_due(repository)
    monkeypatch.setattr(maintenance, "_REFS_DUE", 2)
    assert maintenance.is_due(repository)
    store.maintain()
    assert not maintenance.is_due(repository)
    sample = store.path / "objects" / "17"
    sample.mkdir(exist_ok=True)
    for number in range(9):
        (sample / f"{number:038d}").touch()
    assert maintenance.is_due(repository)


def test_it_runs_by_itself(store_path, monkeypatch):
    """When it is due, closing the store packs; nobody need think of it. What is being saved meanwhile may stay loose."""
    monkeypatch.setattr(maintenance, "_REFS_DUE", 2)
    with SessionStore(store_path) as store:
        _fill(store)

    assert (store_path / "packed-refs").is_file()
    assert {ref.name for ref in (store_path / "refs" / "heads").iterdir()} <= {"s2"}


def test_reading_never_starts_it(store_path, monkeypatch):
    """A process that only looked at the store leaves it as it is."""
    with SessionStore(store_path) as store:
        _fill(store)
    monkeypatch.setattr(maintenance, "_REFS_DUE", 2)
    with SessionStore(store_path) as store:
        store.list_sessions()
        store.load("s1")

    assert not (store_path / "packed-refs").exists()


def test_one_at_a_time(store, monkeypatch):
    """Who finds another at it gets StoreLocked, and does not wait for ever."""
    _fill(store)
    repository = store._open()
    real = type(repository).maintaining
    monkeypatch.setattr(type(repository), "maintaining", lambda self: real(self, timeout=0.05))
    with real(repository), pytest.raises(StoreLocked):
        store.maintain()


def test_saves_are_not_held_up(store, monkeypatch):
    """While maintenance runs, another thread saves."""
    (session, *_) = _fill(store)
    saved = []

    def tell(part, total, what):
        if part == 2:
            session.add_message("user", f"while {what}")
            thread = threading.Thread(target=lambda: saved.append(store.save(session)))
            thread.start()
            thread.join(20)

    store.maintain(progress=tell)

    assert saved[0].messages_added == 1
    assert store.load("s0") == session


def test_without_git_refs_are_packed_all_the_same(store, monkeypatch, tmp_path):
    """Only packing objects and pruning need the program; the report says what was left out, and why."""
    _fill(store)
    monkeypatch.setenv("PATH", str(tmp_path))

    report = store.maintain(prune_older_than=timedelta(0))

    assert report.packed_refs == 7
    assert report.loose_after == report.loose_before
    assert [line.partition(":")[0] for line in report.skipped] == ["objects stay loose", "nothing was pruned"]


def test_progress_names_the_parts(store):
    """Each of the four parts is told, and the end."""
    _fill(store)
    told = []
    store.maintain(progress=lambda *step: told.append(step))

    assert [step[:2] for step in told] == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]


def test_what_git_renamed_is_not_left_in_the_journal(store, git):
    """The record stands under the old name's lock: what is freed goes from there, too."""
    session = Session(id="old")
    session.add_message("user", "marmalade")
    store.save(session)
    git("branch", "-m", "old", "new")
    store.delete("new")
    store.purge("new", now=True)
    assert not [path for path in store.path.rglob("*") if path.is_file() and b"marmalade" in path.read_bytes()]


def test_what_was_freed_is_not_there(store, git):
    """Also for who had read it from a pack before: the pack stood open, and went on to answer."""
    session = Session(id="s")
    session.add_message("user", "hello")
    tip = store.save(session).tip
    repository = Repository(store.path)
    git("repack", "-a", "-d", "-q")
    git("prune-packed")
    assert repository.objects.has(tip)
    git("update-ref", "-d", "refs/heads/s")
    maintenance.free_now(repository)
    assert not repository.objects.stands(tip)
    assert not repository.objects.has(tip)
