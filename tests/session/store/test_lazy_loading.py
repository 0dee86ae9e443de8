"""`load(id, last=N)`: the end of a session at once, the rest when it is asked for, and nothing of it ever lost."""

from __future__ import annotations

import copy
import pickle
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from superqode.session import Message, Session, SessionStore, ToolExecution
from superqode.session.errors import CorruptSession, DuplicateEntry, NotFound
from superqode.session.models.window import Window
from superqode.session.store import loading

COUNT = 230


@pytest.fixture
def long_store(store: SessionStore) -> SessionStore:
    """A store with one session: each third entry is a call."""
    session = Session(id="long", title="Long")
    for number in range(COUNT):
        if number % 3 == 2:
            session.add(_call(number))
        else:
            session.add(Message(id=f"m-{number}", role="user", content=f"text {number}"))
    store.save(session)
    return store


def _call(number: int, **arguments: str) -> ToolExecution:
    path = arguments.get("path", f"src/{number}.py")
    return ToolExecution(id=f"m-{number}", tool_name="read_file", arguments={"path": path}, result="", success=True)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Where each reading of entries began."""
    begun: list[int] = []
    real = loading._entries

    def noted(*arguments: object, start: int = 0, **options: object) -> list[Message | ToolExecution]:
        begun.append(start)
        return real(*arguments, start=start, **options)

    monkeypatch.setattr(loading, "_entries", noted)
    return begun


@pytest.fixture
def fast_switching() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_the_end_is_there_without_the_beginning(long_store: SessionStore, reads: list[int]) -> None:
    """Only the end is read; counts and fields are those of the whole session."""
    session = long_store.load("long", last=10)
    assert [entry.id for entry in session.ending(10)] == [f"m-{number}" for number in range(COUNT - 10, COUNT)]
    assert (session.message_count, session.execution_count, session.title) == (154, 76, "Long")
    assert not session.is_whole
    assert reads == [COUNT - 10]


def test_the_same_session_of_another_store_is_the_same_here(long_store: SessionStore, tmp_path: Path) -> None:
    """Saving a session opened by its end into a store that has all of it already changes nothing there."""
    with SessionStore(tmp_path / "other") as other:
        other.save(long_store.load("long"))
        tip = other.history("long")[0].commit
        assert other.save(long_store.load("long", last=10)).commits == ()
        assert other.history("long")[0].commit == tip


def test_saving_what_was_added_reads_no_beginning_and_loses_none(long_store: SessionStore, reads: list[int]) -> None:
    """Messages and calls added to the end are saved on top of all that was there."""
    whole = long_store.load("long")
    reads.clear()
    session = long_store.load("long", last=5)
    for number in range(150):
        session.add_message("user", f"more {number}")
        session.add_tool_execution("edit_file", {"path": f"src/{number}.py"}, "done", success=True)
        if number % 40 == 0:
            long_store.save(session)
    session.title = "Another title"
    result = long_store.save(session)
    assert not session.is_whole
    assert reads == [COUNT - 5]
    stored = long_store.load("long")
    assert stored.timeline[:COUNT] == whole.timeline
    assert len(stored.timeline) == COUNT + 300
    assert stored.title == "Another title"
    assert stored == session
    assert long_store.history("long", limit=1)[0].messages == 154 + 150
    assert result.messages_added == 150 - 121


def test_saving_it_unchanged_is_no_save(long_store: SessionStore) -> None:
    """Nothing changed, so there is no commit."""
    assert long_store.save(long_store.load("long", last=3)).commits == ()


@pytest.mark.parametrize(
    "whole_of",
    [
        lambda session: session.messages,
        lambda session: session.tool_executions,
        lambda session: session.timeline,
        lambda session: session.to_dict()["messages"],
        lambda session: session.model_dump(warnings=False)["messages"],
        lambda session: dict(session)["messages"],
        lambda session: copy.deepcopy(session).messages,
        lambda session: session.fork().messages,
        lambda session: pickle.loads(pickle.dumps(session)).messages,  # noqa: S301 - our own
        lambda session: session.ending(1000),
        lambda session: session.create_snapshot("now").state.entries,
    ],
)
def test_whoever_asks_for_the_whole_gets_it(long_store: SessionStore, whole_of) -> None:
    """Lists, copies, dumps and pickles of a session that was loaded by its end are those of the whole one."""
    assert whole_of(long_store.load("long", last=4)) == whole_of(long_store.load("long"))


@pytest.mark.parametrize(
    "shape",
    [
        lambda session: [name for name, _ in session],
        lambda session: list(session.model_dump(warnings=False)),
        lambda session: session.model_dump_json(warnings=False),
        lambda session: session.to_json(),
        lambda session: list(dict(copy.copy(session))),
        lambda session: list(dict(copy.deepcopy(session))),
        lambda session: list(dict(pickle.loads(pickle.dumps(session)))),  # noqa: S301 - our own
        lambda session: list(session.messages and vars(session)),
        lambda session: [name for name, _ in session.__repr_args__()],
        lambda session: [name for name, *_ in session.__rich_repr__()],
        lambda session: (session.messages, repr(session)),
        lambda session: (session.tool_executions, str(session)),
        lambda session: session.model_fields_set,
    ],
)
def test_its_fields_stand_in_their_order(long_store: SessionStore, shape) -> None:
    """Whatever lists the fields lists them as of a session that was loaded whole, and in the same order."""
    assert shape(long_store.load("long", last=4)) == shape(long_store.load("long"))


def test_its_repr_reads_nothing_and_leaves_nothing_out(long_store: SessionStore, reads: list[int]) -> None:
    """Shown in a log or a debugger, it tells how many messages and calls there are, and the beginning is not read."""
    session = long_store.load("long", last=4)
    for shown, between in ((repr(session), ", "), (str(session), " ")):
        told = ["messages=<154, not all read yet>", "tool_executions=<76, not all read yet>", "files_modified=[]"]
        assert between.join(told) in shown
    assert reads == [COUNT - 4]
    assert not session.is_whole


def test_a_list_put_in_its_place_counts_and_the_other_stays(long_store: SessionStore) -> None:
    """Messages that somebody sets are the messages then; the calls are those that were there."""
    session = long_store.load("long", last=4)
    session.messages = [Message(id="only", role="user", content="only")]
    long_store.save(session)
    stored = long_store.load("long")
    assert [message.id for message in stored.messages] == ["only"]
    assert len(stored.tool_executions) == 76


def test_edited_lists_are_saved_as_ever(long_store: SessionStore) -> None:
    """An entry that is taken out of the list of a session loaded by its end is gone after the save, and no other."""
    session = long_store.load("long", last=4)
    del session.messages[0]
    long_store.save(session)
    assert [entry.id for entry in long_store.load("long").timeline] == [f"m-{number}" for number in range(1, COUNT)]


def test_an_id_of_the_beginning_is_refused(long_store: SessionStore) -> None:
    """A ready-made entry whose id stands before the end at hand is a duplicate all the same."""
    session = long_store.load("long", last=4)
    with pytest.raises(DuplicateEntry):
        session.add(Message(id="m-0", role="user", content="again"))
    said = session.add_message("user", "once")
    with pytest.raises(DuplicateEntry):
        session.add(said)


def test_an_entry_made_before_loading_is_looked_for_in_the_beginning(long_store: SessionStore) -> None:
    """An entry with an id of its own making that was saved before cannot come twice."""
    early = Message(role="user", content="early")
    session = long_store.load("long")
    session.add(early)
    for number in range(20):
        session.add_message("user", f"{number}")
    long_store.save(session)
    with pytest.raises(DuplicateEntry):
        long_store.load("long", last=3).add(early)


def test_two_writers_merge(long_store: SessionStore, store_path: Path) -> None:
    """What another process saved meanwhile is merged, and the beginning stays."""
    session = long_store.load("long", last=4)
    with SessionStore(store_path) as other:
        theirs = other.load("long", last=2)
        theirs.add_message("assistant", "theirs")
        other.save(theirs)
    session.add_message("user", "ours")
    assert long_store.save(session).merged == 1
    stored = long_store.load("long")
    assert [entry.content for entry in stored.timeline[-2:]] == ["theirs", "ours"]
    assert len(stored.timeline) == COUNT + 2
    assert stored == session


def test_a_file_that_was_read_in_the_beginning_is_not_created(long_store: SessionStore) -> None:
    """Which files a session made does not depend on how it was loaded."""
    session = long_store.load("long", last=4)
    session.add_tool_execution("write_file", {"path": "src/2.py"}, "", success=True)
    session.add_tool_execution("write_file", {"path": "src/new.py"}, "", success=True)
    assert (session.files_modified, session.files_created) == (["src/2.py"], ["src/new.py"])


@pytest.mark.parametrize("last", [None, 4])
def test_a_file_that_was_noted_as_read_is_not_created(long_store: SessionStore, last: int | None) -> None:
    """A file that is noted as read, or that the last call read, was there: written then, it is modified."""
    session = long_store.load("long", last=last)
    session.note_file("read", "noted")
    session.note_file("write", "noted")
    session.note_file("write", f"src/{COUNT - 3}.py")
    session.note_file("write", "new")
    assert (session.files_modified, session.files_created) == (["noted", f"src/{COUNT - 3}.py"], ["new"])


def test_threads_read_a_session_that_one_of_them_makes_whole(long_store: SessionStore, fast_switching: None) -> None:
    """However their steps fall, each sees the counts and the end as they are, and the lists are the same for all."""
    ending = long_store.load("long").timeline[-6:]

    def look(session: Session, begin: threading.Barrier) -> list[Message]:
        begin.wait()
        for _ in range(20):
            assert (session.message_count, session.execution_count) == (154, 76)
            assert len(session.at_hand) in (4, COUNT)
            assert session.ending(4) == ending[-4:]
            assert session.is_whole in (False, True)
        assert session.ending(6) == ending
        assert len(session.timeline) == COUNT
        return session.messages

    with ThreadPoolExecutor(4) as threads:
        for _ in range(15):
            session, begin = long_store.load("long", last=4), threading.Barrier(4)
            seen = [task.result() for task in [threads.submit(look, session, begin) for _ in range(4)]]
            assert all(found is session.messages for found in seen)
            assert len(seen[0]) == 154


def test_the_beginning_is_read_once_and_the_end_meanwhile(long_store: SessionStore, monkeypatch) -> None:
    """While a thread reads the beginning, another that asks for it waits, and who looks at the end does not."""
    session = long_store.load("long", last=4)
    real, begun, go_on = loading._entries, threading.Semaphore(0), threading.Event()
    readings: list[int] = []

    def slow(*arguments: object, **options: object) -> list[Message | ToolExecution]:
        readings.append(1)
        begun.release()
        assert go_on.wait(60)
        return real(*arguments, **options)

    monkeypatch.setattr(loading, "_entries", slow)
    with ThreadPoolExecutor(2) as threads:
        tasks = [threads.submit(lambda: session.messages), threads.submit(lambda: session.tool_executions)]
        assert begun.acquire(timeout=60)
        assert (len(session.at_hand), session.message_count, session.is_whole) == (4, 154, False)
        go_on.set()
        assert [len(task.result()) for task in tasks] == [154, 76]
    assert readings == [1]


def test_a_short_session_is_loaded_whole(long_store: SessionStore) -> None:
    """With as many entries asked for as there are, all of them are there."""
    session = long_store.load("long", last=COUNT)
    assert session.is_whole
    assert session == long_store.load("long")


def test_the_latest_session_opens_by_its_end_too(long_store: SessionStore) -> None:
    """`load_latest` takes `last` as `load` does."""
    session = long_store.load_latest(last=2)
    assert session is not None
    assert not session.is_whole


def test_a_damaged_beginning_is_told_when_it_is_read(long_store: SessionStore) -> None:
    """The end of a session with a damaged beginning opens and saves; asking for the rest raises our error."""
    session = long_store.load("long", last=4)
    objects = long_store.path / "objects"
    repository = long_store._open()
    first = next(iter(loading.read_entries(repository.objects, session._saved.tree, "long", 0)))
    assert first.id == "m-0"
    from superqode.session.store.timeline_files import walk_timeline

    files = next(walk_timeline(repository.objects, session._saved.tree.timeline))
    (objects / files.json[:2] / files.json[2:]).unlink()
    session = long_store.load("long", last=4)
    session.add_message("user", "still works")
    long_store.save(session)
    with pytest.raises(CorruptSession):
        session.messages  # noqa: B018 - reading is what fails
    assert session.ending(1)[0].content == "still works"


def test_a_window_gives_what_a_list_would() -> None:
    """Places and slices of a window are those of the whole list, whatever is at hand."""
    entries = [Message(id=str(number), role="user", content="") for number in range(20)]
    for place in (slice(None), slice(18, None), slice(-3, -1), slice(15, 12, -1), slice(3, 18, 4), slice(30, 40)):
        assert Window(12, entries[12:], lambda: entries[:12])[place] == entries[place]
    for place in (0, 11, 12, -1, -20):
        assert Window(12, entries[12:], lambda: entries[:12])[place] is entries[place]
    with pytest.raises(IndexError):
        Window(12, entries[12:], lambda: entries[:12])[20]
    for beginning in (None, lambda: entries[:11]):
        with pytest.raises(NotFound, match="Load"):
            Window(12, entries[12:], beginning)[11]
