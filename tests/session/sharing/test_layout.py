"""The tree of a share: every name, mode and size it may have, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session.sharing.whole import SHARE_ID
from superqode.session.errors import ShareTampered, ShareTooLarge
from superqode.session.sharing import layout
from superqode.session.sharing.header import CHUNK_MAX
from superqode.session.sharing.tokens import token_size

PLAIN = 0o100644
MANIFEST = token_size(1024)
LARGEST = token_size(CHUNK_MAX)


def _tree(**changes):
    """The smallest share's tree: path to mode and size; `changes` by name, `None` takes one out."""
    paths = {
        "share.json": (PLAIN, 91),
        "keys/0.json": (PLAIN, 200),
        "manifest": (PLAIN, MANIFEST),
        "segments/0/000000": (PLAIN, 73),
    }
    return paths | changes


def _with(more):
    return {path: entry for path, entry in (_tree() | more).items() if entry is not None}


def _check(paths, **bounds):
    return layout.check_tree(paths, SHARE_ID, **bounds)


def test_names_are_as_documented():
    """The names of key files and chunks."""
    assert layout.key_path(12) == "keys/12.json"
    assert layout.chunk_path(3, 7) == "segments/3/000007"


def test_the_tree_is_summed_up():
    """Key numbers with gaps, chunks by segment, bytes of all."""
    more = {layout.key_path(7): (PLAIN, 100), layout.key_path(9999): (PLAIN, 100)}
    more |= {layout.chunk_path(0, chunk): (PLAIN, LARGEST) for chunk in range(3)}
    more |= {layout.chunk_path(1, 0): (PLAIN, 73), layout.chunk_path(2, 0): (PLAIN, 89)}

    found = _check(_with(more))

    assert (found.keys, found.segments) == ((0, 7, 9999), (3, 1, 1))
    assert found.size == 91 + 200 + MANIFEST + 200 + 3 * LARGEST + 73 + 89
    assert _check(dict(reversed(_with(more).items()))) == found


def test_the_largest_share_is_accepted():
    """Sixteen keys, 1024 segments, 100,000 chunks in all: the bounds themselves are allowed."""
    more = {layout.key_path(number): (PLAIN, 4096) for number in range(16)}
    more |= {layout.chunk_path(segment, 0): (PLAIN, 73) for segment in range(1024)}
    more |= {layout.chunk_path(5, chunk): (PLAIN, 73) for chunk in range(100_000 - 1023)}
    more |= {"share.json": (PLAIN, 4096), "manifest": (PLAIN, LARGEST)}

    found = _check(_with(more))

    assert (len(found.keys), len(found.segments), sum(found.segments)) == (16, 1024, 100_000)
    more[layout.chunk_path(6, 1)] = (PLAIN, 73)
    with pytest.raises(ShareTooLarge, match="100019 files"):
        _check(_with(more))
    with pytest.raises(ShareTooLarge, match="1024 segments with 100001 chunks"):
        _check(_with(more | {"keys/15.json": None}))


@pytest.mark.parametrize(
    "more",
    [
        {layout.key_path(number): (PLAIN, 200) for number in range(17)},
        {layout.chunk_path(segment, 0): (PLAIN, 73) for segment in range(1025)},
        {f"x{number}": (PLAIN, 1) for number in range(100_100)},
        {"keys/0.json": (PLAIN, 4097)},
        {"share.json": (PLAIN, 4097)},
        {"manifest": (PLAIN, 1024 * 1024 + 1)},
        {"segments/0/000000": (PLAIN, 1024 * 1024 + 1)},
        {"segments/0/000000": (PLAIN, 2**62)},
    ],
    ids=["keys", "segments", "files", "key", "header", "manifest", "chunk", "enormous"],
)
def test_too_much_is_refused(more):
    """More keys, segments, files or bytes in one than a reader accepts is ShareTooLarge."""
    with pytest.raises(ShareTooLarge, match=SHARE_ID):
        _check(_with(more))


def test_the_whole_is_bounded():
    """All files together have at most 2 GiB, or what the reader says."""
    paths = _with({layout.chunk_path(0, chunk): (PLAIN, LARGEST) for chunk in range(2060)})
    with pytest.raises(ShareTooLarge, match=f"of {2 * 1024**3} at most"):
        _check(paths)
    assert _check(paths, total_max=3 * 1024**3).segments == (2060,)
    small = _with({})
    size = _check(small).size
    assert _check(small, total_max=size).size == size
    with pytest.raises(ShareTooLarge):
        _check(small, total_max=size - 1)


@pytest.mark.parametrize(
    "more",
    [
        {"share.json": None},
        {"manifest": None},
        {"keys/0.json": None},
        {"segments/0/000000": None},
        {"segments/0/000000": None, "segments/1/000000": (PLAIN, 73)},
        {"segments/2/000000": (PLAIN, 73)},
        {"segments/1023/000000": (PLAIN, 73)},
        {"segments/0/000002": (PLAIN, 73)},
        {"segments/0/000000": None, "segments/0/000001": (PLAIN, 73)},
        {"segments/0/999999": (PLAIN, 73)},
        {"README.md": (PLAIN, 10)},
        {"": (PLAIN, 10)},
        {"Share.json": (PLAIN, 91)},
        {"share.json\n": (PLAIN, 91)},
        {"keys": (PLAIN, 91)},
        {"keys/00.json": (PLAIN, 200)},
        {"keys/01.json": (PLAIN, 200)},
        {"keys/-1.json": (PLAIN, 200)},
        {"keys/10000.json": (PLAIN, 200)},
        {"keys/1.json\n": (PLAIN, 200)},
        {"keys/1.JSON": (PLAIN, 200)},
        {"keys/\u0661.json": (PLAIN, 200)},
        {"keys/a.json": (PLAIN, 200)},
        {"keys/1/2.json": (PLAIN, 200)},
        {"keys/../share.json": (PLAIN, 91)},
        {"segments/00/000000": (PLAIN, 73)},
        {"segments/1/00000": (PLAIN, 73)},
        {"segments/1/0000000": (PLAIN, 73)},
        {"segments/1/000000\n": (PLAIN, 73)},
        {"segments/1/00000\u0661": (PLAIN, 73)},
        {"segments/0/000000/x": (PLAIN, 73)},
        {"segments/0": (PLAIN, 73)},
        {"/segments/0/000001": (PLAIN, 73)},
        {"\x1b[2J" * 100: (PLAIN, 1)},
        {"keys/0.json": (0o100755, 200)},
        {"keys/0.json": (0o120000, 200)},
        {"keys/0.json": (0o160000, 200)},
        {"keys/0.json": (0o040000, 200)},
        {"share.json": (0o100664, 91)},
        {"manifest": (0, MANIFEST)},
        {"share.json": (PLAIN, 0)},
        {"keys/0.json": (PLAIN, 0)},
        {"manifest": (PLAIN, 0)},
        {"manifest": (PLAIN, 73)},
        {"manifest": (PLAIN, MANIFEST - 16)},
        {"manifest": (PLAIN, MANIFEST + 1)},
        {"segments/0/000000": (PLAIN, 0)},
        {"segments/0/000000": (PLAIN, 57)},
        {"segments/0/000000": (PLAIN, 72)},
        {"segments/0/000000": (PLAIN, 74)},
        {"segments/0/000000": (PLAIN, -1)},
    ],
    ids=range(51),
)
def test_what_a_share_does_not_have_is_refused(more):
    """Missing files, gaps, other names, modes and sizes are ShareTampered, in few words."""
    assert _check(_with({})).segments == (1,)
    with pytest.raises(ShareTampered, match=SHARE_ID) as caught:
        _check(_with(more))
    assert not isinstance(caught.value, ShareTooLarge)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 400


_names = st.from_regex(r"\A(keys/[0-9]{1,5}\.json|segments/[0-9]{1,4}/[0-9]{5,7}|manifest|share\.json)\Z")


@given(
    st.dictionaries(_names | st.text(max_size=20), st.tuples(st.just(PLAIN) | st.integers(), st.integers(-1, 2**21)))
)
def test_random_trees_are_summed_up_or_refused(paths):
    """Any tree is either within every bound or ShareTampered, never another exception."""
    try:
        found = _check(_tree() | paths)
    except ShareTampered:
        return
    assert 1 <= len(found.keys) <= 16
    assert min(found.segments) >= 1
    assert len(found.keys) + sum(found.segments) + 2 == len(_tree() | paths)


def test_the_hook_s_numbers_are_the_documented_ones():
    """The bounds as FORMAT.md tells them, which the server's hook repeats in its own words."""
    assert (layout.KEYS_MAX, layout.KEY_FILE_MAX, layout.SEGMENTS_MAX) == (16, 4096, 1024)
    assert (layout.CHUNKS_MAX, layout.OBJECT_MAX, layout.TOTAL_MAX) == (100_000, 2**20, 2**31)
