"""`AsyncSessionStore`: every slow verb of the store, awaitable, without holding the loop up."""

import asyncio
import inspect

import pytest

from superqode.session import AsyncSessionStore, MessageRole, Session, SessionStore
from superqode.session.errors import SessionNotFound, StoreClosed

# What needs no thread: it is quick, or gives a plain value.
PLAIN = {"restore_backup", "old_store_notice", "path"}


def test_every_slow_verb_has_a_twin():
    """What `SessionStore` offers and reads or writes files, `AsyncSessionStore` offers too, with the same arguments."""
    ours = {name for name in dir(SessionStore) if not name.startswith("_")} - PLAIN
    twins = {name for name in dir(AsyncSessionStore) if not name.startswith("_")}

    missing = ours - twins

    assert missing <= {"resolve", "import_old_store"}
    for name in sorted(ours & twins - {"autosave"}):
        assert inspect.iscoroutinefunction(getattr(AsyncSessionStore, name)), name


def test_a_life_in_asyncio(store_path, tmp_path):
    """Save, load, list, search, fork, undo, redo, delete, bring back, purge, keep in shape, back up: all awaited."""

    async def live() -> list[str]:
        async with AsyncSessionStore.open(store_path) as store:
            session = Session(id="s", title="Fix it")
            session.add_message(MessageRole.USER, "the needle in here")
            await store.save(session)
            with store.autosave(session):
                session.add_message(MessageRole.ASSISTANT, "found")
            assert await store.exists("s")
            assert (await store.load("s")) == session
            assert (await store.load_latest()).id == "s"
            assert [hit.session_id for hit in await store.search("needle")] == ["s"]
            assert len(await store.history("s")) == 2
            assert len((await store.at("s", "~1")).messages) == 1
            assert [change.kind for change in (await store.diff("s", a_rev="~1")).changes] == ["added"]
            forked = await store.fork("s", title="F", new_id="f")
            assert forked.parent_session_id == "s"
            await store.undo("s")
            await store.redo("s")
            await store.rename("f", "g")
            assert await store.delete("g")
            assert [item.session_id for item in await store.trash()] == ["g"]
            assert await store.undelete("g") == "g"
            await store.delete("g")
            assert len((await store.purge("g")).purged) == 1
            assert await store.cleanup_old_sessions(1) == []
            assert (await store.verify()).ok
            await store.maintain()
            assert (await store.backup(tmp_path / "b")).is_file()
            assert (await store.import_sources([tmp_path / ".home"])).sessions == []
            return [found.id for found in await store.list_sessions()]

    assert asyncio.run(live()) == ["s"]


def test_errors_come_through(store_path):
    """An error of the store is the same error here; a closed store says so."""

    async def fail() -> None:
        store = AsyncSessionStore.open(store_path)
        with pytest.raises(SessionNotFound):
            await store.load("nothing")
        await store.close()
        with pytest.raises(StoreClosed):
            await store.load("nothing")

    asyncio.run(fail())


def test_the_loop_goes_on_meanwhile(store_path):
    """While a save runs, the loop serves others: many saves at once all arrive."""

    async def many() -> int:
        async with AsyncSessionStore.open(store_path, durability="fast") as store:
            await asyncio.gather(*(store.save(Session(id=f"s{number}")) for number in range(12)))
            return len(await store.list_sessions())

    assert asyncio.run(many()) == 12
