"""Merging: what two lives of one session become, as laws that hold for any of them."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from superqode.session.codec.meta import Meta
from superqode.session.models import Message, Session
from superqode.session.store.merge import merge_entries, merge_list, merge_mapping, merge_meta

_MOMENT = datetime(2026, 11, 22, tzinfo=UTC)


def entry(name, text=""):
    return Message(id=name, role="user", content=text, timestamp=_MOMENT)


@st.composite
def lives(draw):
    """A common timeline, and two lives after it: each removed, changed and added some."""
    base = [entry(f"base-{number}") for number in range(draw(st.integers(0, 6)))]
    sides = []
    for side in ("ours", "theirs"):
        kept = [known for known in base if draw(st.booleans())]
        edited = [entry(known.id, side) if draw(st.integers(0, 3)) == 0 else known for known in kept]
        added = [entry(f"{side}-{number}") for number in range(draw(st.integers(0, 4)))]
        sides.append(edited + added)
    return base, *sides


labels = st.lists(st.sampled_from("abcdef"), unique=True)
mappings = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2))


def names(entries):
    return [known.id for known in entries]


@given(lives())
def test_nothing_that_either_side_added_is_lost_or_doubled(life):
    """Every new entry of both sides is in the merge, each id once, each side's own in its order."""
    base, ours, theirs = life
    merged = names(merge_entries(base, ours, theirs))
    assert len(merged) == len(set(merged))
    for side in (ours, theirs):
        added = [name for name in names(side) if name not in names(base)]
        assert [name for name in merged if name in added] == added


@given(lives())
def test_what_one_side_removed_and_the_other_left_alone_is_gone(life):
    """A removal wins over doing nothing; doing nothing on both sides keeps."""
    base, ours, theirs = life
    merged = names(merge_entries(base, ours, theirs))
    for known in base:
        sides = [next((found for found in side if found.id == known.id), None) for side in (ours, theirs)]
        if None in sides and (known in sides or sides == [None, None]):
            assert known.id not in merged
        if sides == [known, known]:
            assert known.id in merged


@given(lives())
def test_a_change_of_one_side_is_in_the_merge(life):
    """What only one side edited is there as it was edited; where both did, our edit is."""
    base, ours, theirs = life
    merged = {known.id: known for known in merge_entries(base, ours, theirs)}
    before = {known.id: known for known in base}
    mine, other = ({known.id: known for known in side} for side in (ours, theirs))
    for name in mine.keys() & other.keys() & before.keys():
        assert merged[name] == (mine[name] if mine[name] != before[name] else other[name])


@given(lives())
def test_equal_or_untouched_sides_merge_into_the_changed_one(life):
    """Identical sides give the same; a side that did nothing gives the other one."""
    base, ours, theirs = life
    assert merge_entries(base, ours, ours) == ours
    assert merge_entries(base, base, theirs) == theirs
    assert sorted(names(merge_entries(base, ours, base))) == sorted(names(ours))


@given(labels, labels, labels)
def test_lists_merge_as_ordered_sets(base, ours, theirs):
    """An item is in the merge when both have it, or one side added it; once."""
    merged = merge_list(base, ours, theirs)
    assert len(merged) == len(set(merged))
    added = (set(ours) | set(theirs)) - set(base)
    assert set(merged) == (set(ours) & set(theirs)) | added


@given(labels, labels, st.lists(st.sampled_from("uvw"), unique=True), st.data())
def test_what_both_put_at_the_end_follows_one_another(base, added, ours, data):
    """Theirs in their order, then ours; what was there keeps its order, and what one side moved is where it put it."""
    theirs = [item for item in base if data.draw(st.booleans())] + [item for item in added if item not in base]
    mine = [item for item in base if item in theirs]
    assert merge_list(base, mine + ours, theirs) == theirs + ours
    moved = data.draw(st.permutations(base))
    assert merge_list(base, moved + ours, base) == moved + ours
    assert merge_list(base, base + ours, moved) == moved + ours


@given(st.lists(st.sampled_from("ab")), st.lists(st.sampled_from("ab")))
def test_a_list_that_says_something_twice_merges_into_a_set_too(ours, theirs):
    """What two sides added is there once, however often they said it."""
    merged = merge_list([], ours, theirs)
    assert sorted(merged) == sorted({*ours, *theirs})


@given(mappings, mappings, mappings)
def test_mappings_merge_key_by_key(base, ours, theirs):
    """A key we changed is ours, set or removed; any other is theirs."""
    merged = merge_mapping(base, ours, theirs)
    for key in "abcdef":
        chosen = theirs if ours.get(key) == base.get(key) else ours
        assert merged.get(key) == chosen.get(key)


@given(st.tuples(*[st.sampled_from("xyz")] * 3), labels, labels)
def test_fields_merge_one_by_one(titles, ours, theirs):
    """A title is ours where we changed it; tags merge as sets; the id and its birth stay."""
    sides = [
        Meta.of(Session(id="work", title=title, tags=tags, created_at=_MOMENT))
        for title, tags in zip(titles, ([], ours, theirs), strict=True)
    ]
    merged = merge_meta(*sides)
    base, mine, other = titles
    assert merged.title == (other if mine == base else mine)
    assert set(merged.tags) == {*ours, *theirs}
    assert (merged.id, merged.created_at) == ("work", _MOMENT)
