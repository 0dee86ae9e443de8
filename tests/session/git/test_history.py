"""Walking commits: first parents, and which of some commits are ancestors, without reading more than needed."""

import random

import pytest

from superqode.session.errors import CorruptObject
from superqode.session.git.history import ancestors_among, first_parents, is_ancestor
from superqode.session.git.object_codec import Ident
from superqode.session.git.repository import Repository


@pytest.fixture
def objects(store_path):
    """The objects of an empty store."""
    return Repository.create(store_path).objects


def _commit(objects, parents, seconds):
    ident = Ident("A", "a@b", seconds)
    return objects.write_commit(objects.write_tree([]), parents, ident, ident, b"%d\n" % seconds)


def test_first_parents_lead_to_the_root(objects):
    """A merge is followed along its first parent only."""
    root = _commit(objects, (), 1)
    side = _commit(objects, (root,), 2)
    main = _commit(objects, (root,), 3)
    merge = _commit(objects, (main, side), 4)

    assert [oid for oid, _ in first_parents(objects, merge)] == [merge, main, root]


@pytest.mark.parametrize("seed", range(6))
def test_ancestors_as_git_finds_them(objects, git, seed):
    """In any graph, with clocks that went wrong, the answer is `git merge-base --is-ancestor`'s."""
    chance = random.Random(seed)
    commits = []
    for number in range(14):
        parents = tuple(dict.fromkeys(chance.sample(commits, min(len(commits), chance.randint(0, 2)))))
        commits.append(_commit(objects, parents, chance.choice([number, 100 - number, 50])))
    commits = list(dict.fromkeys(commits))
    tip = commits[-1]
    known = set(git("rev-list", tip).split())

    assert ancestors_among(objects, tip, commits) == known
    assert ancestors_among(objects, tip, []) == set()
    for oid in commits:
        assert is_ancestor(objects, oid, tip) == (oid in known)


def test_damage_ends_the_walk_there(objects):
    """What lies behind a commit that cannot be read is not told; what lies before it is."""
    middle = _commit(objects, ("1" * 40,), 2)  # its parent is not there
    tip = _commit(objects, (middle,), 3)

    assert ancestors_among(objects, tip, [tip, middle, "1" * 40, "2" * 40]) == {tip, middle}
    with pytest.raises(CorruptObject):
        list(first_parents(objects, tip))
