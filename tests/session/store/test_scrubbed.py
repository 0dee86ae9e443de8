"""Marks of scrubs: what they say, where they stand, and what is none."""

from __future__ import annotations

import json

import pytest

from superqode.session import Session, SessionStore
from superqode.session.errors import CorruptSession, NewerFormat
from superqode.session.git.repository import Repository
from superqode.session.store.scrubbed import SCRUBBED, Replaced, encode_mark, mark_scrubbed, read_mark

SECRET = "Zugang-zum-Rechenzentrum-ist-4711"
NAME = f"{SCRUBBED}s/20261122T100000.000001Z"


@pytest.fixture
def repository(store) -> Repository:
    """A store with one session that was scrubbed."""
    session = Session(id="s", title="T")
    session.add_message("user", "hello")
    store.save(session)
    session.add_message("user", f"it is {SECRET}")
    session.create_snapshot(f"with {SECRET}", snapshot_id="snap")
    store.save(session)
    return Repository(store.path)


def _marks(repository: Repository) -> list[Replaced]:
    return [read_mark(repository.objects, oid, name) for name, oid in repository.refs.items(SCRUBBED)]


def test_a_scrub_says_what_it_replaced(store, repository, git):
    """Each commit from the first that said it on, and each snapshot; and nothing of what was taken out."""
    before = git("rev-list", "s").split()
    tag = git("rev-parse", "refs/tags/s/snap").strip()
    store.scrub("s", secrets=[SECRET])
    after = git("rev-list", "s").split()
    (mark,) = _marks(repository)
    assert mark.commits == {old: new for old, new in zip(before, after, strict=True) if old != new}
    assert len(mark.commits) == 1
    assert mark.tags == {tag: git("rev-parse", "refs/tags/s/snap").strip()}
    assert store.verify().findings == ()
    store.scrub("s", secrets=[SECRET])
    assert len(_marks(repository)) == 1, "nothing was left to replace"


def test_marks_of_one_moment_stand_beside_each_other(repository, still_clock):
    """Two scrubs at once have two marks, and none replaces another."""
    told = [Replaced({"a" * 40: letter * 40}) for letter in "bc"]
    names = [mark_scrubbed(repository, "s", one) for one in told]
    assert len(set(names)) == 2
    assert sorted(map(str, _marks(repository))) == sorted(map(str, told))


def test_a_backup_carries_marks(store, repository, tmp_path):
    """Whoever restores a backup keeps what a scrub said."""
    store.scrub("s", secrets=[SECRET])
    store.backup(tmp_path / "backup")
    SessionStore.restore_backup(tmp_path / "backup", tmp_path / "back")
    assert _marks(Repository(tmp_path / "back")) == _marks(repository)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "another"},
        {"version": 0},
        {"version": "1"},
        {"commits": {"a" * 40: "../x"}},
        {"commits": {"a" * 40: "a" * 40}},
        {"commits": ["a" * 40]},
        {"tags": None},
    ],
)
def test_what_is_no_mark(store, repository, git, change):
    """Anything else is refused, and `verify` tells of it."""
    data = json.dumps(json.loads(encode_mark(Replaced({"a" * 40: "b" * 40}))) | change).encode()
    oid = repository.objects.write("blob", data)
    with pytest.raises(CorruptSession):
        read_mark(repository.objects, oid, NAME)
    git("update-ref", NAME, oid)
    assert [finding.path for finding in store.verify().findings] == [NAME]


def test_a_newer_mark(repository):
    """A newer superqode's mark is told apart from damage."""
    data = json.dumps(json.loads(encode_mark(Replaced())) | {"version": 2}).encode()
    with pytest.raises(NewerFormat):
        read_mark(repository.objects, repository.objects.write("blob", data), NAME)
