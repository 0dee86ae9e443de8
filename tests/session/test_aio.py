"""The twins for asyncio: all that their originals offer, awaitable, without holding the loop up."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from superqode.session import (
    AsyncSessionSharingManager,
    AsyncSessionStore,
    AsyncSessionSync,
    MessageRole,
    Session,
    SessionSharingManager,
    SessionStore,
    SessionSync,
    ShareConfig,
)
from superqode.session.errors import SessionNotFound, StoreClosed, SyncNotSetUp

MADE: dict[str, Callable[[SessionStore], tuple[object, object]]] = {
    "store": lambda store: (store, AsyncSessionStore(store)),
    "sharing": lambda store: (made := SessionSharingManager(store), AsyncSessionSharingManager(made)),
    "sync": lambda store: (made := SessionSync(store), AsyncSessionSync(made)),
}
# What the twin has as it is, and why nothing has to be awaited.
PLAIN = {
    "path": "a value that is known",
    "autosave": "a block, whose short saves run where something is added to the session",
}
# What only the twin has, and why.
ITS_OWN = {
    "open": "makes a store and its twin in one call",
    "store": "the original",
    "manager": "the original",
    "sync": "the original",
}
# Special methods of the original, and what they are called for asyncio.
SPECIAL = {"__enter__": "__aenter__", "__exit__": "__aexit__"}


def _public(thing: object) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


def _parameters(call: Callable[..., Any]) -> list[str]:
    """What may be given: names, kinds, types and defaults, in order."""
    return [f"{one.kind.name} {one}" for one in inspect.signature(call).parameters.values()]


@pytest.mark.parametrize("kind", MADE)
def test_the_twin_offers_all_that_its_original_does_and_no_more(store: SessionStore, kind: str) -> None:
    """Every public name is there, and every special method under its name for asyncio."""
    original, twin = MADE[kind](store)
    assert _public(original) <= _public(twin)
    assert _public(twin) - _public(original) <= ITS_OWN.keys()
    special = {name for name in set(dir(original)) - set(dir(Session)) if name.startswith("__")}
    assert {SPECIAL[name] for name in special} <= set(dir(twin))


@pytest.mark.parametrize("kind", MADE)
def test_each_method_takes_what_its_original_takes(store: SessionStore, kind: str) -> None:
    """The same parameters, by position and by name, with the same defaults, and with something to await."""
    original, twin = MADE[kind](store)
    for name in sorted(_public(original)):
        ours, theirs = getattr(twin, name), getattr(original, name)
        if name not in PLAIN:
            assert inspect.iscoroutinefunction(ours), name
        if callable(theirs):
            assert _parameters(ours) == _parameters(theirs), name
            assert inspect.getdoc(ours), name


def test_a_store_is_opened_as_its_original_is() -> None:
    """`AsyncSessionStore.open` takes what `SessionStore` takes."""
    assert _parameters(AsyncSessionStore.open) == _parameters(SessionStore)


def test_reasons_are_still_needed() -> None:
    """What is named as plain, or as the twin's own, is there."""
    twins = (AsyncSessionStore, AsyncSessionSharingManager, AsyncSessionSync)
    assert [name for name in PLAIN if not hasattr(AsyncSessionStore, name)] == []
    parameters = {name for twin in twins for name in inspect.signature(twin).parameters}
    assert [name for name in ITS_OWN if not hasattr(AsyncSessionStore, name) and name not in parameters] == []


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


def test_what_is_told_on_the_way_is_told(store_path: Path, tmp_path: Path) -> None:
    """`progress` and `damaged` are called as by the originals, and a filter may stand in its place."""

    async def live() -> tuple[list[str], str, list[str]]:
        told: list[str] = []
        damaged: list[object] = []
        async with AsyncSessionStore.open(store_path) as store:
            assert await store.scan(damaged=damaged.append, progress=lambda *_: None) == []
            await store.save(Session(id="s", title="A title", project_path="/p"))
            named = await store.resolve("A title", progress=lambda *_: None)
            found = [one.id for one in await store.list_sessions("/p")]
            await store.backup(
                tmp_path / "b",
                damaged=lambda *_: damaged.append(_),
                progress=lambda _done, _of, what: told.append(what),
            )
            assert store.path == store_path
            assert await store.old_store_notice() == ""
            assert (await store.import_old_store()).sessions == []
        assert damaged == []
        return found, named, told

    found, named, told = asyncio.run(live())
    assert (found, named) == (["s"], "s")
    assert told


def test_a_backup_is_restored_to_a_twin(store: SessionStore, tmp_path: Path) -> None:
    """`restore_backup` gives an `AsyncSessionStore` upon the new folder."""
    store.save(Session(id="s"))

    async def live() -> bool:
        await AsyncSessionStore(store).backup(tmp_path / "b")
        async with await AsyncSessionStore.restore_backup(tmp_path / "b", tmp_path / "new") as restored:
            return await restored.exists("s")

    assert asyncio.run(live())


def test_shares_live_in_asyncio(store: SessionStore) -> None:
    """Share, look, fork, other passwords, files, take back: all awaited, as the README does it without."""
    session = Session(id="s", title="Fix it")
    session.add_message(MessageRole.USER, "please")
    store.save(session)

    async def live() -> tuple[int, int, str, str, str]:
        sharing = AsyncSessionSharingManager(SessionSharingManager(store))
        share = await sharing.create_share("s", ShareConfig(redact=False))
        await sharing.add_password(share.share_url, "a word", "for Bob")
        many = len(await sharing.passwords(share.share_url))
        await sharing.remove_password(share.share_url, 1)
        few = len(await sharing.passwords(share.share_url))
        looked_at = await sharing.get_session_for_share(share.share_url, progress=lambda *_: None)
        mine = await sharing.fork(share.share_url, title="Another way")
        again = await sharing.import_session(await sharing.export_session("s"), title="Again")
        await sharing.revoke_share(share.share_url)
        assert await sharing.push_shares(progress=lambda *_: None) == []
        return many, few, looked_at.title, mine.title, again.title

    assert asyncio.run(live()) == (2, 1, "Fix it", "Another way", "Again")


def test_a_sync_is_awaited(store: SessionStore) -> None:
    """`AsyncSessionSync.run` does what `SessionSync.run` does, errors included."""
    with pytest.raises(SyncNotSetUp):
        asyncio.run(AsyncSessionSync(SessionSync(store)).run(dry_run=True))
