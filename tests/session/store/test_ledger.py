"""The ledger: kept safe beside other writers, damage named, never handed out, and wherever the store goes."""

import subprocess
import sys
import threading

import pytest

from superqode.session import Session, SessionStore
from superqode.session.errors import NewerFormat, StoreError
from superqode.session.git import durability
from superqode.session.git.object_codec import BLOB, TREE, TreeEntry
from superqode.session.store.ledger import LEDGER, SEEN, SHARES, Ledger

WRITER = """
import sys
from pathlib import Path
from superqode.session.git.repository import Repository
from superqode.session.store.ledger import Ledger
ledger = Ledger(Repository(Path(sys.argv[1])))
print(ledger.mark_key().hex())
for number in range(int(sys.argv[3])):
    ledger.put("shares", {f"{sys.argv[2]}-{number}": {"number": number}}, "test")
"""


@pytest.fixture
def repository(store):
    """A store with one session."""
    session = Session(id="s", title="T")
    session.add_message("user", "x")
    store.save(session)
    return store._open()


@pytest.fixture
def ledger(repository):
    """Its ledger."""
    return Ledger(repository)


def _write_raw(repository, entries):
    """A ledger as somebody else could have written it."""
    objects, ident = repository.objects, repository.committer()
    commit = objects.write_commit(objects.write_tree(entries), (), ident, ident, b"raw\n")
    repository.refs.update(LEDGER, commit, repository.refs.read(LEDGER), ident=ident, reason="")


def _file(repository, name, data):
    return TreeEntry(BLOB, name, repository.objects.write("blob", data))


def _format(repository, data=b"superqode-ledger 1\n"):
    return _file(repository, "format", data)


def test_a_store_without_a_ledger_has_nothing_in_it(ledger, repository):
    """Reading makes none."""
    assert (ledger.documents(SHARES), ledger.names(SHARES), ledger.document(SHARES, "a")) == ({}, [], None)
    assert repository.refs.read(LEDGER) is None


def test_documents_come_back(ledger, repository):
    """What was written is read again, by another object too; folders are apart; a removed one is gone."""
    ledger.put(SHARES, {"b": {"n": 1, "text": "größer \ud800"}, "a": {"n": 2}}, "two")
    ledger.put(SEEN, {"a": {"n": 3}}, "one")

    again = Ledger(repository)
    assert again.documents(SHARES) == {"a": {"n": 2}, "b": {"n": 1, "text": "größer \ud800"}}
    assert again.names(SHARES) == ["a", "b"]
    assert (again.document(SEEN, "a"), again.document(SEEN, "b")) == ({"n": 3}, None)

    again.put(SHARES, {"a": None, "b": None, "never there": None}, "gone")
    assert (ledger.names(SHARES), ledger.names(SEEN)) == ([], ["a"])


def test_each_change_is_one_commit_that_tells_of_itself(ledger, git):
    """Git shows what is remembered and keeps nothing that was; what changes nothing makes no commit; no fault is found."""
    ledger.put(SHARES, {"a": {"n": 1}}, "share: a")
    ledger.put(SHARES, {"a": {"n": 1}}, "again")
    ledger.put(SHARES, {"a": {"n": 2}}, "update: a")

    assert git("log", "--format=%s", LEDGER) == "update: a"
    assert git("show", f"{LEDGER}:format") == "superqode-ledger 1"
    assert git("show", f"{LEDGER}:shares/a.json") == '{\n  "n": 2\n}'
    git.fsck()


def test_the_key_of_marks_is_made_once(ledger, repository):
    """32 bytes of chance, the same for ever after, beside documents that stay."""
    ledger.put(SHARES, {"a": {}}, "share")

    key = ledger.mark_key()

    assert len(key) == 32
    assert ledger.mark_key() == Ledger(repository).mark_key() == key
    ledger.put(SHARES, {"b": {}}, "share")
    assert Ledger(repository).mark_key() == key
    assert ledger.names(SHARES) == ["a", "b"]


def test_writers_beside_each_other_lose_nothing(ledger, repository, store_path):
    """Three processes and two threads, each with documents of its own: all are there, under one key."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(store_path), f"process{number}", "8"], stdout=subprocess.PIPE, text=True
        )
        for number in range(3)
    ]

    def write(name):
        own = Ledger(repository)
        for number in range(8):
            own.put(SHARES, {f"{name}-{number}": {"number": number}}, "test")

    threads = [threading.Thread(target=write, args=(f"thread{number}",)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keys = {process.communicate(timeout=120)[0].strip() for process in processes}

    assert [process.returncode for process in processes] == [0, 0, 0]
    assert keys == {ledger.mark_key().hex()}
    names = ["process0", "process1", "process2", "thread0", "thread1"]
    assert ledger.names(SHARES) == sorted(f"{name}-{number}" for name in names for number in range(8))


@pytest.mark.parametrize(
    ("data", "named"),
    [(b"not json", "a.json"), (b"[1]", "a.json"), (b"\xff", "a.json"), (b"[" * 100_000, "a.json")],
    ids=["no json", "no object", "no text", "too deep"],
)
def test_a_damaged_document_is_named(ledger, repository, data, named):
    """Whatever is in the file, the error says which one, and where earlier states are."""
    folder = repository.objects.write_tree([_file(repository, "a.json", data)])
    _write_raw(repository, [_format(repository), TreeEntry(TREE, SHARES, folder)])

    with pytest.raises(StoreError, match=named) as caught:
        ledger.documents(SHARES)
    assert "git fetch --force BACKUP refs/superqode/ledger" in str(caught.value)
    with pytest.raises(StoreError, match=named):
        ledger.document(SHARES, "a")


def test_a_damaged_folder_is_named_and_not_written_over(ledger, repository):
    """A file where a folder should be: reading and writing say so, and it stays as it is."""
    _write_raw(repository, [_format(repository), _file(repository, SHARES, b"x")])
    before = repository.refs.read(LEDGER)

    for action in (
        lambda: ledger.documents(SHARES),
        lambda: ledger.names(SHARES),
        lambda: ledger.put(SHARES, {"a": {}}, "x"),
    ):
        with pytest.raises(StoreError, match=SHARES):
            action()
    assert repository.refs.read(LEDGER) == before


def test_a_ledger_whose_commit_is_gone_is_named(ledger, repository, store_path):
    """A lost object is damage of the ledger; sessions are not touched."""
    ledger.put(SHARES, {"a": {}}, "x")
    tip = repository.refs.read(LEDGER)
    (store_path / "objects" / tip[:2] / tip[2:]).unlink()

    with pytest.raises(StoreError, match=LEDGER):
        ledger.names(SHARES)
    with SessionStore(store_path) as other:
        assert other.load("s").title == "T"


@pytest.mark.parametrize("data", [b"{}", b'{"key": 5}', b'{"key": "?"}', b"x"], ids=["none", "number", "text", "junk"])
def test_a_damaged_key_of_marks_is_named(ledger, repository, data):
    """It is never made anew silently: old marks would no longer mean the same."""
    _write_raw(repository, [_format(repository), _file(repository, "marks.json", data)])

    with pytest.raises(StoreError, match=r"marks\.json"):
        ledger.mark_key()


def test_a_newer_ledger_is_left_alone(ledger, repository):
    """Neither read nor written by a version that does not know it."""
    _write_raw(repository, [_format(repository, b"superqode-ledger 2\n"), _file(repository, "news", b"?")])
    before = repository.refs.read(LEDGER)

    for action in (lambda: ledger.names(SHARES), ledger.mark_key, lambda: ledger.put(SHARES, {"a": {}}, "x")):
        with pytest.raises(NewerFormat, match="ledger"):
            action()
    assert repository.refs.read(LEDGER) == before


def test_what_is_not_ours_in_it_stays(ledger, repository, git):
    """Files and folders that this version does not know survive its writing."""
    odd = repository.objects.write_tree([_file(repository, "x", b"kept")])
    inside = repository.objects.write_tree([_file(repository, "README", b"kept")])
    _write_raw(repository, [_format(repository), TreeEntry(TREE, "odd", odd), TreeEntry(TREE, SHARES, inside)])

    ledger.put(SHARES, {"a": {}}, "share")

    assert ledger.names(SHARES) == ["a"]
    assert (git("show", f"{LEDGER}:odd/x"), git("show", f"{LEDGER}:shares/README")) == ("kept", "kept")


def test_a_disk_that_says_no_changes_nothing(ledger, repository, monkeypatch):
    """The ref moves only after its objects are durable."""
    ledger.put(SHARES, {"a": {"n": 1}}, "one")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durability, "flush", full)
    with pytest.raises(OSError, match="No space"):
        ledger.put(SHARES, {"a": {"n": 2}}, "two")
    monkeypatch.undo()

    assert Ledger(repository).documents(SHARES) == {"a": {"n": 1}}
    ledger.put(SHARES, {"a": {"n": 2}}, "two")
    assert Ledger(repository).documents(SHARES) == {"a": {"n": 2}}


def test_it_travels_with_a_backup(ledger, store, tmp_path):
    """A store restored from a backup knows its shares, and makes the same marks."""
    ledger.put(SHARES, {"a": {"n": 1}}, "share")
    key = ledger.mark_key()
    store.backup(tmp_path / "backup")

    with SessionStore.restore_backup(tmp_path / "backup", tmp_path / "restored") as restored:
        there = Ledger(restored._open())
        assert (there.documents(SHARES), there.mark_key()) == ({"a": {"n": 1}}, key)


def test_shares_follow_a_renaming(ledger, store):
    """The shares of a renamed session are its shares still; others and other fields stay as they are."""
    ledger.put(SHARES, {"a": {"session_id": "s", "n": 1}, "b": {"session_id": "t"}, "c": {}}, "share")

    store.rename("s", "new")

    assert ledger.documents(SHARES) == {"a": {"session_id": "new", "n": 1}, "b": {"session_id": "t"}, "c": {}}
    assert store.load("new").title == "T"


def test_it_survives_the_session(ledger, store):
    """Deleting and purging a session leaves the ledger whole."""
    ledger.put(SHARES, {"a": {"session_id": "s"}}, "share")
    store.delete("s")
    store.purge(now=True)

    assert ledger.documents(SHARES) == {"a": {"session_id": "s"}}


def test_it_is_never_handed_out(ledger, repository, git, store_path, tmp_path):
    """A mirror takes neither ledger, nor trash, nor what prepared commits are kept by; what is shared it takes."""
    ledger.mark_key()
    for name in ("shares/envelope", "shares/public/open", "prepared/x", "trash/s/t/branch"):
        git("update-ref", f"refs/superqode/{name}", "s")

    git("clone", "--quiet", "--mirror", f"file://{store_path}", str(tmp_path / "mirror"))

    listed = git("ls-remote", f"file://{store_path}").splitlines()
    cloned = git("--git-dir", str(tmp_path / "mirror"), "for-each-ref", "--format=%(refname)").splitlines()
    wanted = ["refs/superqode/shares/envelope", "refs/superqode/shares/public/open"]
    assert [name for name in cloned if name.startswith("refs/superqode")] == wanted
    assert [line.split("\t")[1] for line in listed if "refs/superqode" in line] == wanted
    fetched = git.run("--git-dir", str(tmp_path / "mirror"), "fetch", f"file://{store_path}", LEDGER)
    assert fetched.returncode != 0
