"""Trees of drafts: which conversations a file has, and which of those that were left are too many."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.importers import drafts as drafting
from superqode.session.importers.drafts import Drafts, Said, make_shelf
from superqode.session.models import MessageRole

NOW = datetime.fromtimestamp(0, UTC)


def tree(follows, tip=-1):
    """Drafts that each follow another one, by number; -1 is the beginning."""
    made = Drafts(make_shelf(big=False))
    for before in [*follows]:
        made.tip = None if before < 0 else before
        made.add(Said(MessageRole.USER, "x", NOW))
    made.tip = None if tip < 0 else tip
    return made


def ways_by_the_book(follows, tip, most):
    """The conversations' drafts and how many of each are another's, each walked up whole; and the drafts of no kept one."""
    ends = [number for number in range(len(follows)) if number not in follows and number != tip]
    main = tip if tip >= 0 else ends.pop() if ends else -1
    taken, ways = set(), []
    for place, last in enumerate([main, *ends]):
        way, end = [], last
        while end >= 0:
            way.insert(0, end)
            end = follows[end]
        if place == 0 or place > len(ends) - most:
            ways.append((way, len(taken.intersection(way))))
        taken.update(way)
    return ways, set(range(len(follows))).difference(*(way for way, _own in ways))


@given(st.data())
def test_ways_are_those_of_the_tree(data):
    """However a tree branches, its last branches are conversations, and what only the others have is too old."""
    count = data.draw(st.integers(0, 24))
    follows = [data.draw(st.integers(-1, number - 1)) for number in range(count)]
    tip = data.draw(st.integers(-1, count - 1))
    most = data.draw(st.integers(1, 4))
    made = tree(follows, tip)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drafting, "MOST_BRANCHES", most)
        ways = [(list(way.numbers), way.own) for way in made.ways()]
        old = {draft.number for draft in made.too_old()}
    assert (ways, old) == ways_by_the_book(follows, tip, most)


def steps(branches):
    """How many drafts are gone up to for a conversation so long, with so many branches at its end."""
    made = tree([*range(-1, branches - 1), *[branches - 1] * branches], branches - 1)
    taken = 0
    usual = Drafts._followed

    def counting(self, number):
        nonlocal taken
        taken += 1
        return usual(self, number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drafting, "MOST_BRANCHES", 2)
        patch.setattr(Drafts, "_followed", counting)
        assert len(list(made.ways())) == 3
        assert len(list(made.too_old())) == branches - 2
    return taken


def test_branches_that_are_too_many_are_not_walked_up_whole():
    """Twice the drafts and branches take twice the steps, not four times as many."""
    assert steps(400) < 3 * steps(200)
