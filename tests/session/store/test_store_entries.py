"""What is kept for loading: quicker, never believed but for what Git says, and gone when something is forgotten."""

from __future__ import annotations

import random
import subprocess
import sys
import zlib

import pytest

from superqode.session import Session, SessionStore
from superqode.session.errors import CorruptSession
from superqode.session.git.objects import Objects
from superqode.session.store.index import entries as module
from superqode.session.store.index.entries import EntryCache


@pytest.fixture(autouse=True)
def _any_size(monkeypatch):
    """Also a small session is kept."""
    monkeypatch.setattr(module, "_SMALL", 0)


@pytest.fixture
def store(store_path):
    """A store with one session of ten messages and calls, long text and odd letters among them."""
    session = Session(id="s", title="T")
    for number in range(10):
        session.add_message("user", f"text {number} é \ud800" if number % 3 else "long " * 3000)
        session.add_tool_execution(
            "bash", {"command": "ls", "result_bytes": 15000}, "r" * (20_000 * (number % 2)), True
        )
    with SessionStore(store_path) as made:
        made.save(session)
        yield made


@pytest.fixture
def blobs_read(monkeypatch):
    """Counts the blobs that are read from objects."""
    read = []
    blob = Objects.blob
    monkeypatch.setattr(Objects, "blob", lambda self, oid: read.append(oid) or blob(self, oid))
    return read


def kept(store):
    """The files of the cache."""
    return sorted((store.path / "superqode" / "entries").glob("*"))


def test_the_second_load_reads_one_file(store, blobs_read):
    """All entries come from the cache: only `format` and `session.json` are read from objects; the session is the same."""
    first = store.load("s")
    assert len(blobs_read) > 20
    blobs_read.clear()
    assert store.load("s") == first
    assert len(blobs_read) == 2
    assert [path.stat().st_mode & 0o777 for path in kept(store)] == [0o600]


def test_what_was_added_is_read_alone(store, blobs_read):
    """After a save, the load reads what is new, and keeps it: the file grows by it."""
    session = store.load("s")
    [path] = kept(store)
    before = path.read_bytes()
    session.add_message("user", "one more")
    store.save(session)
    blobs_read.clear()
    assert store.load("s") == session
    assert len(blobs_read) == 3
    assert path.read_bytes().startswith(before)
    blobs_read.clear()
    assert store.load("s") == session
    assert len(blobs_read) == 2


def test_going_back_and_another_way_is_noticed(store):
    """Undo, edits in the middle and restores give what Git has, whatever is kept; plain git moving the branch, too."""
    session = store.load("s")
    for number in range(5):
        session.add_message("user", f"more {number}")
        store.save(session)
        store.load("s")
    store.undo("s")
    assert len(store.load("s").messages) == 14
    session = store.load("s")
    del session.messages[3]
    store.save(session)
    assert store.load("s") == session
    session.add_message("user", "another way")
    store.save(session)
    assert store.load("s") == session


def test_plain_git_beside_it(store, git):
    """A branch that plain git moves is loaded as it is then."""
    old = store.load("s")
    session = store.load("s")
    session.add_message("user", "new")
    store.save(session)
    assert store.load("s") == session
    git("update-ref", "refs/heads/s", "s~1")
    assert store.load("s") == old


@pytest.mark.parametrize("seed", range(40))
def test_damage_is_never_believed(store, seed):
    """Cut, changed, emptied, doubled or mixed with another's: the load gives what Git has, and the file is made anew."""
    dice = random.Random(seed)
    session = store.load("s")
    session.add_message("user", "more")
    store.save(session)
    store.load("s")
    [path] = kept(store)
    data = path.read_bytes()
    place = dice.randrange(len(data))
    path.write_bytes(
        dice.choice(
            (
                data[:place],
                data[:place] + bytes([data[place] ^ 1 << dice.randrange(8)]) + data[place + 1 :],
                b"",
                data + data,
                data[:place] + dice.randbytes(50) + data[place:],
            )
        )
    )
    assert store.load("s") == session
    assert store.load("s") == session


@pytest.mark.parametrize(
    "told",
    [
        "[]",
        "no JSON",
        '{"files":[["0000/00/00-user",-5,-1]],"crc":0}',
        '{"files":[["0000/00/00-user","x",-1]],"crc":0}',
        '{"files":[["0000/00/00-user",null,-1]],"crc":0}',
        '{"files":[[1]],"crc":0}',
        '{"files":[]}',
        '{"files":7,"crc":0}',
    ],
)
def test_a_line_that_tells_nonsense_is_passed_over(store, told):
    """Its checksum says only that it came whole; loading gives what Git has."""
    session = store.load("s")
    [path] = kept(store)
    path.write_bytes(b"superqode-entries 1\n%08x %b\n" % (zlib.crc32(told.encode()), told.encode()))
    assert store.load("s") == session
    assert store.load("s") == session


@pytest.mark.parametrize("made", ["folder", "file"])
def test_a_cache_that_cannot_be_written_is_none(store, made):
    """Something else stands in the folder's place, or in the file's: loading works."""
    path = store.path / "superqode" / "entries"
    first = store.load("s")
    [file] = kept(store)
    file.unlink()
    if made == "folder":
        path.rmdir()
        path.write_text("no folder")
    else:
        file.mkdir()
    assert store.load("s") == first


def test_what_is_forgotten_is_not_kept(store):
    """Purging and masking take all of it away: it holds what was said."""
    store.load("s")
    store.delete("s")
    store.purge("s")
    assert kept(store) == []


def test_a_damaged_object_is_told_where_nothing_is_kept(store):
    """The cache hides no damage from `verify`, and without it loading says what is wrong."""
    session = store.load("s")
    tip = store._open().refs.read("refs/heads/s")
    oid = next(
        entry.oid
        for entry in store._open().objects.tree(store._open().objects.commit(tip).tree)
        if entry.name == "timeline"
    )
    store._open().objects.loose.drop(oid)
    assert store.load("s") == session
    assert not store.verify().ok
    EntryCache.of(store._open()).discard()
    with SessionStore(store.path) as fresh, pytest.raises(CorruptSession):
        fresh.load("s")


def test_the_budget_holds(store):
    """What was used longest ago goes first."""
    for number in range(4):
        session = Session(id=f"n{number}")
        session.add_message("user", "x" * 1000)
        store.save(session)
        store.load(session.id)
    cache = EntryCache.of(store._open())
    used = sorted(kept(store), key=lambda path: path.stat().st_mtime)
    cache.shrink(3000)
    assert set(kept(store)) == set(used[-2:])
    cache.shrink(0)
    assert kept(store) == []


def test_maintenance_holds_the_budget(store, monkeypatch):
    """Files that came to more than the budget go with `maintain`, whatever was loaded since."""
    store.load("s")
    assert len(kept(store)) == 1
    monkeypatch.setattr(EntryCache.shrink, "__defaults__", (0,))
    store.maintain()
    assert kept(store) == []


def test_a_file_grows_no_further_than_one_may(store, monkeypatch):
    """A session that outgrows what one file may hold is not kept, also where it grew piece by piece."""
    session = store.load("s")
    [path] = kept(store)
    monkeypatch.setattr(module, "_LARGEST", path.stat().st_size + 1000)
    session.add_message("user", "x" * 2000)
    store.save(session)
    assert store.load("s") == session
    assert kept(store) == []


def test_pieces_are_joined(store, monkeypatch):
    """A session that is loaded after each save has a file of few pieces."""
    monkeypatch.setattr(module, "_PIECES", 3)
    session = store.load("s")
    for number in range(8):
        session.add_message("user", f"more {number}")
        store.save(session)
        assert store.load("s") == session
        assert all(path.read_bytes().count(b'"timeline":') <= 3 for path in kept(store))


GROW = """
import sys
from superqode.session import SessionStore
with SessionStore(sys.argv[1]) as store:
    for number in range(20):
        session = store.load("s")
        session.add_message("user", f"{sys.argv[2]} {number}")
        store.save(session)
"""


def test_processes_that_load_and_save_at_once(store):
    """Three processes load, add and save one session: everything is there, from the cache and from Git."""
    store.load("s")
    workers = [subprocess.Popen([sys.executable, "-c", GROW, str(store.path), name]) for name in ("a", "b", "c")]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    told = store.load("s")
    EntryCache.of(store._open()).discard()
    assert store.load("s") == told
    assert len(told.messages) == 70
