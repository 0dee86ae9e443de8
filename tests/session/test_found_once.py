"""Faults that were found once, each with the promise it broke."""

import os
import threading
from datetime import datetime

import pytest

from superqode.session import Session, SessionStore
from superqode.session.codec import message
from superqode.session.codec.entry import decode_entry
from superqode.session.errors import (
    CorruptObject,
    CorruptSession,
    InvalidEntry,
    InvalidSession,
    NotAStore,
    NothingToUndo,
    RefConflict,
    SaveFailed,
    SessionError,
)
from superqode.session.git import durability, packed_refs
from superqode.session.git.object_codec import BLOB, TREE, Ident, TreeEntry
from superqode.session.models import FrozenDict, freeze
from superqode.session.store import saving


def _said(store, name="s", *texts):
    session = Session(id=name)
    for text in texts or ("x",):
        session.add_message("user", text)
    store.save(session)
    return session


def _plant(store, tree, branch="h"):
    repository = store._open()
    ident = repository.committer()
    commit = repository.objects.write_commit(tree, (), ident, ident, b"by hand\n")
    repository.refs.update(f"refs/heads/{branch}", commit, None, ident=ident, reason="by hand")
    return commit


def test_a_middle_directory_cut_short_is_damage(store):
    """Entries missing in the middle are damage."""
    _said(store)
    objects = store._open().objects

    def leaf(count):
        text = b'{"kind":"message","id":"m%d-%d","role":"user","content":"x","timestamp":"2026-01-01T00:00:00Z"}'
        blobs = [objects.write("blob", text % (count, number)) for number in range(count)]
        return objects.write_tree([TreeEntry(BLOB, f"{n:02d}-user.json", oid) for n, oid in enumerate(blobs)])

    top = objects.write_tree([TreeEntry(TREE, "00", leaf(50)), TreeEntry(TREE, "01", leaf(10))])
    root = [
        TreeEntry(BLOB, "format", objects.write("blob", b"superqode-session 1\n")),
        TreeEntry(BLOB, "session.json", objects.write("blob", b'{"id": "h", "created_at": "2026-01-01T00:00:00Z"}')),
        TreeEntry(TREE, "timeline", objects.write_tree([TreeEntry(TREE, "0000", top)])),
    ]
    _plant(store, objects.write_tree(root))
    with pytest.raises(CorruptSession):
        store.load("h")


def test_a_retry_after_unknown_flushes(store, monkeypatch):
    """After the outcome `unknown`, the retry that says `saved` must have flushed."""
    monkeypatch.setattr(saving, "JOURNAL_MOST", 0)  # as a save that is too large for the journal
    session = _said(store)
    calls = []
    real = durability.flush

    def flush(folder, written):
        calls.append(list(written))
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        real(folder, calls[-1])

    monkeypatch.setattr(durability, "flush", flush)
    session.add_message("user", "y")
    with pytest.raises(SaveFailed) as caught:
        store.save(session)
    assert caught.value.outcome == "unknown"
    store.save(session)
    assert len(calls) > 2
    assert calls[-1]


@pytest.mark.parametrize("how", ["new", "fork", "restore"])
@pytest.mark.parametrize(
    "text",
    ["\ud800", "a\n" + "0" * 40 + " forged", "renamed refs/heads/b to refs/heads/s\n"],
    ids=["surrogate", "line", "renaming"],
)
def test_a_title_cannot_write_into_the_reflog(store, git, how, text):
    """What people type is one clean line in the reflog."""
    if how == "new":
        store.save(Session(id="s", title=text))
    elif how == "fork":
        _said(store, "p")
        store.fork("p", title=text, new_id="s")
    else:
        session = _said(store)
        session.create_snapshot(text, snapshot_id="n")
        session.add_message("user", "y")
        store.save(session)
        session.restore_snapshot("n")
        store.save(session)
    lines = (store.path / "logs/refs/heads/s").read_bytes().decode().splitlines()
    assert all(len(line.split(" ")[0]) == 40 and line.count("\t") == 1 for line in lines)
    assert len(lines) == 1


@pytest.mark.parametrize("harm", ["commit", "ref"])
def test_cleaning_up_leaves_damaged_sessions_alone(store, harm):
    """A session whose age cannot be read is not old."""
    session = _said(store)
    _said(store, "t")
    path = store.path / "refs/heads/s"
    if harm == "commit":
        tip = session._saved.commit
        path = store.path / "objects" / tip[:2] / tip[2:]
        path.chmod(0o644)
    path.write_bytes(b"")
    assert store.cleanup_old_sessions(30) == []
    assert {found.id for found in store.list_sessions()} == {"s", "t"}


def test_packed_refs_that_begin_with_a_peeled_line_do_not_hang(tmp_path):
    """Header, then `^…`."""
    path = tmp_path / "packed-refs"
    path.write_bytes(
        b"# pack-refs with: peeled fully-peeled sorted \n^" + b"a" * 40 + b"\n" + b"b" * 40 + b" refs/heads/x\n"
    )
    found = []

    def look():
        try:
            found.append(packed_refs.find(str(path), "refs/heads/x"))
        except CorruptObject as problem:
            found.append(problem)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(5)
    assert found


def test_an_entry_whose_kind_is_no_text_is_damage():
    """`{"kind": []}`."""
    with pytest.raises(InvalidEntry):
        decode_entry(b'{"kind": ["message"]}', "user", None)


def test_renaming_keeps_tags_that_are_no_snapshots(store, git):
    """A tag that plain git put under the session's name moves along."""
    _said(store)
    git("tag", "s/by-hand", "s")
    store.rename("s", "t")
    assert git("tag", "--list") == "t/by-hand"


def test_lists_are_not_shared(store):
    """`b.messages = a.messages`."""
    one, two = Session(id="a"), Session(id="b")
    one.add_message("user", "1")
    two.messages = one.messages
    two.add_message("user", "2")
    assert len(one.messages) == 1


def test_copies_do_not_share_snapshots(store):
    """A Snapshot can be changed (the save of a copy sets its commit), so a copy has its own."""
    session = _said(store)
    snapshot = session.create_snapshot("one")
    forked = session.fork()
    forked.snapshots[0].description = "changed"
    forked.snapshots[0].commit = "f" * 40
    assert (snapshot.description, snapshot.commit) == ("one", "")


def test_depth_cannot_be_smuggled_in():
    """Frozen values inside frozen values count their levels."""
    value = freeze({})
    with pytest.raises(InvalidEntry):
        for _ in range(300):
            value = freeze({"a": value})
        Session(id="s").add_message("user", "x", metadata={"deep": value})


def test_a_frozen_dict_made_by_hand_is_checked(store):
    """`FrozenDict({"a": nan})` is public."""
    session = Session(id="s")
    with pytest.raises(InvalidEntry):
        session.add_message("user", "x", metadata={"m": FrozenDict({"a": float("nan"), "b": [1]})})


@pytest.mark.parametrize("count", [float("inf"), 10**30 * 1.0])
def test_hostile_counts_are_invalid(count):
    """An infinite message count is a raw OverflowError."""
    snapshot = {"id": "a", "created_at": "2026-01-01T00:00:00", "message_count": count}
    try:
        Session.from_dict({"id": "x", "snapshots": [snapshot]})
    except InvalidSession:
        return
    assert count != float("inf")


def test_from_dict_refuses_entries_of_one_id():
    """The docstring promises InvalidSession."""
    with pytest.raises(InvalidSession):
        Session.from_dict({"id": "s", "messages": [{"id": "a", "role": "user", "content": "x"}] * 2})


def test_from_dict_refuses_snapshots_of_one_id():
    """Two snapshots of one id."""
    snapshot = {"id": "a", "created_at": "2026-01-01T00:00:00", "state": {"messages": []}}
    with pytest.raises(InvalidSession):
        Session.from_dict({"id": "x", "snapshots": [snapshot, snapshot | {"description": "other"}]})


def test_plain_values_are_not_the_sessions_own(store):
    """Editing what `to_dict` gave edits the session's metadata no more, and `from_dict` shares no nested values."""
    session = Session(id="s", metadata={"a": [1]})
    told = session.to_dict()
    twin = Session.from_dict(told)
    told["metadata"]["a"].append(2)
    assert (session.metadata, twin.metadata) == ({"a": [1]}, {"a": [1]})


def test_a_wrong_thing_in_a_list_is_our_error(store):
    """`session.messages.append("text")`."""
    session = Session(id="s")
    session.messages.append("text")
    with pytest.raises(InvalidSession):
        store.save(session)


def test_a_snapshots_description_is_what_will_be_stored(store):
    """NUL, lone surrogates and newlines at the end cannot be in a tag."""
    session = _said(store)
    session.create_snapshot("a\0b \ud800\n\n")
    store.save(session)
    assert store.load("s").snapshots == session.snapshots


def test_a_ref_below_a_loose_one_is_a_conflict(store, git):
    """`a/b` where the file `a` stands: RefConflict as with a packed one, and no raw NotADirectoryError."""
    session = _said(store)
    git("tag", "s", "s")
    with pytest.raises(RefConflict):
        store._open().refs.update("refs/tags/s/x", session._saved.commit, None, ident=Ident("a", "b", 1), reason="x")


def test_a_tag_in_a_snapshots_way_is_named(store, git):
    """The message says which ref is in the way, once, and what to do; then saving again does it."""
    session = _said(store)
    git("tag", "s", "s")
    session.create_snapshot("x", snapshot_id="n")
    with pytest.raises(SaveFailed, match="refs/tags/s is in its way, `git tag -d s`") as caught:
        store.save(session)
    assert str(caught.value).count("was saved, but") == 1
    git("tag", "-d", "s")
    assert store.save(session).snapshots == ("n",)


def test_a_failed_renaming_is_our_error(store, monkeypatch):
    """A full disk while renaming."""
    _said(store)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durability, "flush", full)
    with pytest.raises(SessionError):
        store.rename("s", "t")


def test_verify_reports_damaged_packed_refs(store, git):
    """Damage is reported, never raised."""
    _said(store)
    git("pack-refs", "--all")
    (store.path / "packed-refs").write_bytes(b"garbage\n")
    assert not store.verify().ok


def test_verify_goes_as_deep_as_a_tree(store):
    """A hostile chain of 1,500 trees."""
    _said(store)
    objects = store._open().objects
    tree = objects.write_tree([])
    for _ in range(1_500):
        tree = objects.write_tree([TreeEntry(TREE, "d", tree)])
    _plant(store, tree)
    assert not store.verify().ok


@pytest.mark.parametrize(
    "verb",
    [
        lambda store: store.at("s", "~1"),
        lambda store: store.at("s", "dead"),
        lambda store: store.diff("s", a_rev="~2"),
    ],
    ids=["steps", "digits", "diff"],
)
def test_damage_in_history_names_the_session(store, verb):
    """`at` and `diff` promise CorruptSession (or RevisionNotFound)."""
    session = _said(store)
    for text in "ab":
        session.add_message("user", text)
        store.save(session)
    oid = store.history("s")[1].commit
    path = store.path / "objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    path.write_bytes(b"junk")
    with pytest.raises(CorruptSession):
        verb(store)


def test_a_place_below_a_file_is_no_store(tmp_path):
    """Today a raw NotADirectoryError."""
    (tmp_path / "file").touch()
    with pytest.raises(NotAStore), SessionStore(tmp_path / "file" / "below") as store:
        store.save(Session(id="s"))


def test_a_relative_backup_path_may_begin_with_a_dash(store, tmp_path, monkeypatch):
    """`-d/backup` is a path."""
    _said(store)
    (tmp_path / "-d").mkdir()
    monkeypatch.chdir(tmp_path)
    assert store.backup(os.path.join("-d", "backup")).is_file()


@pytest.mark.parametrize(
    "ask",
    [
        lambda store: store.list_sessions(since=datetime.min),
        lambda store: store.list_sessions(until=datetime.max),
        lambda store: store.history("s", -1),
        lambda store: store.cleanup_old_sessions(1e9),
    ],
    ids=["since", "until", "history", "cleanup"],
)
def test_far_off_arguments_are_no_accident(store, ask):
    """The first day there is, a negative limit, a billion days: an answer, not a raw ValueError or OverflowError."""
    _said(store)
    assert isinstance(ask(store), list)


def test_cleaning_up_the_future_is_refused(store):
    """A negative age moves every session into the trash."""
    _said(store)
    with pytest.raises(ValueError):
        store.cleanup_old_sessions(-1)


def test_a_subject_is_no_trailer():
    """A message of one line that looks like a trailer has none."""
    assert message.parse(b"Superqode-Messages: 9 +9\n").messages is None


def test_a_snippet_marks_what_search_matched(store):
    """Search finds `cafe` in `café`."""
    _said(store, "s", "nothing here " * 40 + "café au lait")
    (hit,) = store.search("cafe")
    assert [hit.snippet[start:end] for start, end in hit.marks] == ["café"]


def test_enum_keys_become_text():
    """A key of an enum type is stored as its text, like a value."""
    import enum

    class Colour(enum.StrEnum):
        RED = "red"

    (key,) = freeze({Colour.RED: 1})
    assert type(key) is str


def test_undo_in_a_fork_stays_in_the_fork(store):
    """A fork whose first save already says something new is undone to where it branched off, and no further."""
    parent = _said(store, "p", "1", "2")
    forked = parent.fork("f")
    forked.add_message("user", "3")
    store.save(forked)
    store.undo(forked.id)
    with pytest.raises(NothingToUndo):
        store.undo(forked.id)
    assert [entry.content for entry in store.load(forked.id).messages] == ["1", "2"]


def test_two_keys_that_become_one_are_refused():
    """A surrogate pair and the character it stands for are one key: neither value is dropped without a word."""
    with pytest.raises(InvalidEntry, match="Two keys"):
        freeze({"\ud83d\ude00": 1, "😀": 2})
