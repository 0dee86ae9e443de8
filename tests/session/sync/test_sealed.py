"""How many segments stay as they are with a push: few, and each at least as large as all after it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from superqode.session.sync.layout import SEGMENTS_KEPT
from superqode.session.sync.manifest import Segment
from superqode.session.sync.sealed import _kept


def _segments(sizes: list[int]) -> tuple[Segment, ...]:
    return tuple(
        [
            Segment(id=f"{number:026d}", chunks=1, size=size, head=1, sha256="ab" * 32)
            for number, size in enumerate(sizes)
        ]
    )


@given(st.lists(st.integers(1, 200_000), max_size=3 * SEGMENTS_KEPT))
def test_what_stays_is_worth_it(sizes):
    """Never more than a manifest may list, and nothing stays that is smaller than all that came after it."""
    kept = _kept(_segments(sizes))
    assert kept < SEGMENTS_KEPT
    assert kept in (0, len(sizes)) or sizes[kept - 1] >= sum(sizes[kept:])
    if len(sizes) < SEGMENTS_KEPT:
        assert kept == len(sizes)


def test_a_byte_is_sealed_again_a_few_times_only():
    """Of two thousand equal pushes, each byte is sealed some twenty times."""
    sizes: list[int] = []
    sealed = 0
    for _ in range(2_000):
        kept = _kept(_segments(sizes))
        made = sum(sizes[kept:]) + 1
        sizes = [*sizes[:kept], made]
        sealed += made
    assert sealed <= 20 * 2_000
