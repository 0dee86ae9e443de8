"""The trash: names for what lies in it, one deletion and another, and what plain git sees of it."""

import random
from datetime import timedelta

import pytest

from superqode.session import Session, SessionSharingManager, SessionStore
from superqode.session.errors import AmbiguousId, SessionNotFound
from superqode.session.git.lockfile import LockFile


def _delete(store, still_clock, name, title=""):
    still_clock.advance(seconds=1)
    store.save(Session(id=name, title=title))
    still_clock.advance(seconds=1)
    assert store.delete(name)


def test_items_tell_what_they_are(store, still_clock):
    """Id, title, time and snapshots, newest first."""
    session = Session(id="s", title="Fix")
    session.create_snapshot("x", snapshot_id="snap")
    store.save(session)
    store.delete("s")
    deleted_at = still_clock.moment
    _delete(store, still_clock, "later")

    items = store.trash()

    assert [item.session_id for item in items] == ["later", "s"]
    assert (items[1].title, items[1].deleted_at, items[1].snapshots) == ("Fix", deleted_at, ("snap",))
    assert items[1].key == "s/20261122T100000.000000Z"


def test_the_newest_of_several_deletions_comes_back_first(store, still_clock):
    """One id deleted twice is two items; by its id the newest comes back, by its key any."""
    _delete(store, still_clock, "s", "first")
    _delete(store, still_clock, "s", "second")
    older = store.trash()[1]

    assert store.undelete("s") == "s"
    assert store.load("s").title == "second"
    assert store.undelete(older.key, new_id="old") == "old"
    assert store.load("old").title == "first"
    assert store.trash() == []


def test_a_prefix_names_one_or_is_ambiguous(store, still_clock):
    """The beginning of exactly one id will do; of several is an error that names them, of none one that helps."""
    _delete(store, still_clock, "alpha")
    _delete(store, still_clock, "alps")

    assert store.undelete("alpha") == "alpha"
    _delete(store, still_clock, "alpine")
    with pytest.raises(AmbiguousId, match="'alp' could be alpine, alps"):
        store.undelete("alp")
    with pytest.raises(SessionNotFound, match="The trash has: alpine, alps"):
        store.undelete("x")
    store.purge()
    with pytest.raises(SessionNotFound, match="The trash is empty"):
        store.undelete("x")


def test_the_trash_is_plain_git(store, still_clock, git):
    """What was deleted stands under `refs/superqode/trash`, where plain git can look at it."""
    _delete(store, still_clock, "s", "Fix")
    (item,) = store.trash()

    assert git("log", "-1", "--format=%H", f"refs/superqode/trash/{item.key}/branch") == item.tip
    assert git("branch", "--list", "s") == ""


def test_a_new_session_may_take_the_id(store, still_clock):
    """A deleted session's id is free; both lives stay apart."""
    _delete(store, still_clock, "s", "old")
    store.save(Session(id="s", title="new"))

    assert store.load("s").title == "new"
    assert store.trash()[0].title == "old"
    store.purge("s")
    assert store.load("s").title == "new"


def test_purging_says_what_went(store, still_clock):
    """A purge by key takes one of several deletions; the result names it."""
    _delete(store, still_clock, "s", "first")
    _delete(store, still_clock, "s", "second")
    keys = [item.key for item in store.trash()]

    assert store.purge(keys[1]).purged == (keys[1],)
    assert [item.key for item in store.trash()] == [keys[0]]
    with pytest.raises(SessionNotFound):
        store.purge(keys[1])


def test_a_purge_now_tells_how_much_it_freed(store, store_path):
    """The bytes are counted, also where they were packed; nothing of the words is left in any file of the store."""
    session = Session(id="s", title="sesame")
    session.add_message("user", "open sesame " + random.Random(1).randbytes(10_000).hex())
    store.save(session)
    store.save(Session(id="kept"))
    store.search("sesame")
    store.maintain()
    store.delete("s")

    result = store.purge("s", now=True)

    assert result.freed_bytes > 5_000
    assert store.verify().ok
    assert store.search("sesame") == []
    assert not [file for file in store_path.rglob("*") if file.is_file() and b"sesame" in file.read_bytes()]


def test_a_purge_names_the_shares_that_carry_it_still(store):
    """What was shared stands here in plain; a purge leaves it, and says so until the share is revoked."""
    for name in ("s", "other"):
        session = Session(id=name, title="sesame")
        session.add_message("user", f"open sesame for {name}")
        store.save(session)
    manager = SessionSharingManager(store)
    share, _ = manager.create_share("s"), manager.create_share("other")
    store.delete("s")

    assert store.purge("s", now=True).shares == (share.id,)

    manager.revoke_share(share.id)
    assert store.purge(now=True).shares == ()


def test_another_life_of_a_session_is_what_its_shares_carry(store):
    """While a session of that name is there, its shares are that one's."""
    store.save(Session(id="s"))
    store.delete("s")
    store.save(Session(id="s"))
    SessionSharingManager(store).create_share("s")

    assert store.purge("s").shares == ()


def test_another_process_finds_it_gone(store, store_path, still_clock):
    """A process that had the session in its list sees it deleted, and back again."""
    _delete(store, still_clock, "warm-up")
    store.save(Session(id="s"))
    with SessionStore(store_path) as other:
        assert other.exists("s")
        assert [found.id for found in other.list_sessions()] == ["s"]
        store.delete("s")
        assert other.list_sessions() == []
        assert other.undelete("s") == "s"
        assert [found.id for found in store.list_sessions()] == ["s"]


@pytest.mark.parametrize("move", [lambda store: store.delete("s"), lambda store: store.rename("s", "t")])
def test_many_snapshots_go_at_once(store, git, monkeypatch, move):
    """However many snapshots a session and its earlier deletions have, `packed-refs` is written a few times only."""
    for life in ("deleted before", "there"):
        session = Session(id="s", title=life)
        for number in range(8):
            session.create_snapshot(snapshot_id=f"k{number}")
        store.save(session)
        if life != "there":
            store.delete("s")
    git("pack-refs", "--all")
    put, written = LockFile.put, []

    def counted(self, content):
        written.append(self.path)
        put(self, content)

    monkeypatch.setattr(LockFile, "put", counted)
    move(store)

    assert len(written) <= 4
    assert git("for-each-ref", "refs/tags/s", "refs/heads/s") == ""
    there = [store.load(row.id).snapshots for row in store.list_sessions()]
    assert [len(kept) for kept in (*there, *(item.snapshots for item in store.trash()))] == [8, 8]


def test_words_of_the_listing_hold_together(store, still_clock):
    """A name, a time, a beginning and a number each leave out what they do not mean, whichever of them are said."""
    for name in ("one", "ones", "two"):
        _delete(store, still_clock, name)
    still_clock.advance(days=2)
    _delete(store, still_clock, "only")
    a_day = timedelta(days=1)

    def told(name=None, **words):
        return [item.session_id for item in store.trash(name, **words)]

    assert told(beginning="on", older_than=a_day) == ["ones", "one"]
    assert told(older_than=a_day, limit=1) == ["two"]
    assert told(beginning="on", limit=2) == ["only", "ones"]
    assert told("one", beginning="tw") == []
    assert told("only", older_than=a_day) == []


def test_a_tag_named_like_an_item_is_none(store, git):
    """A tag of plain git whose name ends as a deleted session's ref does stays a snapshot of its session."""
    store.save(Session(id="s"))
    git("tag", "s/a/20260101T000000.000000Z/branch", "s")
    store.delete("s")
    assert [(item.session_id, item.snapshots) for item in store.trash()] == [
        ("s", ("a/20260101T000000.000000Z/branch",))
    ]


def test_a_folder_called_tags_hides_nothing(store, git):
    """Plain git makes branches of any name: one below a folder `tags` is listed with its snapshots, and comes back."""
    session = Session(id="s", title="Deep")
    session.create_snapshot("x", snapshot_id="snap")
    store.save(session)
    store.delete("s")
    (item,) = store.trash()
    for end in ("branch", "tags/snap"):
        git("update-ref", f"refs/superqode/trash/a/tags/b/{item.key.partition('/')[2]}/{end}", item.tip)

    found = {item.session_id: item.snapshots for item in store.trash()}

    assert found == {"s": ("snap",), "a/tags/b": ("snap",)}
    assert store.undelete("a/tags/b", new_id="back") == "back"
