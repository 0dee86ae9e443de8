"""Disks that are full, or run full while somebody works: what is not saved is told, the rest stays, and space heals."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from pathlib import Path

import pytest

from superqode.session import Session, SessionStore
from superqode.session.errors import SaveFailed, SessionError

from . import judging, processes
from .life import Life
from .tally import Blocked
from .verbs import VERBS, make_store

GROUP = "full disks"

POSIX = pytest.mark.skipif(os.name != "posix", reason="limits as POSIX has them")
PAGE = 4096
# How many pages, or files, are left when a verb begins.
LEFT = range(48) if processes.FULL else (0, 3, 9)
LIVES = 40 if processes.FULL else 2


def _fill(folder: Path, leave: int = 0) -> Path:
    """Fill a disk to its last byte but so many; gives the file that did it."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file:
        for piece in (65536, PAGE, 512, 1):
            try:
                while True:
                    file.write(b"x" * piece)
            except OSError:
                continue
        file.truncate(max(0, file.tell() - leave))
    return filler


@pytest.mark.parametrize("leave", [0, 4096, 12288, 20480])
def test_a_full_disk_fails_the_save_and_nothing_else(leave, small_disk, locks):
    """On a full disk a save says that it is not saved and why; reading goes on; with space again saving works."""
    with SessionStore(small_disk / "store") as store:
        session = Session(id="s", title="On a small disk")
        session.add_message("user", "before")
        store.save(session)
        assert store.list_sessions()
        assert store.search("before")
        filler = _fill(small_disk, leave)
        session.add_message("user", "dear " + os.urandom(20_000).hex())
        with pytest.raises(SaveFailed, match="the disk is full") as caught:
            store.save(session)
        assert caught.value.outcome == "not saved"
        for reader in (store, SessionStore(small_disk / "store")):
            assert [message.content for message in reader.load("s").messages] == ["before"]
            assert [row.message_count for row in reader.list_sessions()] == [1]
            assert [hit.session_id for hit in reader.search("before")] == ["s"]
            assert reader.history("s")
        reader.close()
        filler.unlink()
        store.save(session)
        assert len(store.load("s").messages) == 2
        assert store.list_sessions()[0].message_count == 2
    done = subprocess.run(
        ["git", "-C", str(small_disk / "store"), "fsck", "--strict"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not [*(small_disk / "store" / "refs").rglob("*.lock")]


def test_a_disk_that_is_full_from_the_start(small_disk):
    """A store that cannot even be made is one clear error, and is made once there is space."""
    filler = _fill(small_disk)
    with SessionStore(small_disk / "store") as store:
        with pytest.raises(SessionError):
            store.save(Session(id="s"))
        assert store.list_sessions() == []
        filler.unlink()
        store.save(Session(id="s"))
        assert [row.id for row in store.list_sessions()] == ["s"]


@POSIX
def test_a_file_size_limit_fails_the_save_and_nothing_else(store, git, saved, contents, locks):
    """Where the system writes only half a file, nothing is saved, and half a file never counts as a whole one."""
    import resource

    session = saved("s")
    session.add_message("user", os.urandom(20_000).hex())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
    try:
        with pytest.raises(SaveFailed) as caught:
            store.save(session)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.outcome == "not saved"
    assert contents("s") == ["s 0", "s 1"]
    assert locks() == []
    store.save(session)
    assert len(contents("s")) == 3
    git.fsck()


# -- every verb -------------------------------------------------------------------------------------------------------


def _do(verb: str, path: Path) -> None:
    """Do a verb that may find no room; it says so, and nothing else."""
    with SessionStore(path) as store:
        try:
            VERBS[verb](store)
        except SessionError as problem:
            told = getattr(problem, "outcome", "not saved")
        else:
            told = "saved"
        assert told in ("saved", "not saved")
        _read(store)


def _read(store: SessionStore) -> None:
    """What needs no room works without any."""
    for row in store.list_sessions():
        assert row.problem == ""
        store.load(row.id)
        store.history(row.id)
    store.trash()
    assert [found for found in store.verify().findings if found.severity == "error"] == []


@pytest.mark.slow
@pytest.mark.parametrize("what", ["pages", "files"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_that_finds_no_room(verb, what, make_disk, tally):
    """However little is left when a verb begins, room or files: it says so, all sessions stay, and with room it works."""
    for left in LEFT:
        with make_disk("size=2m" if what == "pages" else "size=8m,nr_inodes=400") as disk:
            make_store(disk / "store")
            fillers = [_fill(disk, left * PAGE)] if what == "pages" else _take_inodes(disk / "fillers", left)
            with tally.fault(f"{verb}: {left} {what} left"):
                _do(verb, disk / "store")
                for filler in fillers:
                    filler.unlink()
                judging.check(disk / "store", verb)
                judging.go_on(disk / "store", verb)


def _take_inodes(folder: Path, leave: int) -> list[Path]:
    folder.mkdir()
    taken: list[Path] = []
    try:
        while True:
            taken.append(folder / str(len(taken)))
            taken[-1].touch()
    except OSError:
        taken.pop()
    for _ in range(leave):
        taken.pop().unlink()
    return taken


@POSIX
@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_under_a_limit_of_file_sizes(verb, tmp_path, tally):
    """Where no file may grow beyond a size (a quota that needs no disk of its own), a verb fails whole or not at all."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (0, 41, 100, 300, 1000, 4096, 32768) if processes.FULL else (0, 300):
        path = tmp_path / f"store-{limit}"
        make_store(path)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with tally.fault(f"{verb}: files of {limit} bytes at most"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
            try:
                _do(verb, path)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)
                signal.signal(signal.SIGXFSZ, handler)
            judging.check(path, verb)
            judging.go_on(path, verb)


# -- a life on a small disk -------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(LIVES))
@pytest.mark.parametrize("kind", ["size=3m", 4096, 1024])
def test_work_goes_on_whenever_there_is_room(kind, seed, make_disk, tally):
    """A disk that fills up and gets room again, over and over: each outcome told is true, nothing acknowledged is lost."""
    dice = random.Random(seed)
    life = Life(dice)
    with make_disk(kind) as disk, SessionStore(disk / "store") as store:
        for _ in range(3):
            assert not life.step(store)
        for turn in range(12):
            with tally.fault(f"turn {turn} of seed {seed} on {kind}"):
                filler = _fill(disk, dice.choice((0, 1, 2, 4, 8, 16, 32)) * PAGE)
                for _ in range(dice.randint(1, 5)):
                    life.step(store)
                filler.unlink()
                life.check(store)
                told = life.step(store)
                if told:
                    raise Blocked(told)
        life.check(store)
        assert store.verify().ok
    assert life.refused or not processes.FULL, "the disk was never full"
