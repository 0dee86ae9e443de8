"""Lists over a history that branched: who knows of whom, what is left, and where it stands."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from superqode.session.errors import InvalidSession
from superqode.session.git.object_codec import Commit, Ident
from superqode.session.store import lines
from superqode.session.store.lines import Lines, in_order
from superqode.session.store.weave import Woven, _longest_run, weave


@pytest.mark.parametrize(
    ("base", "first", "second", "merged"),
    [
        ("ab", "abx", "aby", "abxy"),  # lanes, one after the other
        ("ab", "abxX", "abyY", "abxXyY"),
        ("ab", "axb", "ayb", "axyb"),  # put in between
        ("ab", "xab", "aby", "xaby"),
        ("ab", "a", "aby", "ay"),  # what was removed is gone, what hung on it stays
        ("abc", "acb", "abcd", "acbd"),  # what was moved is where it was put
        ("abcd", "dabc", "acdb", "dacb"),  # by both, where they moved different ones
        ("abcdef", "bcdefa", "fabcde", "fbcdea"),
        ("abcdef", "eabcdf", "abecdf", "eabcdf"),  # by the first, where both moved one
        ("abcdef", "eabcdf", "abexcdf", "eabxcdf"),  # what was put beside it stays where it was put
        ("abcdef", "abefcd", "abcxdef", "abefcxd"),
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


@given(st.permutations("abcdefg"), st.permutations("abcdefg"))
def test_any_orders_of_both_come_to_one(first, second):
    """However both moved things, each is there once; and where the other left all alone, it is as one put it."""
    assert sorted(weave("abcdefg", first, second)) == list("abcdefg")
    assert weave("abcdefg", first, "abcdefg") == weave("abcdefg", "abcdefg", first) == list(first)


@given(st.permutations(range(6)))
def test_what_stays_is_the_longest_run_as_the_format_says(numbers):
    """The most that rise; of several such the one whose last is least, then whose last but one is."""
    runs = [run for size in range(7) for run in combinations(numbers, size) if list(run) == sorted(run)]
    most = max(map(len, runs))
    assert sorted(_longest_run(numbers)) == list(
        min((run for run in runs if len(run) == most), key=lambda run: run[::-1])
    )


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6), st.integers(0, 6))
def test_two_moves_of_different_things_are_both_made(one, there, other, where):
    """A thing that one side moved is where it put it, whatever the other moved meanwhile, also across it."""
    assume(one != other and abs(one - there) > 1 and abs(other - where) > 1)  # of two neighbours either was moved
    base = "abcdefg"
    first, second = _with_moved(base, one, there), _with_moved(base, other, where)
    merged = "".join(weave(base, first, second))
    assert merged.replace(base[other], "") == first.replace(base[other], "")
    assert merged.replace(base[one], "") == second.replace(base[one], "")


@given(st.integers(1, 6), st.randoms(use_true_random=False))
def test_a_line_of_changes_ends_as_the_last_left_it(changes, chance):
    """Where nobody branched off, the list is the last one's, however often things were moved, removed and put."""
    old = list(range(6))
    woven = Woven(old, lambda late, early: early <= late)
    for number in range(1, changes + 1):
        new = chance.sample(old, chance.randint(len(old) // 2, len(old))) if chance.random() < 0.7 else list(old)
        for added in range(chance.randint(0, 2)):
            new.insert(chance.randint(0, len(new)), number * 100 + added)
        woven.place(number, None, old, new)
        woven.mark(number, [item for item in new if item not in old])
        woven.drop(number, set(old) - set(new))
        assert woven.order() == new
        old = new


def _with_moved(text, place, there):
    rest = text[:place] + text[place + 1 :]
    return rest[:there] + text[place] + rest[there:]


def test_who_goes_on_from_a_move_that_did_not_count_puts_beside_it():
    """Of two moves the first counts; what was put behind the thing by one who knew of the second only stays there."""
    known = Lines()
    first, second = known.add((0,)), known.add((0,))
    later = known.add((second,))
    woven = Woven("abcd", known.knows)
    woven.place(first, None, "abcd", "dabc")
    woven.place(second, None, "abcd", "adbc")
    woven.place(later, None, "adbc", "adxbc")
    woven.mark(later, "x")
    assert "".join(woven.order()) == "daxbc"


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
