"""Places of entries when others take their place."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from superqode.session.models import Message
from superqode.tui.widgets.places import Places

WHEN = datetime(2026, 11, 22, tzinfo=UTC)


def _entries(names, **changed):
    said = {name: changed.get(name, name) for name in names}
    return [Message(id=name, role="user", content=text, timestamp=WHEN) for name, text in said.items()]


@pytest.mark.parametrize(
    ("before", "after", "places"),
    [
        ("abc", "abcd", [0, 1, 2]),
        ("abc", "xyabc", [2, 3, 4]),
        ("abcd", "cde", [0, 0, 0, 1]),
        ("abcd", "ab", [0, 1, 1, 1]),
        ("abcd", "abXYZ", [0, 1, 2, 3]),
        ("abcd", "aXdY", [0, 1, 2, 2]),
        ("ab", "xy", [None, None]),
        ("ab", "", [None, None]),
    ],
)
def test_places_go_with_their_entries(before, after, places):
    """An entry is found where it stands now; one that is gone, beside what stayed of those next to it."""
    now = Places(_entries(before), _entries(after))

    assert [now.after(place) for place in range(len(before))] == places


def test_what_is_equal_is_kept():
    """Only entries of the same value are kept, wherever they stand; a place is found for changed ones, too."""
    now = Places(_entries("abcd"), _entries("axcd", c="other"))

    assert (now.same, now.kept, now.gone) == (1, {3: 3}, {1, 2})
    assert now.after(2) == 2
