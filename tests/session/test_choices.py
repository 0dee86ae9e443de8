"""Words that parameters take: any other is refused at once, with those there are, and nothing is done by halves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from superqode.acp.files import Files
from superqode.qe import QESession
from superqode.session import Session, SessionStore, ShareConfig
from superqode.session.choices import check_word

CALLS: dict[str, tuple[Callable[[SessionStore, str], object], str]] = {
    "durability": (lambda store, word: SessionStore(store.path, durability=word), "full, fast"),
    "level": (lambda store, word: store.verify(level=word), "quick, structure, data"),
    "unit": (lambda store, word: store.stats(unit=word), "day, week, month"),
    "kind": (lambda store, word: store.labels(word), "project, tag, agent"),
    "finding": (lambda store, word: store.list_sessions(finding=word), "critical, high, medium, low, info"),
    "visibility": (lambda store, word: ShareConfig(visibility=word), "public, unlisted, private"),
    "files": (lambda store, word: Files(store.path, word), "none, read, write"),
    "fail_on": (lambda store, word: QESession(store.path.parent, fail_on=word), "critical, high, medium, low, info"),
}


@pytest.mark.parametrize("is_there", [True, False], ids=["a store", "no store yet"])
@pytest.mark.parametrize("word", ["nonsense", ""])
@pytest.mark.parametrize("parameter", CALLS)
def test_a_word_that_is_none_is_refused_with_those_there_are(
    store: SessionStore, tmp_path: Path, parameter: str, word: str, is_there: bool
) -> None:
    """`ValueError`, which names every word that may be given; whether there is a store or not."""
    call, known = CALLS[parameter]
    if is_there:
        store.save(Session(id="s"))
    with pytest.raises(ValueError, match=rf"'{word}' is no .+; use one of {known}$"):
        call(store if is_there else SessionStore(tmp_path / "none"), word)


@pytest.mark.parametrize("parameter", CALLS)
def test_each_word_that_is_named_is_taken(store: SessionStore, tmp_path: Path, parameter: str) -> None:
    """What the error names works, but for a private share, which wants a password besides."""
    call, known = CALLS[parameter]
    store.save(Session(id="s"))
    for word in known.split(", "):
        if word == "private":
            continue
        call(store, word)


def test_a_durability_of_other_letters_is_none(store_path: Path) -> None:
    """`Full` was `fast`, in silence: saves were acknowledged that no disk had."""
    with pytest.raises(ValueError, match="durability"):
        SessionStore(store_path, durability="Full")  # type: ignore[arg-type]
    assert not store_path.exists()


def test_what_is_no_word_at_all_is_refused() -> None:
    """A list, a number or nothing is refused alike."""
    for thing in (None, 5, ["full"]):
        with pytest.raises(ValueError, match="is no durability; use one of full, fast"):
            check_word(thing, "durability", ("full", "fast"))
