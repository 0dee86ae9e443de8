"""Copies of bytes on their way through a pipe."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from superqode.record.frames import Frame, FrameReader

FRAMES = st.lists(st.builds(Frame, st.booleans(), st.floats(allow_nan=False), st.binary(max_size=40)), max_size=8)


@given(FRAMES, st.integers(1, 50), st.integers(0, 20))
def test_frames_come_out_as_they_went_in(frames, step, torn):
    """However the pipe cuts them; a torn last one is not given."""
    data = b"".join(frame.encode() for frame in frames)
    data += Frame(True, 1.0, b"x" * 30).encode()[:torn]
    reader = FrameReader()
    given = [frame for place in range(0, len(data), step) for frame in reader.feed(data[place : place + step])]
    assert given == frames
