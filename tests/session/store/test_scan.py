"""Whether refs changed: told from file times, distrusted when they are young, read only where they differ."""

import json

import pytest

from superqode.session import Session, SessionStore
from superqode.session.store.index import scan
from superqode.session.store.index.catalogue import Catalogue
from superqode.session.store.index.scan import changed_since, take_stamp

OLD = 10_000_000_000


@pytest.fixture
def repository(store):
    """A store with three sessions."""
    for name in ("a", "b", "c"):
        store.save(Session(id=name))
    return store._open()


@pytest.fixture
def aged(monkeypatch):
    """Files look as if they had not changed for long, until `touch` is called."""
    offset = [0]
    real = scan._look

    def look(path):
        found = real(path)
        return [found[0] and 1_000_000_000 + offset[0], *found[1:]]

    monkeypatch.setattr(scan, "_look", look)
    return lambda: offset.__setitem__(0, offset[0] + OLD)


def test_an_old_stamp_that_fits_is_believed(repository, aged):
    """Nothing changed, and the times are old: nothing need be read."""
    stamp = take_stamp(repository, ["refs/heads/"])

    assert not changed_since(repository, stamp)
    aged()
    assert changed_since(repository, stamp)


def test_no_stamp_is_a_change(repository):
    """Without a stamp everything is to be read."""
    assert changed_since(repository, None)


def test_a_young_time_proves_nothing(repository, monkeypatch):
    """Within two seconds of the reading a further change could carry the same time: it is not believed."""
    stamp = take_stamp(repository, ["refs/heads/"])
    told = json.loads(stamp)
    for name in told["seen"]:
        told["seen"][name][0] = 1_000
    monkeypatch.setattr(scan, "_look", lambda path: told["seen"][path.removeprefix(f"{repository.path}/")])
    for at, believed in ((1_000 + 1_999_999_999, False), (1_000 + 2_000_000_000, True), (0, False)):
        told["at"] = at
        assert changed_since(repository, json.dumps(told)) is not believed


@pytest.mark.parametrize("field", [0, 1, 2], ids=["time", "size", "inode"])
@pytest.mark.parametrize("name", ["packed-refs", "refs/heads/"])
def test_any_difference_is_a_change(repository, aged, field, name):
    """Another time, size or inode of the file or of a folder is a change."""
    told = json.loads(take_stamp(repository, ["refs/heads/"]))
    told["seen"][name][field] += 1

    assert changed_since(repository, json.dumps(told))


def test_an_unchanged_listing_reads_no_ref(repository, aged, monkeypatch):
    """With a trusted stamp a listing opens no ref and no object."""
    aged()
    catalogue = Catalogue(repository, lambda name, tip: True)
    catalogue.refresh()
    read = []
    monkeypatch.setattr(type(repository.refs), "resolve", lambda self, name: read.append(name))
    monkeypatch.setattr(type(repository.objects), "read", lambda self, oid: read.append(oid))

    catalogue.refresh()

    assert read == []
    catalogue.database.close()


def test_only_what_changed_is_read_again(repository, store, aged, monkeypatch):
    """Of many branches only those whose file looks different are opened, and only their session is read."""
    monkeypatch.setattr(scan, "_RACY_NS", 0)
    catalogue = Catalogue(repository, lambda name, tip: True)
    catalogue.refresh()
    session = store.load("b")
    session.title = "New"
    store.save(session)
    read = []
    real = type(repository.refs).resolve
    monkeypatch.setattr(type(repository.refs), "resolve", lambda self, name: (read.append(name), real(self, name))[1])

    aged()
    catalogue.refresh()

    assert read == ["refs/heads/b"]
    catalogue.database.close()


def test_a_next_process_takes_up_what_the_last_one_knew(repository, store_path, aged, monkeypatch):
    """The index of an earlier process spares the next one the reading."""
    monkeypatch.setattr(scan, "_RACY_NS", 0)
    with SessionStore(store_path) as first:
        listed = first.list_sessions()
    read = []
    real = type(repository.objects).read
    monkeypatch.setattr(type(repository.objects), "read", lambda self, oid: (read.append(oid), real(self, oid))[1])

    with SessionStore(store_path) as second:
        assert second.list_sessions() == listed
    assert read == []


def test_names_of_very_many_parts_stop_no_listing(repository, store, git):
    """Plain git takes more parts than calls can be deep; those that are no id are passed over, as everywhere."""
    del repository
    deep, deeper = "x/" * 450 + "b", "y/" * 1200 + "d"
    for name in (deep, deeper):
        git("update-ref", f"refs/heads/{name}", "a")
    try:
        assert {found.id for found in store.list_sessions()} == {"a", "b", "c", deep}
        assert store.load(deep).id == deep
        assert store.verify(level="quick").sessions == 4
    finally:
        for name in (deep, deeper):  # or nobody could clean up after us
            git("update-ref", "-d", f"refs/heads/{name}")


def test_folders_below_are_watched_too(repository, store, git, aged, monkeypatch):
    """A branch that plain git put into a folder, and one added there later, are both seen."""
    git("branch", "deep/er/x", "a")
    assert "deep/er/x" in {found.id for found in store.list_sessions()}
    git("branch", "deep/er/y", "a")
    git("branch", "-D", "deep/er/x")
    aged()

    assert {found.id for found in store.list_sessions()} == {"a", "b", "c", "deep/er/y"}
