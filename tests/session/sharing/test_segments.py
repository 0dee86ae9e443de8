"""Segments: any stream there and back, in bounded memory, and no chunk opens anywhere but in its place."""

import hashlib
import io
import os
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session.sharing.whole import OIDS, SHARE_ID
from superqode.session.errors import InvalidShareConfig, ShareTampered
from superqode.session.sharing import segments
from superqode.session.sharing.header import CHUNK_MAX, Header
from superqode.session.sharing.keys import ContentKeys
from superqode.session.sharing.segments import SegmentSealer, open_segment
from superqode.session.sharing.tokens import seal, token_size

CHUNK = 4096
KEYS = ContentKeys(bytes(32), Header(SHARE_ID, CHUNK))


class Trickle(io.RawIOBase):
    """A stream that gives less than it is asked for, as a pipe does."""

    def __init__(self, data, steps):
        self._left = data
        self._steps = steps

    def read(self, size=-1):
        step = self._steps.pop(0) if self._steps else size
        data, self._left = self._left[: min(step, size)], self._left[min(step, size) :]
        return data


def _seal(data, number=0, keys=KEYS, stream=None):
    sealer = SegmentSealer(keys, number, stream or io.BytesIO(data))
    return list(sealer), sealer.segment(tip=OIDS[0], prerequisite=None)


def _open(chunks, segment, keys=KEYS):
    target = io.BytesIO()
    open_segment(keys, segment, chunks, target)
    return target.getvalue()


@pytest.mark.parametrize(
    "size", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1, 5 * CHUNK + 7], ids=str
)
def test_every_length_survives(size):
    """Around the ends of chunks: as many chunks as it takes, each full but the last, and the same bytes again."""
    data = os.urandom(size)
    chunks, segment = _seal(data)

    assert segment.chunks == len(chunks) == -(-size // CHUNK)
    assert (segment.size, segment.sha256) == (size, hashlib.sha256(data).hexdigest())
    assert [len(raw) for raw in chunks[:-1]] == [token_size(CHUNK)] * (len(chunks) - 1)
    assert len(chunks[-1]) == token_size(size - CHUNK * (len(chunks) - 1))
    assert _open(chunks, segment) == data


@given(st.integers(1_000, 3 * CHUNK), st.lists(st.integers(1, 900), min_size=1, max_size=20))
def test_a_pipe_gives_the_same_chunks(size, steps):
    """However the bytes come, chunks are full: their number and lengths say nothing of the stream."""
    data = (bytes(range(251)) * 50)[:size]
    chunks, segment = _seal(data, stream=Trickle(data, steps))

    assert segment == _seal(data)[1]
    assert _open(iter(chunks), segment) == data


def test_nothing_makes_no_segment():
    """An empty stream is an error, as is asking for the entry before the end."""
    with pytest.raises(InvalidShareConfig, match="nothing"):
        list(SegmentSealer(KEYS, 0, io.BytesIO()))
    sealer = SegmentSealer(KEYS, 0, io.BytesIO(bytes(3 * CHUNK)))
    next(iter(sealer))
    with pytest.raises(RuntimeError):
        sealer.segment(tip=OIDS[0], prerequisite=None)


def test_too_many_chunks_are_not_made(monkeypatch):
    """A stream that takes more chunks than a share may have is given up."""
    monkeypatch.setattr(segments, "CHUNKS_MAX", 3)
    assert len(_seal(bytes(3 * CHUNK))[0]) == 3
    with pytest.raises(InvalidShareConfig, match="more than 3 chunks"):
        _seal(bytes(3 * CHUNK + 1))


def test_equal_chunks_look_different():
    """Two chunks of the same bytes, and the same stream twice, have nothing in common."""
    chunks = _seal(bytes(3 * CHUNK))[0] + _seal(bytes(3 * CHUNK))[0]

    assert len({raw[25:41] for raw in chunks}) == 6


DATA = bytes(range(256)) * 60  # 3.75 chunks
CHUNKS, SEGMENT = _seal(DATA)
SECOND, SECOND_SEGMENT = _seal(DATA, number=1)
FOREIGN = _seal(DATA, keys=ContentKeys(bytes(32), Header("z" * 26, CHUNK)))[0]
OTHER_KEY = _seal(DATA, keys=ContentKeys(b"x" * 32, Header(SHARE_ID, CHUNK)))[0]
LONGER = _seal(DATA * 2)[0]


@pytest.mark.parametrize(
    ("chunks", "place"),
    [
        ([CHUNKS[1], CHUNKS[0], *CHUNKS[2:]], 0),
        ([*CHUNKS[:2], CHUNKS[3], CHUNKS[2]], 2),
        ([CHUNKS[0], CHUNKS[0], *CHUNKS[2:]], 1),
        ([CHUNKS[0], CHUNKS[0], *CHUNKS[1:]], 1),
        (CHUNKS[1:], 0),
        ([CHUNKS[0], *CHUNKS[2:]], 1),
        ([CHUNKS[0], SECOND[1], *CHUNKS[2:]], 1),
        (SECOND, 0),
        ([*CHUNKS[:3], SECOND[3]], 3),
        ([FOREIGN[0], *CHUNKS[1:]], 0),
        ([*CHUNKS[:3], FOREIGN[3]], 3),
        ([CHUNKS[0], OTHER_KEY[1], *CHUNKS[2:]], 1),
        ([*CHUNKS[:3], LONGER[3]], 3),
        ([CHUNKS[0], b"", *CHUNKS[2:]], 1),
        ([CHUNKS[0], b"x" * 4_000_000, *CHUNKS[2:]], 1),
    ],
    ids=[
        "swapped", "swapped with the last", "instead", "repeated", "first dropped", "middle dropped", "other segment's",
        "whole other segment", "other segment's last", "other share's", "other share's last", "other data key's",
        "not final", "empty", "long",
    ],
)  # fmt: skip
def test_a_chunk_opens_in_its_place_only(chunks, place):
    """Swapped, repeated, dropped, spliced: the first chunk that is not in its place is named."""
    assert _open(CHUNKS, SEGMENT) == DATA
    with pytest.raises(ShareTampered, match=f"segment 0, chunk {place} does not open"):
        _open(chunks, SEGMENT)


@pytest.mark.parametrize("count", range(len(CHUNKS)), ids=str)
def test_a_cut_segment_is_noticed(count):
    """Truncated after any chunk, also where the manifest's own count were cut with it."""
    with pytest.raises(ShareTampered, match=f"segment 0 has {count} of its 4 chunks"):
        _open(CHUNKS[:count], SEGMENT)
    if count:
        shorter = SEGMENT.model_copy(update={"chunks": count, "size": count * CHUNK})
        with pytest.raises(ShareTampered, match=f"segment 0, chunk {count - 1} does not open"):
            _open(CHUNKS[:count], shorter)


def test_more_chunks_are_not_read():
    """What follows the last chunk is refused without being opened."""
    with pytest.raises(ShareTampered, match="segment 0 has more than its 4 chunks"):
        _open([*CHUNKS, b"x"], SEGMENT)


@pytest.mark.parametrize("number", range(4), ids=str)
def test_every_region_of_a_chunk_is_protected(number):
    """A flipped bit in any byte of a chunk, and a chunk cut anywhere, do not open."""
    raw = CHUNKS[number]
    places = {*range(120), *range(0, len(raw), 61), *range(len(raw) - 60, len(raw))}
    for place in places:
        flipped = raw[:place] + bytes([raw[place] ^ 0x10]) + raw[place + 1 :]
        for changed in (flipped, raw[:place]):
            with pytest.raises(ShareTampered, match=f"chunk {number} does not open"):
                _open([*CHUNKS[:number], changed, *CHUNKS[number + 1 :]], SEGMENT)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"sha256": "0" * 64}, "segment 0 is not what the manifest says"),
        ({"size": len(DATA) - 1}, "chunk 3 has 3072 bytes, and not 3071"),
        ({"size": len(DATA) + 1}, "chunk 3 has 3072 bytes, and not 3073"),
    ],
    ids=["sum", "shorter", "longer"],
)
def test_the_whole_is_what_the_manifest_says(change, told):
    """Another sum or length than the manifest's is refused, though every chunk opens."""
    with pytest.raises(ShareTampered, match=told):
        _open(CHUNKS, SEGMENT.model_copy(update=change))


def test_a_chunk_of_another_length_is_refused():
    """Somebody with the key could seal short chunks in the middle: not taken."""
    short = seal(KEYS.chunk(0, 0, final=False), DATA[: CHUNK - 1])

    with pytest.raises(ShareTampered, match="chunk 0 has 4095 bytes, and not 4096"):
        _open([short, *CHUNKS[1:]], SEGMENT)


class _Zeros(io.RawIOBase):
    """A pipe with 64 MiB in it, 64 KiB at a time."""

    left = 64 * 1024 * 1024

    def read(self, size=-1):
        size = min(size, self.left, 65_536)
        self.left -= size
        return bytes(size)


def test_memory_is_bounded_both_ways():
    """64 MiB are sealed and opened with less than 16 MiB in use at any moment."""
    keys = ContentKeys(bytes(32), Header(SHARE_ID, CHUNK_MAX))

    class Sink(io.RawIOBase):
        def write(self, data):
            return len(data)

    def stream():
        return SegmentSealer(keys, 0, _Zeros())

    counted = stream()
    for _ in counted:
        pass
    segment = counted.segment(tip=OIDS[0], prerequisite=None)
    assert segment.size == 64 * 1024 * 1024
    tracemalloc.start()
    try:
        open_segment(keys, segment, stream(), Sink())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 16 * 1024 * 1024
