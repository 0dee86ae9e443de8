"""Lines of safe pieces, and heights under each other."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from superqode.tui.lines import Line, Piece, fit, fold, piece
from superqode.tui.widgets.heights import Heights


@given(st.lists(st.text(max_size=12), max_size=4), st.lists(st.text(max_size=6), max_size=2), st.integers(1, 60))
def test_a_line_fills_its_width_exactly(left, right, width):
    """Whatever stands in it, a line takes as many columns as there are, and holds no control character."""
    line = Line(tuple(piece(text) for text in left), tuple(piece(text) for text in right))

    shown = "".join(one.text for one in fit(line, width))

    assert cell_len(shown) == width
    assert shown.isprintable() or not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in shown)


def test_what_does_not_fit_is_cut_at_the_left_part():
    """The right end stays readable; what is cut says so."""
    line = Line((Piece("a long title indeed"),), (Piece("now"),))

    assert "".join(one.text for one in fit(line, 12)) == "a long … now"


@given(
    st.lists(st.text(st.characters() | st.sampled_from("漢\u200d\ufe0f❤"), max_size=60), max_size=4), st.integers(2, 30)
)
def test_a_folded_line_leaves_nothing_out(texts, width):
    """Every character stands in one of the lines, in order, and none of them is wider than there is room."""
    pieces = [piece(text, "accent") for text in texts]

    lines = list(fold(pieces, width))

    told = "".join(one.text for line in lines for one in line.left if one.role == "accent")
    assert told == "".join(one.text for one in pieces)
    assert all(sum(cell_len(one.text) for one in line.left) <= width for line in lines)


@given(
    st.lists(st.integers(0, 9), max_size=40), st.lists(st.tuples(st.integers(0, 39), st.integers(0, 9)), max_size=20)
)
def test_heights_are_sums(heights, changes):
    """Tops, totals and finding agree with plain adding up, after any changes."""
    fast = Heights(heights)
    for place, height in changes:
        if place < len(heights):
            fast.set(place, height)
            heights[place] = height
    tops = [0, *accumulate(heights)]

    assert [fast.top(place) for place in range(len(heights) + 1)] == tops
    assert fast.total == tops[-1]
    for line in range(fast.total):
        place, inside = fast.find(line)
        assert tops[place] <= line < tops[place + 1]
        assert tops[place] + inside == line
