"""Loose objects: read checked to the last byte, written whole or not at all, damage set aside."""

import hashlib
import os
import subprocess
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.errors import CorruptObject
from superqode.session.git import renames
from superqode.session.git.loose import LooseObjects


@pytest.fixture(params=["its own", "none"])
def loose(request, tmp_path, monkeypatch):
    """Loose objects in a real bare repository, on a file system that can claim a name, and on one that cannot."""
    if request.param == "none":
        monkeypatch.setattr(renames, "_renameat2", lambda: None)
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "repository")], check=True)
    return LooseObjects(tmp_path / "repository" / "objects", tmp_path / "quarantine")


def _git(tmp_path, *arguments):
    return subprocess.run(
        ["git", "-C", str(tmp_path / "repository"), *arguments], capture_output=True, check=True
    ).stdout


def _put(loose, oid, data):
    path = Path(loose.path(oid))
    path.parent.mkdir(exist_ok=True)
    if path.exists():
        path.chmod(0o644)
    path.write_bytes(data)


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\0" * 100_000, bytes(range(256)) * 40])
def test_git_reads_what_we_write(loose, tmp_path, content):
    """An object of ours has Git's id and Git's content, and comes back to us."""
    oid, path = loose.write("blob", content)

    assert path == loose.path(oid)
    assert _git(tmp_path, "cat-file", "blob", oid) == content
    assert loose.read(oid) == ("blob", content)
    assert _git(tmp_path, "fsck", "--strict", "--no-dangling") == b""


@pytest.mark.parametrize("size", [65_513, 65_514, 65_515, 131_039, 200_000])  # files of 64 KiB, one more, one less
def test_files_of_any_size_are_read_whole(loose, size):
    """Whether a file ends where a read of it ends, before or behind, all of it is read."""
    content = bytes(number * number % 251 for number in range(size))
    oid, path = loose.write("blob", content, compress=False)

    assert (Path(path).stat().st_size % 65_536 == 0) == (size in (65_514, 131_039))
    assert loose.read(oid) == ("blob", content)


def test_we_read_what_git_writes(loose, tmp_path):
    """Trees, commits, tags and blobs of git's are read with their types."""
    (tmp_path / "file").write_bytes(b"x")
    blob = _git(tmp_path, "hash-object", "-w", str(tmp_path / "file")).decode().strip()

    assert loose.read(blob) == ("blob", b"x")
    assert loose.read("0" * 40) is None


def test_writing_again_writes_nothing(loose):
    """An object that stands is not written twice, but freshened, so that no pruning by age takes it."""
    oid, path = loose.write("blob", b"x")
    os.utime(path, (1, 1))

    assert loose.write("blob", b"x") == (oid, None)
    assert Path(path).stat().st_mtime > 1_000_000


def test_no_temporary_file_stays(loose, tmp_path):
    """After a write, and another, the folder holds the object and nothing else; not writable, as Git's own."""
    _, path = loose.write("blob", b"x")
    loose.write("blob", b"x")

    assert list(Path(path).parent.iterdir()) == [Path(path)]
    assert Path(path).stat().st_mode & 0o222 == 0


def test_a_folder_that_went_is_made_again(loose):
    """A folder that `git gc` emptied and removed since our last write is no obstacle."""
    _, path = loose.write("blob", b"x")
    Path(path).unlink()
    Path(path).parent.rmdir()

    assert loose.write("blob", b"x")[1] == path


OID = hashlib.sha1(b"blob 5\0hello", usedforsecurity=False).hexdigest()
GOOD = zlib.compress(b"blob 5\0hello")


def _filed(data):
    """Bytes under the id of what they decompress to, so that only the header is wrong."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest(), zlib.compress(data)


@pytest.mark.parametrize(
    ("oid", "data", "told"),
    [
        (OID, b"", "its file is empty"),
        (OID, GOOD[:-1], "truncated"),
        (OID, GOOD[: len(GOOD) // 2], "truncated"),
        (OID, GOOD[:1], "truncated"),
        (OID, b"junk", "cannot be decompressed"),
        (OID, b"\0" * 100, "cannot be decompressed"),
        (OID, GOOD + b"more", "something behind its end"),
        (OID, GOOD + GOOD, "something behind its end"),
        (OID, zlib.compress(b"blob 5\0hellO"), "does not have this hash"),
        (OID, zlib.compress(b""), "does not have this hash"),
        (*_filed(b"blob 6\0hello"), "its header is wrong"),
        (*_filed(b"blob 4\0hello"), "its header is wrong"),
        (*_filed(b"blob -5\0hello"), "its header is wrong"),
        (*_filed(b"blob 5 hello"), "its header is wrong"),
        (*_filed(b"song 5\0hello"), "its header is wrong"),
        (*_filed(b"blob \0"), "its header is wrong"),
        (*_filed(b"blob" * 20), "its header is wrong"),
        (*_filed(b"\0"), "its header is wrong"),
        (*_filed(b"blob 05\0hello"), "its header is wrong"),
        (*_filed(b"blob " + b"9" * 5_000 + b"\0hello"), "its header is wrong"),
    ],
    ids=range(20),
)
def test_damage_is_told(loose, oid, data, told):
    """Each kind of damage is CorruptObject with the id and the reason; nothing hangs."""
    _put(loose, oid, data)

    with pytest.raises(CorruptObject, match=told) as caught:
        loose.read(oid)
    assert caught.value.oid == oid


def test_a_folder_in_an_objects_place_is_told(loose):
    """What is no file cannot be read, and says so."""
    Path(loose.path(OID)).mkdir(parents=True)

    with pytest.raises(CorruptObject, match="its file cannot be read"):
        loose.read(OID)


def test_where_no_name_can_be_claimed_it_is_tried_once(loose, monkeypatch):
    """A file system that cannot costs one attempt in the life of a process, not one for each object; a system, none."""
    tried = []
    monkeypatch.setattr(renames, "claim", lambda *names: bool(tried.append(names)))
    for number in range(3):
        oid, _ = loose.write("blob", bytes([number]))
        assert loose.read(oid) == ("blob", bytes([number]))
    assert len(tried) == renames.can_claim()


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 7))
def test_no_flipped_bit_goes_unnoticed(place, bit):
    """Any single bit that turns in the file is damage."""
    from superqode.session.git.loose_codec import unpacked

    data = bytearray(GOOD)
    data[place] ^= 1 << bit
    try:
        kept = unpacked(OID, bytes(data))
    except CorruptObject:
        return
    assert kept == ("blob", b"hello")  # a bit that zlib has no use for


@pytest.mark.parametrize("data", [b"", GOOD[:-3], b"junk"])
def test_writing_heals_and_keeps_the_damaged_file(loose, tmp_path, data):
    """Git and libgit2 leave a damaged file as it is when its content is written again; we set it aside."""
    _put(loose, OID, data)

    assert loose.write("blob", b"hello")[0] == OID

    assert loose.read(OID) == ("blob", b"hello")
    (kept,) = (tmp_path / "quarantine").iterdir()
    assert kept.read_bytes() == data
    assert kept.name.endswith(OID)


def test_a_failed_write_leaves_nothing(loose, monkeypatch):
    """When the disk is full in the middle, no half object and no temporary file stays."""
    loose.write("blob", b"first")
    real = os.write

    def full(handle, data):
        real(handle, data[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        loose.write("blob", b"hello")
    monkeypatch.undo()

    assert loose.read(OID) is None
    assert list(Path(loose.path(OID)).parent.iterdir()) == []


def test_what_git_packs_meanwhile_is_not_missed_by_name(loose):
    """Listing all objects goes on where packing removes folders under it."""
    oids = {loose.write("blob", bytes([number]))[0] for number in range(100)}
    found = loose.every()
    first = next(found)
    for oid in oids - {first}:
        Path(loose.path(oid)).unlink()
        with suppress(OSError):
            Path(loose.path(oid)).parent.rmdir()

    assert first in oids
    assert set(found) <= oids
