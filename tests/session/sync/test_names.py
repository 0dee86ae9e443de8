"""Names that cannot stand beside each other: which of two sessions gets another, the same on every machine."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from superqode.session.ids import validate_session_id
from superqode.session.sync.names import other_name, settle_names

TIP = "0123456789" * 4
NAMES = st.lists(st.sampled_from(["a", "A", "a/b", "a/B", "a/b/c", "b", "ä", "x y"]), unique=True)


@given(st.text(max_size=200))
def test_another_name_is_always_one(session_id):
    """Whatever plain git called a branch, its other name is an id, and the same each time."""
    made = other_name(session_id, TIP)
    validate_session_id(made)
    assert made.endswith("-01234567")
    assert made == other_name(session_id, TIP)


@given(NAMES, NAMES)
def test_all_can_stand_beside_each_other(ours, theirs):
    """No two that differ by case, none above another; ours keep their names, and nothing is lost."""
    mine = {f"refs/heads/{name}": f"{number:08x}" + "0" * 32 for number, name in enumerate(ours)}
    mine = {
        name: oid for name, oid in mine.items() if not settle_names({**mine}, {}).get(name.removeprefix("refs/heads/"))
    }
    result = {f"refs/heads/{name}": f"{number + 64:08x}" + "0" * 32 for number, name in enumerate(theirs)} | mine
    values = sorted(result.values())
    settle_names(result, mine)
    folded = [name.casefold() for name in result]
    assert len(set(folded)) == len(folded)
    assert not any(one.startswith(other + "/") for one in folded for other in folded)
    assert sorted(result.values()) == values
    assert mine.items() <= result.items()


def test_snapshots_go_along():
    """Those that ours has not; the session's own are left where they are."""
    ours = {"refs/heads/s": "1", "refs/tags/s/mine": "2"}
    result = {**ours, "refs/heads/S": TIP, "refs/tags/S/theirs": "3"}
    assert settle_names(result, ours) == {"S": "S-01234567"}
    assert result == {**ours, "refs/heads/S-01234567": TIP, "refs/tags/S-01234567/theirs": "3"}
