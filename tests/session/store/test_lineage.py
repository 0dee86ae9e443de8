"""The listing as a forest: each session once, in its own tree."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session import Session, SessionStore
from superqode.session.store.lineage import family_of, walk_lineage

IDS = [f"s{number}" for number in range(8)]


@pytest.fixture(scope="module")
def row(tmp_path_factory):
    """A row of a listing."""
    with SessionStore(tmp_path_factory.mktemp("lineage") / "store") as store:
        store.save(Session(id="s0"))
        return store.list_sessions()[0]


@given(parents=st.lists(st.sampled_from([None, "gone", *IDS]), min_size=len(IDS), max_size=len(IDS)), data=st.data())
def test_a_family_is_the_tree_of_the_forest_that_it_is_in(row, parents, data):
    """Whoever is whose fork, in circles too: the trees of all sessions are the forest, and each is in its own."""
    found = data.draw(
        st.permutations(
            [
                row._replace(id=name, parent_session_id=parent, created_at=row.created_at + timedelta(number))
                for number, (name, parent) in enumerate(zip(IDS, parents, strict=True))
            ]
        )
    )
    forest = list(walk_lineage(found))
    assert sorted(item.id for item, _ in forest) == IDS
    circles = len(_rooted(found)) < len(found)
    for name in IDS:
        family = family_of(found, name)
        assert name in [item.id for item, _ in family]
        assert len(family[0][1]) == 1
        if not circles:
            start = forest.index(family[0])
            assert forest[start : start + len(family)] == family
            assert all(len(lasts) == 1 for _, lasts in forest[start + len(family) :][:1])
    assert family_of(found, "gone") == []


def _rooted(found):
    """Those whose ancestors end somewhere."""
    known = {item.id: item.parent_session_id for item in found}

    def ends(name):
        passed = set()
        while name in known and name not in passed:
            passed.add(name)
            name = known[name] if known[name] != name else None
        return name not in passed

    return [item for item in found if ends(item.id)]
