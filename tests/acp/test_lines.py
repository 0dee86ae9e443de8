"""Lines out of pieces of bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from superqode.acp.lines import LineSplitter

PIECES = st.lists(st.binary(max_size=30).map(lambda data: data.replace(b"a", b"\n")), max_size=20)


@given(PIECES)
def test_lines_are_the_same_however_the_bytes_are_cut(pieces):
    """What was fed comes out, cut at line ends and nowhere else."""
    splitter = LineSplitter(10_000)
    lines = [line for piece in [*pieces, b"\n"] for line in splitter.feed(piece)]
    assert lines == b"".join(pieces).split(b"\n")
    assert splitter.dropped == 0


@given(PIECES, st.integers(0, 8))
def test_a_line_that_is_too_long_is_dropped_whole(pieces, limit):
    """The others are there, in their order, and the count is right."""
    splitter = LineSplitter(limit)
    lines = [line for piece in [*pieces, b"\n"] for line in splitter.feed(piece)]
    whole = b"".join(pieces).split(b"\n")
    assert lines == [line for line in whole if len(line) <= limit]
    assert splitter.dropped == sum(len(line) > limit for line in whole)
