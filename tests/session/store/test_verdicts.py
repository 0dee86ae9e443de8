"""Verdicts: remembered under the rules they were made by, and a cache that may always be lost."""

import sqlite3
import threading

import pytest

from superqode.session.store.index.verdicts import CLEAN, Verdicts


@pytest.fixture
def path(tmp_path):
    """Where the cache is."""
    return tmp_path / "own" / "verdicts.sqlite"


@pytest.fixture
def opened():
    """Open caches, and close them at the end."""
    found = []

    def opening(path, fingerprint="rules"):
        found.append(Verdicts(path, fingerprint))
        return found[-1]

    yield opening
    for verdicts in found:
        verdicts.close()


def _filled(path, opened, count=3):
    verdicts = opened(path)
    for number in range(count):
        verdicts.put(f"k{number}", f"v{number}")
    verdicts.close()


def test_what_was_seen_is_remembered(path, opened):
    """By the next process as well; clean is a verdict, and not having looked is none."""
    verdicts = opened(path)
    assert verdicts.get("a") is None
    verdicts.put("a", CLEAN)
    verdicts.put("b", "told")
    assert (verdicts.get("a"), verdicts.get("b")) == (CLEAN, "told")
    verdicts.close()

    again = opened(path)
    assert (again.get("a"), again.get("b"), again.get("c")) == (CLEAN, "told", None)
    again.put("b", "changed")
    assert again.get("b") == "changed"
    again.close()
    assert opened(path).get("b") == "changed"


def test_other_rules_have_other_verdicts(path, opened):
    """What was clean under old rules is not under new ones; the old ones' verdicts stay."""
    _filled(path, opened)
    other = opened(path, "other rules")
    assert other.get("k0") is None
    other.put("k0", "other")
    other.close()

    assert opened(path).get("k0") == "v0"
    assert opened(path, "other rules").get("k0") == "other"


def test_many_are_written_while_they_come(path, opened):
    """A walk that is killed late has not lost what it saw early."""
    verdicts = opened(path)
    for number in range(20_001):
        verdicts.put(f"k{number}", CLEAN)

    assert opened(path).get("k0") == CLEAN
    assert verdicts.get("k20000") == CLEAN


def _junk(path):
    path.write_bytes(b"no database at all" * 500)


def _truncated(path):
    path.write_bytes(path.read_bytes()[:5000])


def _older(path):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.commit()
    connection.close()


def _other_tables(path):
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE verdicts")
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "damage",
    [_junk, _truncated, _older, _other_tables],
    ids=["junk", "truncated", "another version", "other tables"],
)
def test_a_cache_that_cannot_be_used_is_made_anew(path, opened, damage):
    """What was known may be unknown then; nothing fails, and what comes next is remembered."""
    _filled(path, opened, 2000)
    damage(path)

    verdicts = opened(path)
    assert verdicts.get("k1999") in (None, "v1999")
    verdicts.put("new", "told")
    verdicts.close()

    assert opened(path).get("new") == "told"


def test_damage_under_an_open_cache_is_only_slower(path, opened):
    """The file goes bad while it is open: what this process put is still known to it."""
    verdicts = opened(path)
    verdicts.put("a", "told")
    verdicts.flush()
    path.unlink()
    _junk(path)

    assert verdicts.get("a") == "told"
    verdicts.put("b", "told")
    verdicts.flush()
    assert verdicts.get("b") == "told"
    assert verdicts.get("c") is None


def test_where_no_file_can_stand_memory_serves(tmp_path, opened):
    """A store that cannot be written to is scanned all the same."""
    (tmp_path / "file").write_bytes(b"")
    verdicts = opened(tmp_path / "file" / "verdicts.sqlite")

    verdicts.put("a", "told")
    verdicts.flush()

    assert (verdicts.get("a"), verdicts.get("b")) == ("told", None)


def test_discarding_leaves_no_file(path, opened):
    """What it named is in no file any more, also not in the write-ahead log."""
    verdicts = opened(path)
    verdicts.put("a", "secret-place")
    verdicts.flush()
    verdicts.put("b", "secret-place")

    verdicts.discard()

    assert list(path.parent.iterdir()) == []
    assert (verdicts.get("a"), verdicts.get("b")) == (None, None)


def test_another_process_may_discard_it(path, opened):
    """Who has it open goes on with a new file, and writes there."""
    mine, theirs = opened(path), opened(path)
    mine.put("a", "told")
    mine.flush()
    theirs.discard()

    mine.put("b", "told")
    mine.close()

    assert opened(path).get("b") == "told"


def test_writers_beside_each_other_lose_nothing(path, opened):
    """Several caches on one file, each writing in many small pieces."""

    def write(name):
        own = Verdicts(path, name)
        for number in range(50):
            own.put(f"{name}{number}", name)
            own.flush()
        own.close()

    threads = [threading.Thread(target=write, args=(f"rules{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for name in ("rules0", "rules1", "rules2", "rules3"):
        again = opened(path, name)
        assert [again.get(f"{name}{number}") for number in range(50)] == [name] * 50
