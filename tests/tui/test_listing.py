"""The list of all sessions kept up to date: whatever happens, it is what a new listing gives."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superqode.session import Session, SessionStore
from superqode.tui.filtering import haystack
from superqode.tui.listing import Lister


def _save(store: SessionStore, name: str) -> None:
    session = store.load(name) if store.exists(name) else Session(id=name, title=f"Of {name}")
    session.add_message("user", "more")
    store.save(session)


def _check(lister: Lister, store: SessionStore) -> None:
    listing = lister.all()
    assert list(listing.summaries) == store.list_sessions()
    assert list(listing.hays) == [haystack(item) for item in listing.summaries]


def _delete(store: SessionStore, name: str) -> None:
    store.delete(name)


def _rename(store: SessionStore, name: str) -> None:
    if store.exists(name) and not store.exists(f"{name}-new"):
        store.rename(name, f"{name}-new")


def _by_another(store: SessionStore, name: str) -> None:
    """Another process saves, and tells the index of it."""
    with SessionStore(store.path) as other:
        _save(other, name)
        other.list_sessions()


def _remade(store: SessionStore, name: str) -> None:
    """Somebody throws the index away."""
    (store.path / "superqode" / "index.sqlite").unlink(missing_ok=True)
    _save(store, name)


STEPS = (_save, _delete, _rename, _by_another, _remade)


@settings(max_examples=8, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(STEPS), st.sampled_from(["a", "b", "c"]), st.booleans()), min_size=1, max_size=8
    )
)
def test_it_is_always_what_a_new_listing_gives(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Callable[[SessionStore, str], None], str, bool]]
) -> None:
    """Whatever is saved, deleted, renamed, by us or another process, looked at after each step or later."""
    with SessionStore(tmp_path_factory.mktemp("listed") / "store") as store:
        for name in "abc":
            _save(store, name)
        lister = Lister(store)
        _check(lister, store)
        for step, name, look in steps:
            step(store, name)
            if look:
                _check(lister, store)
        _check(lister, store)


def test_what_did_not_change_is_not_listed_again(tmp_path, monkeypatch) -> None:
    """A save of one session makes one new summary, whatever else there is, and no listing of all."""
    with SessionStore(tmp_path / "store") as store:
        for name in "abc":
            _save(store, name)
        lister = Lister(store)
        before = {item.id: item for item in lister.all().summaries}
        monkeypatch.setattr(store, "list_sessions", None)
        _save(store, "b")
        after = {item.id: item for item in lister.all().summaries}
    assert after["b"].message_count == 2
    assert after["a"] is before["a"]
    assert after["c"] is before["c"]


def test_so_many_changes_that_listing_anew_is_quicker(tmp_path, monkeypatch) -> None:
    """Beyond a number of changes everything is listed anew, and right."""
    monkeypatch.setattr("superqode.tui.listing._FEW", 1)
    with SessionStore(tmp_path / "store") as store:
        lister = Lister(store)
        for name in "abc":
            _save(store, name)
        _check(lister, store)
        _save(store, "d")
        _save(store, "a")
        _check(lister, store)
