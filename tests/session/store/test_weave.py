"""Lists over a history that branched: who knows of whom, what is left, and where it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.errors import InvalidSession
from superqode.session.git.object_codec import Commit, Ident
from superqode.session.store import lines
from superqode.session.store.lines import Lines, in_order
from superqode.session.store.weave import Woven, weave


@pytest.mark.parametrize(
    ("base", "first", "second", "merged"),
    [
        ("ab", "abx", "aby", "abxy"),  # lanes, one after the other
        ("ab", "abxX", "abyY", "abxXyY"),
        ("ab", "axb", "ayb", "axyb"),  # put in between
        ("ab", "xab", "aby", "xaby"),
        ("ab", "a", "aby", "ay"),  # what was removed is gone, what hung on it stays
        ("abc", "acb", "abcd", "acbd"),  # what was moved is where it was put
        ("abc", "cab", "bca", "cab"),  # by the first, where both moved
        ("ab", "ax", "abb", "ax"),
        ("", "xy", "y", "xy"),  # the same thing from both is one
    ],
)
def test_where_things_stand(base, first, second, merged):
    """Each case as its comment says."""
    assert "".join(weave(base, first, second)) == merged


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.lists(st.sampled_from("abcdefgh"), unique=True))
def test_one_sides_change_is_taken_as_it_is(base, changed):
    """Whatever one side did, if the other did nothing, or the same."""
    assert weave(base, changed, base) == weave(base, base, changed) == weave(base, changed, changed) == changed


def test_a_change_beats_a_removal_that_does_not_know_of_it():
    """One that knows of it holds; and what is brought back is there for those who had removed it, too."""
    assert weave("ab", "a", "ab", ((), "b")) == ["a", "b"]
    known = Lines()
    first = known.add((0,))
    woven = Woven("ab", known.knows)
    woven.mark(first, "b")
    woven.drop(known.add((first,)), "b")
    assert woven.held() == {"a"}
    woven.mark(known.add((2,)), "b")
    woven.drop(known.add((0,)), "b")
    assert woven.held() == {"a", "b"}
    assert woven.held((2,)) == {"a"}


@given(st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=3), max_size=30))
def test_who_knows_of_whom(history):
    """The clocks say what walking the history says, however it branches and meets."""
    known = Lines()
    ancestors = [{0}]
    for number, drawn in enumerate(history, 1):
        parents = tuple(dict.fromkeys(parent % number for parent in drawn))
        assert known.add(parents) == number
        ancestors.append({number}.union(*(ancestors[parent] for parent in parents)))
    for late, reached in enumerate(ancestors):
        for early in range(len(ancestors)):
            assert known.knows(late, early) == (early in reached)


def test_a_history_that_is_too_tangled_is_refused(monkeypatch):
    """What a hostile history could make us remember has an end, told as our error."""
    monkeypatch.setattr(lines, "_TANGLED", 1_000)
    known = Lines()
    heads = [known.add((0,)) for _ in range(60)]
    with pytest.raises(InvalidSession, match="too often"):
        for _ in range(60):
            heads.append(known.add(tuple(heads)))


def test_a_list_of_any_length_is_woven():
    """Neither a long lane nor many at one place are too deep."""
    woven = Woven(range(20_000), lambda late, early: early in (late, 0))
    assert woven.order() == list(range(20_000))


def _commit(seconds, *parents):
    who = Ident("A", "a@example.invalid", seconds)
    return Commit("0" * 40, parents, who, who, b"by plain git\n")


def test_the_order_of_saves_whose_clocks_were_behind():
    """A save counts as of a moment after its parents at least; equal times go by id; and what came before has no say."""
    commits = {"c": _commit(0, "p"), "e": _commit(100), "p": _commit(100, "old"), "f": _commit(7)}
    assert in_order(commits, 5_000_000) == ["f", "e", "p", "c"]
    commits["z"] = _commit(100)
    assert in_order(commits, 5_000_000) == ["f", "e", "p", "z", "c"]
    assert in_order({"a": _commit(1), "b": _commit(2)}, 60_000_000) == ["a", "b"]
