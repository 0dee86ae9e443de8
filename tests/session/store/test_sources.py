"""Kept originals: bytes in pieces and back, and what a damaged or foreign one does."""

import hashlib
import io
import random
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.codec.layout import PART_MAX
from superqode.session.errors import CorruptSession, NewerFormat
from superqode.session.git.object_codec import BLOB, Ident, TreeEntry
from superqode.session.git.repository import Repository
from superqode.session.store.sources import KEPT, piece_sizes, read_original, write_original

SOMEBODY = Ident("somebody", "somebody@example.invalid", 1)


def noise(size, seed=1):
    """Bytes that are no piece of each other."""
    return random.Random(seed).randbytes(size)


@pytest.fixture
def repository(store_path):
    """An empty store."""
    return Repository.create(store_path)


def keep(repository, session_id, files, before=None):
    """Keep files as a session's original."""
    opened = [(name, lambda data=data: io.BytesIO(data)) for name, data in files.items()]
    commit = write_original(repository.objects, opened, before)
    ref = KEPT + session_id
    repository.refs.update(ref, commit, repository.refs.read(ref), ident=SOMEBODY, reason="")
    return read_original(repository, session_id)


@given(st.integers(0, 5 * PART_MAX), st.integers(0, PART_MAX))
def test_a_file_that_grew_keeps_its_pieces(size, more):
    """Pieces add up to the file, none is over 1 MiB, and of a longer file only the last few pieces are others."""
    short, long = piece_sizes(size), piece_sizes(size + more)
    assert sum(short) == size
    assert all(0 < piece <= PART_MAX for piece in short)
    same = next((n for n, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), min(len(short), len(long)))
    rewritten = size - sum(short[:same])
    assert rewritten < max(4096, 2 * more)


@pytest.mark.parametrize("size", [0, 1, 4096, 700_001, PART_MAX, 3 * PART_MAX + 12_345])
def test_bytes_come_back(repository, size):
    """What was kept is read again byte for byte, whole and from any place."""
    data = noise(size)
    original = keep(repository, "s", {"a/b.jsonl": data})
    (file,) = original.files
    assert (file.name, file.size, file.sha256) == ("a/b.jsonl", size, hashlib.sha256(data).hexdigest())
    with original.open() as stream:
        assert stream.read() == data
        assert stream.seek(size // 2) == size // 2
        assert stream.read(5000) == data[size // 2 : size // 2 + 5000]


def test_lines_are_read_as_from_a_file(repository):
    """A kept transcript gives its lines as the file did, also those that lie across pieces."""
    lines = [noise(length, length).hex().encode() + b"\n" for length in (10, 600_000, 3, 400_000, 1)]
    original = keep(repository, "s", {"t.jsonl": b"".join(lines)})
    with original.open() as stream:
        assert list(stream) == lines


def test_files_that_belong_to_it_are_opened_by_their_endings(repository):
    """A database's log is found as it was beside the database; what was not kept is not found."""
    original = keep(repository, "s", {"x/opencode.db": b"main", "x/opencode.db-wal": b"log"})
    with original.open("-wal") as stream:
        assert stream.read() == b"log"
    with pytest.raises(FileNotFoundError):
        original.open("-shm")


def test_equal_files_are_one_commit(repository, git):
    """Sessions of one file share all of it; and git finds nothing to complain about."""
    first = keep(repository, "a", {"t": noise(100_000)})
    second = keep(repository, "b", {"t": noise(100_000)})
    assert first.commit == second.commit
    git.fsck()


def test_growth_costs_what_was_added(repository, git):
    """A file that grows a little at a time writes a few small pieces each time, packed or not."""
    data = noise(3 * PART_MAX)
    before = keep(repository, "s", {"t": data})
    git("repack", "-a", "-d", "-q")
    for step in range(20):
        data += noise(2000, step)
        before = keep(repository, "s", {"t": data}, before)
    with before.open() as stream:
        assert stream.read() == data
    loose = sum(path.stat().st_size for path in (repository.path / "objects").glob("??/*"))
    assert loose < 20 * 25_000


def test_a_damaged_piece_is_an_os_error_and_a_damaged_list_ours(repository):
    """Reading a damaged piece is an OSError as from a disk; what is no original is CorruptSession."""
    original = keep(repository, "s", {"t": noise(10_000)})
    repository.objects.loose.set_aside(original.files[0].pieces[0])
    with read_original(repository, "s").open() as stream, pytest.raises(OSError, match="damaged"):
        stream.read()
    objects = repository.objects
    for document, told in (
        (b"{}", "original"),
        (b'{"files": [{"bytes": 99999999999999, "name": "t", "sha256": "' + b"0" * 64 + b'"}]}', "pieces"),
        (b'{"files": [{"bytes": -1, "name": "t", "sha256": "' + b"0" * 64 + b'"}]}', "original"),
        (b"[" * 100_000, "nested"),
    ):
        tree = objects.write_tree(
            [
                TreeEntry(BLOB, "format", objects.write("blob", b"superqode-source 1\n")),
                TreeEntry(BLOB, "source.json", objects.write("blob", document)),
            ]
        )
        commit = objects.write_commit(tree, (), SOMEBODY, SOMEBODY, b"x\n")
        repository.refs.update(KEPT + "s", commit, repository.refs.read(KEPT + "s"), ident=SOMEBODY, reason="")
        with pytest.raises(CorruptSession, match=told):
            read_original(repository, "s")


def test_a_newer_number_is_said(repository):
    """An original that a newer superqode kept is not read as something else."""
    objects = repository.objects
    tree = objects.write_tree([TreeEntry(BLOB, "format", objects.write("blob", b"superqode-source 2\n"))])
    commit = objects.write_commit(tree, (), SOMEBODY, SOMEBODY, b"x\n")
    repository.refs.update(KEPT + "s", commit, None, ident=SOMEBODY, reason="")
    with pytest.raises(NewerFormat):
        read_original(repository, "s")


def test_the_format_stays(repository, git):
    """The bytes of a kept original are those of the format's first number; old stores stay readable for ever."""
    original = keep(repository, "s", {"home/t.jsonl": b'{"a": 1}\n' * 1000, "home/t.jsonl-wal": b"log"})
    assert original.commit == "2f73019245c2159447651886cef7086a29db015d"
    assert git("ls-tree", "-r", "--name-only", KEPT + "s").split() == [
        "files/000000/0000/00",
        "files/000000/0000/01",
        "files/000001/0000/00",
        "format",
        "source.json",
    ]


def test_a_live_database_is_kept_with_its_log(repository, tmp_path):
    """A database in the middle of its writer's work is kept with the log beside it, so that both read as then."""
    path = tmp_path / "live.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE t (a)")
    connection.execute("INSERT INTO t VALUES ('in the log')")
    wal = path.with_name("live.db-wal")
    original = keep(repository, "s", {"live.db": path.read_bytes(), "live.db-wal": wal.read_bytes()})
    connection.close()
    for ending in ("", "-wal"):
        with original.open(ending) as stream:
            (tmp_path / f"copy.db{ending}").write_bytes(stream.read())
    assert sqlite3.connect(tmp_path / "copy.db").execute("SELECT a FROM t").fetchall() == [("in the log",)]
