"""The listing: filters, and that it is right whatever plain git did behind our back."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from superqode.session import MessageRole, Session, SessionStore
from superqode.session.git.repository import Repository
from superqode.session.store.index import filters, freshness, rows
from superqode.session.store.index.scan import changed_since, take_stamp
from superqode.session.store.results import ListChanges


def saved(store, session_id, text="Fix it", **fields):
    session = Session(id=session_id, **{"title": f"About {session_id}", **fields})
    session.add_message(MessageRole.USER, text)
    store.save(session)
    return session


def ids_of(store, **wanted):
    return [session.id for session in store.list_sessions(**wanted)]


@pytest.fixture
def three(store, still_clock):
    """Three sessions, an hour between each."""
    start = still_clock.moment
    saved(store, "one", title="Fix the ÜBERLAUF", tags=["été", "bug"], project_path="/p", agents_used=["ann"])
    still_clock.advance(hours=1)
    saved(store, "two", title='Say "no"', tags=["bug"], project_path="/p/q", agents_used=["ann", "bob"])
    still_clock.advance(hours=1)
    store.fork("one", title="Fork", new_id="three")
    return start


def test_sessions_are_listed_newest_first_with_what_they_are(store, three):
    """A line tells title, times, counts, agents, tags, parent and tip; `line["id"]` works for old callers."""
    newest, _, oldest = store.list_sessions()
    assert (newest.id, newest.parent_session_id, newest.title) == ("three", "one", "Fork")
    assert (oldest["id"], oldest.tags, oldest.agents_used) == ("one", ("été", "bug"), ("ann",))
    assert (oldest.message_count, oldest.execution_count, oldest.project_path) == (1, 0, "/p")
    assert (oldest.created_at, oldest.updated_at, oldest.tip) == (three, three, store.history("one")[0].commit)
    assert oldest.to_dict()["updated_at"] == "2026-11-22T10:00:00.000000Z"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"project_path": "/p"}, ["three", "one"]),
        ({"project_path": "/"}, []),
        ({"tags": ["bug"]}, ["three", "two", "one"]),
        ({"tags": ["bug", "été"]}, ["three", "one"]),
        ({"agent": "bob"}, ["two"]),
        ({"parent": "one"}, ["three"]),
        ({"text": "fix"}, ["one"]),
        ({"text": "überlauf"}, ["one"]),
        ({"text": "ÉTÉ"}, ["three", "one"]),
        ({"text": "%"}, []),
        ({"text": "["}, []),
        ({"text": '"'}, ["two"]),
        ({"limit": 2}, ["three", "two"]),
        ({"limit": 0}, []),
        ({"agent": "ann", "limit": 1}, ["three"]),
        ({"tags": ["' OR 1=1 --"]}, []),
        ({"agent": "\ud800"}, []),
    ],
    ids=[
        "project",
        "not-below",
        "tag",
        "all-tags",
        "agent",
        "parent",
        "text",
        "text-any-case",
        "text-in-tags",
        "no-wildcard",
        "no-bracket",
        "quote",
        "limit",
        "none",
        "two-filters",
        "injection",
        "surrogate",
    ],
)
def test_filters_give_just_what_is_wanted(store, three, wanted, expected):
    """Each filter by its meaning, several together, and hostile values as plain text."""
    del three
    assert ids_of(store, **wanted) == expected


def test_a_limit_may_be_any_number(store, three):
    """Also one that no database knows: of sessions, hits, the biggest ones, saves and operations."""
    del three
    for limit in (2**63, 10**30):
        assert ids_of(store, limit=limit) == ["three", "two", "one"]
        assert len(store.search("about OR fix", limit=limit)) == len(store.search("about OR fix"))
        assert len(store.stats(biggest=limit).biggest) == 3
        assert len(store.history("one", limit)) == 1
        assert store.operations(limit) == []
    assert ids_of(store, limit=-1) == []


def test_times_are_filtered_with_their_edges(store, three):
    """`since` and `until` include the moment itself."""
    hour = timedelta(hours=1)
    assert ids_of(store, since=three + hour) == ["three", "two"]
    assert ids_of(store, until=three + hour) == ["two", "one"]
    assert ids_of(store, since=three + hour, until=three + hour) == ["two"]


def act_branch(git):
    git("branch", "new", "one")


def act_nested(git):
    git("branch", "deep/er/new", "one")


def act_delete(git):
    git("branch", "-D", "one")


def act_move(git):
    git("branch", "-m", "one", "moved")


def act_update(git):
    git("update-ref", "refs/heads/one", "refs/heads/two")


def act_pack(git):
    git("pack-refs", "--all")


def act_pack_and_delete(git):
    git("pack-refs", "--all")
    git("branch", "-D", "one")


def act_gc(git):
    git("gc", "-q")
    git("branch", "later", "two")


ACTS = [act_branch, act_nested, act_delete, act_move, act_update, act_pack, act_pack_and_delete, act_gc]


@pytest.mark.parametrize("aged", [False, True], ids=["fresh", "aged"])
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_the_list_is_right_at_once_after_plain_git(store, store_path, git, act, aged):
    """Whatever git did, the next listing equals what git says; also where the stamp was already trusted."""
    for name in ("one", "two"):
        saved(store, name)
    if aged:  # as if the last change lay a minute back, so that the times are believed
        for path in [store_path / "refs/heads", *(store_path / "refs/heads").iterdir()]:
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 60))
    with SessionStore(store_path) as other:
        assert sorted(ids_of(store)) == sorted(ids_of(other)) == ["one", "two"]
        act(git)
        told = dict(line.split() for line in git("branch", "--format=%(refname:short) %(objectname)").splitlines())
        told.pop("superqode")
        for asked in (store, other, store):
            assert {session.id: session.tip for session in asked.list_sessions()} == told


@pytest.mark.parametrize("link", ["symbolic", "file"])
@pytest.mark.parametrize("target", ["refs/heads/one", "refs/elsewhere/one"])
def test_a_branch_that_leads_to_another_is_listed_where_that_is(store, store_path, git, link, target):
    """It moves though its own file stays as it was, and wherever the other one stands; nobody is told twice."""
    saved(store, "one")
    saved(store, "two")
    git("update-ref", target, "refs/heads/one")
    if link == "symbolic":
        git("symbolic-ref", "refs/heads/alias", target)
    else:
        (store_path / "refs/heads/alias").symlink_to(store_path / target)
    for moved in ("two", "one"):
        for path in [*(store_path / "refs").rglob("*")]:
            os.utime(path, (0, 0), follow_symlinks=False)
        with SessionStore(store_path) as other:
            other.list_sessions()
            generation = store.generation()
            assert (store.generation(), other.generation()) == (generation, other.generation())
            git("update-ref", target, git("rev-parse", f"refs/heads/{moved}"))
            for asked in (store, other):
                tips = {session.id: session.tip for session in asked.list_sessions()}
                assert tips["alias"] == git("rev-parse", target)


def test_a_stamp_is_believed_only_two_seconds_after_the_change(store, store_path, still_clock):
    """Git's racy rule: a time that was young when it was read could be carried by a later change, too."""
    saved(store, "one")
    folder = store_path / "refs" / "heads"
    repository = Repository(store_path)
    for age, believed in ((1.9, False), (2.1, True)):
        moment = still_clock.moment.timestamp() - age
        os.utime(folder, (moment, moment))
        stamp = take_stamp(repository, ["refs/heads/"])
        assert changed_since(repository, stamp) is not believed
    os.utime(folder, (0, 0))
    assert changed_since(repository, stamp)
    assert changed_since(repository, None)


def test_the_latest_session_of_a_project_is_loaded(store, three):
    """`load_latest` follows the listing, and gives nothing where there is none."""
    del three
    assert store.load_latest().id == "three"
    assert store.load_latest("/p/q").id == "two"
    assert store.load_latest("/nowhere") is None


def test_far_off_times_are_listed(store):
    """The first and the last years there are do not stop a listing."""
    for year in (1, 9998):
        saved(
            store, f"y{year}", created_at=datetime(year, 1, 3, tzinfo=UTC), updated_at=datetime(year, 1, 3, tzinfo=UTC)
        )
    assert {session.created_at.year for session in store.list_sessions()} == {1, 9998}
    assert json.dumps([session.to_dict() for session in store.list_sessions()])


def test_a_generation_is_another_one_whenever_something_changed(store, store_path):
    """Saves, deletions and bringing back, here and by others, change the number; looking again does not."""
    seen = [store.generation()]
    saved(store, "one")
    seen.append(store.generation())
    with SessionStore(store_path) as other:
        saved(other, "two")
        seen.append(store.generation())
        other.delete("one")
        seen.append(store.generation())
    store.undelete("one")
    seen.append(store.generation())

    assert len(set(seen)) == len(seen)
    assert store.generation() == seen[-1]


def test_what_another_process_took_note_of_first_is_news(store, store_path):
    """A store that asked once tells of a change, too, that another process has put into the index before it looks."""
    saved(store, "one")
    _settle(store_path)
    ids_of(store)
    with SessionStore(store_path) as watching, SessionStore(store_path) as other:
        before = watching.generation()
        saved(other, "two")
        assert set(ids_of(other)) == {"one", "two"}

        assert watching.generation() != before


def test_a_process_reads_no_branches_where_nothing_changed(store, store_path):
    """Listing the newest of very many sessions costs the same: what the index has of each branch stays unread."""
    for number in range(3):
        saved(store, f"s{number}")
    _settle(store_path)
    ids_of(store)
    asked = []
    with SessionStore(store_path) as fresh:
        index = fresh._index(fresh._open())
        with index.database.reading() as connection:
            connection.set_trace_callback(asked.append)
        assert ids_of(fresh, limit=1) == ["s2"]

    assert asked
    assert not [query for query in asked if "FROM refs" in query]


def test_the_parent_of_a_fork_does_not_depend_on_when_one_looked(store, store_path, git):
    """A fork of plain git has the other's id in its save: whether that is there says whose child it is."""
    saved(store, "one")
    saved(store, "two")

    def parents():
        return {row.id: row.parent_session_id for row in store.list_sessions(known=known)}

    known = {row.id: row for row in store.list_sessions()}
    for act, expected in (
        (lambda: git("branch", "-m", "one", "moved"), None),
        (lambda: git("branch", "one", "moved"), "one"),
        (lambda: git("branch", "-D", "one"), None),
        (lambda: git("branch", "one", "moved"), "one"),
        (lambda: store.delete("one"), None),
    ):
        generation = store.generation()
        act()
        assert "moved" in store.list_changed(generation).changed
        assert parents()["moved"] == expected
        known = {row.id: row for row in store.list_sessions()}
        with SessionStore(store_path) as anew:
            anew._index(anew._open()).discard()
            assert {row.id: row.parent_session_id for row in anew.list_sessions()} == parents()


def test_a_listing_gives_known_summaries_again(store, three):
    """What an earlier listing gave is the same object where nothing changed, and what changed is told anew."""
    earlier = {summary.id: summary for summary in store.list_sessions()}
    session = store.load(next(iter(earlier)))
    session.title = "Changed meanwhile"
    store.save(session)
    later = store.list_sessions(known=earlier)
    assert later == store.list_sessions()
    assert [summary.id for summary in later if earlier[summary.id] is not summary] == [session.id]


def test_an_index_that_was_interrupted_goes_on(store, monkeypatch):
    """Sessions that were read before the first listing broke off are not read again."""
    for number in range(7):
        saved(store, f"s{number}")
    read = []
    monkeypatch.setattr(freshness, "_AT_ONCE", 2)
    real = rows.row_of

    def row_of(repository, name, oid):
        read.append(name)
        if len(read) == 6:
            raise KeyboardInterrupt
        return real(repository, name, oid)

    monkeypatch.setattr(rows, "row_of", row_of)
    with pytest.raises(KeyboardInterrupt):
        store.list_sessions()
    assert len(store.list_sessions()) == 7
    assert set(read) == {f"s{number}" for number in range(7)}
    assert len(read) <= 7 + 2  # at most what was not written yet comes twice


def _settle(store_path):
    """Let the files look as if they had not changed for a minute: times of the last seconds prove nothing."""
    long_ago = os.stat(store_path).st_mtime_ns - 60 * 10**9
    for path in (*(store_path / "refs" / "heads").rglob("*"), store_path / "refs" / "heads"):
        os.utime(path, ns=(long_ago, long_ago))


def test_changes_since_a_listing_are_told(store):
    """New, changed and gone sessions, each once; what another process told the index, or is long ago, is not known."""
    saved(store, "kept")
    saved(store, "goes")
    generation = store.generation()
    assert store.list_changed(generation) == ListChanges(generation, (), ())
    saved(store, "new")
    store.delete("goes")
    changes = store.list_changed(generation)
    assert changes.changed == ("goes", "new")
    assert [summary.id for summary in changes.summaries] == ["new"]
    assert store.list_changed(changes.generation).changed == ()
    assert store.list_changed(-1) is None
    assert store.list_changed(changes.generation + 1) is None

    with SessionStore(store.path) as other:
        saved(other, "others")
        other.list_sessions()
    assert store.list_changed(changes.generation) is None


def test_changes_are_told_of_one_moment(store, monkeypatch):
    """While one thread is told what changed no other one changes that; both of one store may ask at any time."""
    saved(store, "one")
    generation = store.generation()
    index = store._index(store._open())
    real = index.generations.changed_since
    free = []

    def look():
        free.append(index._lock.acquire(blocking=False))
        if free[-1]:
            index._lock.release()

    def changed_since(since):
        looking = Thread(target=look)
        looking.start()
        looking.join()
        return real(since)

    monkeypatch.setattr(index.generations, "changed_since", changed_since)
    saved(store, "two")
    assert store.list_changed(generation).changed == ("two",)
    assert free == [False]


def test_changes_that_are_read_in_parts_are_told(store, monkeypatch):
    """Very many new sessions are read in parts, and all of them are told."""
    monkeypatch.setattr(freshness, "_AT_ONCE", 2)
    generation = store.generation()
    for number in range(5):
        saved(store, f"s{number}")
    assert store.list_changed(generation).changed == ("s0", "s1", "s2", "s3", "s4")


def test_ids_are_listed_by_their_beginning(store):
    """As text, whatever stands for something in SQL; with a limit the newest; nothing where none begins so."""
    for name in ("a1", "a2", "b_1", "bx1"):
        saved(store, name)
    assert ids_of(store, beginning="a") == ["a2", "a1"]
    assert ids_of(store, beginning="a", limit=1) == ["a2"]
    assert ids_of(store, beginning="b_") == ["b_1"]
    assert ids_of(store, beginning="%") == []
    assert ids_of(store, beginning="A") == []


def test_the_beginning_of_many_ids_lists_as_that_of_few(store, git, monkeypatch):
    """Whether many begin so or few, whatever characters they have: those that begin so, and the newest of them."""
    strange = "a\U0010ffff\U0010ffffz"
    for name in ("a1", "b1", "a2", "a", "A3", "aé", "b"):
        saved(store, name) if name.isascii() else git("branch", name, "a1")
    git("branch", strange, "a1")
    expected = {"a1", "a2", "a", "aé", strange}
    for few in (1000, 2, 0):
        monkeypatch.setattr(filters, "_FEW", few)
        assert set(ids_of(store, beginning="a")) == expected
        assert ids_of(store, beginning="a", limit=1) == ids_of(store, beginning="a")[:1] == ["a"]
        assert ids_of(store, beginning="a\U0010ffff") == [strange]
        assert ids_of(store, beginning="a", text="no such title") == []


def test_labels_are_counted(store):
    """Every project, tag and agent, the most frequent first; those of sessions that are gone are gone."""
    saved(store, "one", tags=["x", "y"], project_path="/p")
    saved(store, "two", tags=["y"], project_path="/p")
    saved(store, "three", tags=["z"], project_path="/q")
    session = saved(store, "four")
    session.add_message(MessageRole.ASSISTANT, "Yes", agent_name="codex")
    store.save(session)
    assert store.labels("tag") == [("y", 2), ("x", 1), ("z", 1)]
    assert store.labels("project") == [("/p", 2), ("/q", 1)]
    assert store.labels("agent") == [("codex", 1)]
    store.delete("three")
    assert store.labels("tag") == [("y", 2), ("x", 1)]
    assert store.project_folders() == ["/p"]
