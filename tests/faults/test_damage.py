"""Damaged files in a store: a clear error that names the session, the others stay usable, and what heals heals."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from superqode.session import Session, SessionStore
from superqode.session.errors import CorruptObject, CorruptSession, SaveFailed, SessionError
from superqode.session.git import loose
from superqode.session.store.index import texts
from superqode.session.store.index.waiting import Waiting

from .harms import HARMS, harm

GROUP = "damaged files"

CONTENT = ("a" * 3000 + "\n") * 2


OBJECTS = {
    "commit": "s",
    "root tree": "s^{tree}",
    "session.json": "s:session.json",
    "timeline": "s:timeline/0000/00",
    "message": "s:timeline/0000/00/00-user.json",
    "side text": "s:timeline/0000/00/01-user.content.txt",
}


@pytest.fixture
def damaged(store, store_path, git):
    """A session `s` with one object damaged, beside a whole session `t`; gives the object's file and `s` in memory."""

    def damage(what: str, how: str) -> tuple[Path, Session]:
        session = Session(id="s", title="The damaged one")
        session.add_message("user", "hello")
        session.add_message("user", CONTENT * 2)
        other = Session(id="t", title="The whole one")
        other.add_message("user", "whole")
        store.save(session)
        store.save(other)
        oid = git("rev-parse", OBJECTS[what])
        path = store_path / "objects" / oid[:2] / oid[2:]
        harm(path, how)
        return path, session

    return damage


@pytest.mark.parametrize("how", [how for how in HARMS if how not in ("gone", "unreadable")])
@pytest.mark.parametrize("what", [what for what in OBJECTS if what not in ("commit", "root tree", "session.json")])
def test_saving_the_same_content_heals_what_a_rewrite_does_not(what, how, store, store_path, git, damaged, contents):
    """Git and libgit2 leave a damaged object be when its content is written again; we set it aside and write."""
    path, session = damaged(what, how)
    # The same entries in another session: the same objects, written once more.
    twin = Session(id="twin", title="The healer")
    for entry in session.timeline:
        twin.add(entry)
    store.save(twin)
    assert contents("s") == ["hello", CONTENT * 2]
    assert contents("twin") == ["hello", CONTENT * 2]
    quarantine = store_path / "superqode" / "quarantine"
    assert [kept.name.rpartition("-")[2] for kept in quarantine.iterdir()] == [path.parent.name + path.name]
    git.fsck()
    with SessionStore(store_path) as fresh:
        assert [row.problem for row in fresh.list_sessions()] == ["", "", ""]
        assert [found.severity for found in fresh.verify().findings] == ["warning"]


def test_running_out_of_files_is_no_damage(store, store_path, saved, contents, monkeypatch):
    """A file that cannot be opened for a moment is not damaged: nothing is set aside, and no session suffers."""
    if sys.platform == "win32":
        pytest.skip("no limit of open files to set")
    import resource

    saved("s")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    refused = 0
    for spare in range(8):
        session = Session(id=f"new-{spare}")
        session.add_message("user", f"new {spare}")
        free = os.open(os.devnull, os.O_RDONLY)
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free + spare, hard))
        try:
            store.save(session)
        except SessionError:
            refused += 1
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert not list((store_path / "superqode").glob("quarantine/*")), f"{spare} files to spare"
        assert contents("s") == ["s 0", "s 1"]
        store.save(session)
        assert contents(session.id) == [f"new {spare}"]
    assert refused, "the limit was never met"


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_an_object_that_cannot_be_read_now_is_left_where_it_is(number, store, store_path, saved, contents, monkeypatch):
    """Only what was read and found bad is set aside; an error of the system says nothing of the object."""
    saved("s")

    def refuse(*_arguments, **_options):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(loose, "_read_all", refuse)
        with suppress(SessionError):
            store.save(Session(id="new"))
    assert not list((store_path / "superqode").glob("quarantine/*"))
    assert contents("s") == ["s 0", "s 1"]


def test_a_whole_object_survives_a_disk_that_says_no_to_everything(
    store, store_path, git, saved, contents, monkeypatch
):
    """What cannot be read for EIO is set aside only when the new copy is written: it may have been whole all the time."""
    saved("s")
    twin = store.load("s").fork("twin")
    refusal = OSError(errno.EIO, os.strerror(errno.EIO))

    def refuse(*_arguments, **_options):
        raise refusal

    with monkeypatch.context() as patch:
        patch.setattr(loose, "_read_all", refuse)
        patch.setattr(loose.LooseObjects, "_open_new", refuse)
        for text in ("s 0", "s 1"):
            with pytest.raises(OSError):
                store._open().objects.loose.write(
                    "blob", git("cat-file", "-p", f"s:timeline/0000/00/0{text[-1]}-user.json").encode() + b"\n"
                )
    assert contents("s") == ["s 0", "s 1"]
    store.save(twin)
    git.fsck()


def test_damage_far_back_in_history_leaves_the_session_usable(store, store_path, git, saved):
    """A damaged old save is no reason to refuse the newest one, whose content is whole; `verify` tells."""
    session = saved("s", 1)
    session.create_snapshot("the first state")
    store.save(session)
    for number in range(3):
        session.add_message("user", f"more {number}")
        store.save(session)
    oid = git("rev-parse", "s~2")
    path = store_path / "objects" / oid[:2] / oid[2:]
    path.chmod(0o600)
    path.write_bytes(b"")
    with SessionStore(store_path) as fresh:
        loaded = fresh.load("s")
        assert [message.content for message in loaded.messages] == ["s 0", "more 0", "more 1", "more 2"]
        loaded.add_message("user", "and on")
        fresh.save(loaded)
        assert any(found.commit == oid for found in fresh.verify().findings)


def test_what_is_whole_again_is_listed_as_whole(store, store_path, git, saved):
    """A listing that told of damage does not go on telling of it when the object is back."""
    saved("s")
    oid = git("rev-parse", "s:session.json")
    path = store_path / "objects" / oid[:2] / oid[2:]
    whole = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(b"")
    assert store.list_sessions()[0].problem
    path.write_bytes(whole)
    assert store.list_sessions()[0].problem == ""


# -- refs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 41, b"ref: refs/heads/nowhere/../s\n", b"not an id\n", b"0123456789abcdef\n"]
)
def test_a_damaged_branch_file_is_one_sessions_problem(content, store, store_path, git, saved):
    """A ref file that a power loss emptied: listed with its problem, all verbs name it, the others are fine."""
    saved("s")
    saved("t")
    store.list_sessions()
    tip = git("rev-parse", "s")
    ref = store_path / "refs" / "heads" / "s"
    ref.write_bytes(content)
    with SessionStore(store_path) as fresh:
        assert {row.id: bool(row.problem) for row in fresh.list_sessions()} == {"s": True, "t": False}
        verbs = [
            fresh.load,
            fresh.exists,
            fresh.history,
            fresh.fork,
            fresh.delete,
            fresh.undo,
            fresh.resolve,
            lambda name: fresh.rename(name, "new"),
            lambda name: fresh.save(Session(id=name)),
        ]
        for verb in verbs:
            with pytest.raises(CorruptSession, match=r"Session s\b"):
                verb("s")
        assert [message.content for message in fresh.load("t").messages] == ["t 0", "t 1"]
        assert {found.session_id for found in fresh.verify().findings} == {"s"}
        assert fresh.trash() == []
        ref.write_bytes(tip.encode() + b"\n")
        assert [row.problem for row in fresh.list_sessions()] == ["", ""]
        assert fresh.verify().findings == ()


def test_a_damaged_branch_file_that_goes_is_forgotten_or_saved(store, store_path, saved):
    """When somebody removes the damaged file, no ghost stays in the list, and the last known state is in the trash."""
    saved("s")
    saved("t")
    store.list_sessions()
    ref = store_path / "refs" / "heads" / "s"
    ref.write_bytes(b"")
    store.list_sessions()
    ref.unlink()
    assert [row.id for row in store.list_sessions()] == ["t"]
    assert [item.session_id for item in store.trash()] == ["s"]
    assert store.undelete("s") == "s"
    assert len(store.load("s").messages) == 2


def test_a_branch_file_that_may_not_be_read_is_one_sessions_problem(store, saved, monkeypatch):
    """A ref that the disk or the system refuses to give is told as that session's problem; the list goes on."""
    saved("s")
    saved("t")

    give = os.open

    def refuse(path, *arguments, **options):
        if str(path).endswith("refs/heads/s"):
            raise OSError(errno.EIO, "Input/output error", str(path))
        return give(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    assert {row.id: bool(row.problem) for row in store.list_sessions()} == {"s": True, "t": False}
    with pytest.raises(SessionError, match=r"\bs\b"):
        store.load("s")
    assert store.load("t").title == "Title of t"


def test_damaged_packed_refs_are_told_and_an_open_session_is_saved(store, store_path, git, saved):
    """A `packed-refs` that cannot be read is named by every verb; what is being worked on is saved all the same."""
    saved("s")
    git("pack-refs", "--all")
    session = saved("t")
    with (store_path / "packed-refs").open("ab") as file:
        file.write(b"half a line")
    with SessionStore(store_path) as fresh:
        for verb in (fresh.list_sessions, lambda: fresh.load("s"), lambda: fresh.delete("s"), fresh.trash):
            with pytest.raises(SessionError, match="packed-refs"):
                verb()
    session.add_message("user", "more")
    assert store.save(session).commits


def test_a_damaged_packed_refs_is_repaired(store, store_path, git, saved, contents):
    """Of a `packed-refs` with garbage in it every line that can be read is kept, and the others are in the reflogs."""
    for name in ("s", "t"):
        session = saved(name)
        session.create_snapshot("kept")
        store.save(session)
    store.delete(saved("gone").id)
    git("pack-refs", "--all")
    packed = store_path / "packed-refs"
    lines = packed.read_bytes().splitlines(keepends=True)
    packed.write_bytes(b"".join([line[:20] if b"heads/t" in line or b"trash" in line else line for line in lines]))
    with SessionStore(store_path) as fresh:
        with pytest.raises(SessionError, match="packed-refs"):
            fresh.list_sessions()
        report = fresh.repair()
        assert {step.name for step in report.steps} >= {"packed-refs", "refs/heads/t"}
        assert report.lost == ()
        assert {row.id for row in fresh.list_sessions()} == {"s", "t"}
        assert [item.session_id for item in fresh.trash()] == ["gone"]
        assert [len(fresh.load(name).snapshots) for name in ("s", "t")] == [1, 1]
    assert contents("t") == ["t 0", "t 1"]
    git.fsck()
    assert git("show-ref", "--dereference", "--tags").count("^{}") == 2


@pytest.mark.parametrize("ref", ["refs/heads/s", "refs/tags/s/kept"])
def test_a_ref_that_vanished_is_named_and_comes_back(ref, store, store_path, saved, git):
    """A ref whose file alone is lost has a reflog still, which no deletion leaves: `verify` tells, `repair` mends."""
    session = saved("s")
    session.create_snapshot("kept").id = "kept"
    store.save(session)
    tip = git("rev-parse", ref)
    (store_path / ref).unlink()
    with SessionStore(store_path) as fresh:
        assert [found.path for found in fresh.verify().findings] == [ref]
        assert [step.name for step in fresh.repair().steps] == [ref]
        assert fresh.verify().findings == ()
    assert git("rev-parse", ref) == tip


def test_what_was_deleted_has_not_vanished(store, saved, git):
    """Deleting, renaming and purging, by us and by git, leave nothing that `verify` would take for a loss."""
    for name in ("s", "t", "u", "v"):
        session = saved(name)
        session.create_snapshot("kept")
        store.save(session)
    store.delete("s")
    store.rename("t", "w")
    store.delete("u")
    store.purge("u")
    git("branch", "-D", "v")
    git("tag", "-d", git("tag", "--list", "v/*"))
    assert store.verify().findings == ()
    store.list_sessions()
    assert store.verify().findings == ()


@pytest.mark.parametrize("harm_", [Path.unlink, lambda head: head.write_bytes(b"\0" * 20)])
def test_a_lost_head_is_put_back(harm_, store_path, saved, git):
    """Without HEAD a store is no repository for git, and looked empty to us: it is written anew on opening."""
    saved("s")
    harm_(store_path / "HEAD")
    with SessionStore(store_path) as fresh:
        assert [row.id for row in fresh.list_sessions()] == ["s"]
    assert git("symbolic-ref", "HEAD") == "refs/heads/superqode"


def test_a_file_with_no_refs_name_among_the_refs_is_looked_past(store, store_path, git, saved, contents):
    """A synchroniser's `s (conflicted copy)` once got into `packed-refs`, which nobody could read then; it is named."""
    saved("s")
    copy = store_path / "refs" / "heads" / "s (Ada's conflicted copy)"
    copy.write_bytes((store_path / "refs" / "heads" / "s").read_bytes())
    store.maintain()
    assert contents("s") == ["s 0", "s 1"]
    assert [row.id for row in store.list_sessions()] == ["s"]
    assert [found.path for found in store.verify().findings] == [f"refs/heads/{copy.name}"]


def test_saves_that_nothing_reaches_are_named_and_come_back(store, store_path, git, saved, contents):
    """An old copy of a branch's file put back takes saves away: they are named, and become a session beside it."""
    session = saved("s")
    old = git("rev-parse", "s")
    session.add_message("user", "dear")
    store.save(session)
    lost = git("rev-parse", "s")
    git("update-ref", "refs/heads/s", old)
    with SessionStore(store_path) as fresh:
        assert [(found.session_id, found.commit) for found in fresh.verify().findings] == [("s", lost)]
        assert [step.name for step in fresh.repair().steps] == ["s-recovered"]
        assert fresh.verify().findings == ()
        assert fresh.repair().steps == ()
    assert contents("s") == ["s 0", "s 1"]
    assert contents("s-recovered") == ["s 0", "s 1", "dear"]


def test_saves_that_were_taken_back_or_purged_are_not_missed(store, saved, git):
    """What an undo took back, a retry wrote anew, a purge forgot, is nothing that `verify` would bring back."""
    session = saved("s")
    store.undo("s")
    session.add_message("user", "merged")
    store.save(session)
    store.delete(saved("t").id)
    store.purge("t")
    saved("t", 1)
    assert store.verify().findings == ()


def test_a_journal_file_that_cannot_be_read_is_set_aside(store, store_path, saved, contents):
    """A folder where a file of the journal should be stops saves with its name; a repair lets them go on."""
    session = saved("s")
    [journal] = (store_path / "superqode" / "journal").iterdir()
    journal.unlink()
    journal.mkdir()
    session.add_message("user", "dear")
    with pytest.raises(SaveFailed, match=f"journal/{journal.name}"):
        store.save(session)
    assert store.repair().steps[0].name == f"journal/{journal.name}"
    store.save(session)
    assert contents("s") == ["s 0", "s 1", "dear"]


def test_an_open_session_is_saved_on_top_of_a_damaged_commit(store, store_path, git, saved, contents):
    """The save before is damaged meanwhile: this one needs nothing of it, and is acknowledged as it is stored."""
    session = saved("s")
    oid = git("rev-parse", "s")
    harm(store_path / "objects" / oid[:2] / oid[2:], "zero length")
    session.add_message("user", "dear")
    assert len(store.save(session).commits) == 1
    assert contents("s") == ["s 0", "s 1", "dear"]
    assert [found.commit for found in store.verify().findings] == [oid]


def test_a_damaged_reflog_harms_nothing(store, store_path, saved, git):
    """The reflog is a convenience: bytes that are none of Git's in it stop neither saves nor lists."""
    session = saved("s")
    (store_path / "logs" / "refs" / "heads" / "s").write_bytes(b"\xff\0garbage without an end")
    session.add_message("user", "more")
    assert store.save(session).commits
    git("branch", "-m", "s", "new")
    assert [row.id for row in store.list_sessions()] == ["new"]


# -- the index --------------------------------------------------------------------------------------------------------


def _garbage(path: Path) -> None:
    path.write_bytes(os.urandom(8192))


def _drop_a_table(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE sessions")
    connection.commit()
    connection.close()


def _drop_the_words(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE words")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("opened_before", [True, False])
@pytest.mark.parametrize("harm", [_garbage, _drop_a_table, _drop_the_words, Path.unlink])
def test_a_damaged_index_is_made_anew_in_silence(harm, opened_before, store, store_path, saved):
    """The index is disposable at any moment: list and search are right after any harm, in old processes and new."""
    saved("s")
    saved("t")
    store.search("s")
    asked = store if opened_before else SessionStore(store_path)
    if not opened_before:
        store.close()
    harm(store_path / "superqode" / "index.sqlite")
    assert {row.id for row in asked.list_sessions()} == {"s", "t"}
    assert {hit.session_id for hit in asked.search("Title")} == {"s", "t"}
    assert asked.trash() == []
    asked.close()


def test_a_session_that_another_process_found_deleted_stops_no_search(store, saved, monkeypatch):
    """A session's row may go between two steps of a search, where another process shares the index."""
    saved("s")
    saved("t")
    store.list_sessions()
    repository = store._open()
    with store._index(repository).database.reading() as connection:
        texts.index_block(connection, repository, [Waiting(1_000_000, "gone", 0, 1)])
    assert {hit.session_id for hit in store.search("Title")} == {"s", "t"}


@pytest.mark.parametrize("how", ["zeros", "truncated", "wrong content"])
def test_a_damaged_pack_index_is_told_and_repaired_from_a_copy(how, store, store_path, saved, contents, tmp_path):
    """Whatever an index of a pack holds, `verify` and `repair` come to their end, and a copy makes all whole."""
    saved("s")
    store.maintain()
    store.close()
    copy = tmp_path / "copy"
    shutil.copytree(store_path, copy)
    [index] = (store_path / "objects" / "pack").glob("*.idx")
    harm(index, how)
    with SessionStore(store_path) as fresh:
        assert {found.session_id for found in fresh.verify().findings} == {"s", "refs/heads/superqode"}
        assert fresh.repair().lost
        assert fresh.repair([copy]).lost == ()
    assert contents("s") == ["s 0", "s 1"]


def test_reading_never_gives_other_bytes(store, store_path, git, saved):
    """Whichever bit of a loose object flips: it is refused, or what was written is read, never anything else."""
    saved("s", 1)
    objects = store._open().objects
    refused = read = 0
    for oid in git("rev-list", "--objects", "--no-object-names", "s").split("\n"):
        path = store_path / "objects" / oid[:2] / oid[2:]
        whole, expected = path.read_bytes(), objects.loose.read(oid)
        path.chmod(0o600)
        for position in range(0, len(whole), 5):
            damaged = bytearray(whole)
            damaged[position] ^= 1 << (position % 8)
            path.write_bytes(damaged)
            try:
                assert objects.loose.read(oid) == expected
                read += 1
            except CorruptObject:
                refused += 1
        path.write_bytes(whole)
    assert refused > 10 * read
