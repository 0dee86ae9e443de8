"""What a save writes waits for its end: read by nobody else until then, stored together, and nothing after an error."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from superqode.session.git import renames
from superqode.session.git.gathering import Gathering
from superqode.session.git.loose import LooseObjects
from superqode.session.git.loose_codec import headed, object_id
from superqode.session.git.repository import Repository


@pytest.fixture
def repository(tmp_path):
    """A store without sessions."""
    return Repository.create(tmp_path / "store")


@pytest.fixture
def loose(tmp_path):
    """Loose objects of a folder."""
    (tmp_path / "objects").mkdir()
    return LooseObjects(tmp_path / "objects", tmp_path / "quarantine")


def _some(count: int) -> dict[str, bytes]:
    return {object_id("blob", b"%d" % number): headed("blob", b"%d" % number) for number in range(count)}


def _files(loose: LooseObjects) -> list[str]:
    return [name for folder in loose.folders() for name in loose.names(folder)]


def test_what_waits_is_read_by_its_writer_alone(repository):
    """Inside, this thread reads what it wrote, and the disk has nothing; afterwards everybody reads it."""
    objects = repository.objects
    with objects.gathering():
        oid = objects.write("blob", b"hello")
        assert objects.read(oid) == ("blob", b"hello")
        assert not objects.loose.stands(oid)
    assert objects.loose.read(oid) == ("blob", b"hello")


def test_an_error_inside_stores_nothing(repository):
    """What a save wrote before it failed is dropped, and what comes next is stored as ever."""
    objects = repository.objects
    with pytest.raises(KeyError), objects.gathering():
        lost = objects.write("blob", b"lost")
        raise KeyError
    assert not objects.has(lost)
    assert objects.loose.stands(objects.write("blob", b"next"))


def test_much_does_not_wait():
    """What would fill the memory is stored before the end: a megabyte waits at most."""
    stored = []
    gathering = Gathering(lambda objects: stored.append(len(objects)))
    for number in range(5):
        gathering.add("blob", bytes([number]) * 400_000)
    assert stored == [3]
    gathering.finish()
    assert stored == [3, 2]


def test_an_object_twice_is_one(repository):
    """One that is written again while it waits has one id and one file, and one place in the journal's record."""
    objects = repository.objects
    with objects.keeping(1000) as kept, objects.gathering():
        assert objects.write("blob", b"x") == objects.write("blob", b"x")
    assert [oid for oid, _ in kept.objects] == [object_id("blob", b"x")]


@pytest.mark.parametrize("claims", [True, False])
def test_new_standing_damaged_and_large_together(loose, monkeypatch, tmp_path, claims):
    """Each becomes what it becomes alone: written, left as it is, healed with the damaged file kept, compressed."""
    if not claims:
        monkeypatch.setattr(renames, "_renameat2", lambda: None)
    objects = _some(40)  # more than are open at once
    standing, damaged, *_ = objects
    loose.write("blob", b"0")
    loose.write("blob", b"1")
    Path(loose.path(damaged)).chmod(0o644)
    Path(loose.path(damaged)).write_bytes(b"junk")
    large = headed("blob", b"x" * 100_000)
    objects[object_id("blob", b"x" * 100_000)] = large

    written = loose.write_together(objects)

    assert sorted(written) == sorted(loose.path(oid) for oid in objects if oid != standing)
    assert all(loose.read(oid) is not None for oid in objects)
    assert Path(loose.path(list(objects)[-1])).stat().st_size < 1_000
    assert [kept.read_bytes() for kept in (tmp_path / "quarantine").iterdir()] == [b"junk"]
    assert not [name for name in _files(loose) if name.startswith("tmp_")]
    assert loose.write_together(objects) == []


@pytest.mark.parametrize("call", ["open", "write", "close"])
@pytest.mark.parametrize("turn", range(3))
def test_a_disk_that_says_no_leaves_nothing(loose, monkeypatch, call, turn):
    """Whichever of several files fails, at whichever step: no object stands half, no temporary file and no handle stays."""
    real, calls = getattr(os, call), []

    def fail(*arguments, **named):
        calls.append(arguments)
        if call == "close":
            real(*arguments)
        if len(calls) == turn + 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return None if call == "close" else real(*arguments, **named)

    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space"):
        loose.write_together(_some(3))
    monkeypatch.undo()

    assert _files(loose) == []
    assert before in (0, len(os.listdir("/proc/self/fd")))


def test_few_handles_are_enough(loose, monkeypatch):
    """Where hardly any file may be opened, objects are stored in smaller parts, or one by one."""
    real_open, real_close, held = os.open, os.close, set()

    def scarce(*arguments, **named):
        if len(held) == 3:
            raise OSError(errno.EMFILE, "Too many open files")
        held.add(handle := real_open(*arguments, **named))
        return handle

    def give_back(handle):
        held.discard(handle)
        real_close(handle)

    monkeypatch.setattr(os, "open", scarce)
    monkeypatch.setattr(os, "close", give_back)
    objects = _some(20)
    assert len(loose.write_together(objects)) == 20
    assert all(loose.read(oid) is not None for oid in objects)
    assert not held
    assert not [name for name in _files(loose) if name.startswith("tmp_")]


def test_many_that_stand_cost_a_look_each(loose, monkeypatch):
    """Storing again what stands makes hardly more files than it has to find out that they do."""
    objects = _some(300)
    loose.write_together(objects)
    real, opened = os.open, []
    monkeypatch.setattr(os, "open", lambda *told, **named: (opened.append(told[0]), real(*told, **named))[1])
    assert loose.write_together(objects) == []
    assert len([path for path in opened if "tmp_obj_" in path]) < 2 * len(objects)


def test_ctrl_c_between_two_files_leaves_none_open(loose, monkeypatch):
    """Somebody who interrupts a save may go on with the program: no handle of it stays open, and no temporary file."""
    real, closed = os.close, []

    def interrupted(handle):
        closed.append(handle)
        real(handle)
        if len(closed) == 2:
            raise KeyboardInterrupt

    opened, real_open = [], os.open
    monkeypatch.setattr(os, "open", lambda *told, **named: (opened.append(real_open(*told, **named)), opened[-1])[1])
    monkeypatch.setattr(os, "close", interrupted)
    with pytest.raises(KeyboardInterrupt):
        loose.write_together(_some(5))
    monkeypatch.undo()
    assert sorted(closed) == sorted(opened)
    assert _files(loose) == []


def test_short_writes_are_gone_on_with(loose, monkeypatch):
    """A disk that takes a few bytes at a time gets all of them."""
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:3]))
    objects = _some(3)
    loose.write_together(objects)
    assert all(loose.read(oid) is not None for oid in objects)


@pytest.mark.parametrize("stands", range(5))
@pytest.mark.parametrize("claims", [True, False])
def test_they_come_in_order(loose, monkeypatch, claims, stands):
    """Whichever stands already, and however large one is: an object is there before what comes after it is."""
    if not claims:
        monkeypatch.setattr(renames, "_renameat2", lambda: None)
    contents = [b"0", b"x" * 100_000, b"2", b"3", b"4"]
    loose.write("blob", contents[stands])
    seen = []
    for module, name in ((renames, "claim"), (os, "replace")):
        real = getattr(module, name)

        def noted(source, target, real=real, **named):
            done = real(source, target, **named)
            seen.extend([target] if done is not False else [])
            return done

        monkeypatch.setattr(module, name, noted)

    loose.write_together({object_id("blob", content): headed("blob", content) for content in contents})

    expected = [loose.path(object_id("blob", content)) for content in contents]
    del expected[stands]
    assert seen == expected
