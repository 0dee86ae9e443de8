"""Segments: what was sealed comes back, and whatever stands in the place of it is refused with the reason."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session.sync.circle import git
from superqode.session.errors import SyncTampered, UnknownSyncVersion
from superqode.session.git.landing import Landing
from superqode.session.git.repository import Repository
from superqode.session.sharing.tokens import seal
from superqode.session.sync.keys import SyncKey
from superqode.session.sync.manifest import Segment
from superqode.session.sync.segments import (
    fold,
    parse_changes,
    read_changes,
    seal_segment,
    unpack_segment,
    write_changes,
)

KEY = SyncKey(bytes(range(32)))
NAMES = st.dictionaries(st.text(max_size=20), st.none() | st.text("0123456789abcdef", min_size=40, max_size=40))


@given(st.lists(NAMES, max_size=4))
def test_changes_come_back_and_add_up(parts):
    """Written and read they are the same; in order they make one view, as if all had been told at once."""
    assert [parse_changes(write_changes(part)) for part in parts] == parts
    view: dict[str, str] = {}
    together: dict[str, str | None] = {}
    for part in parts:
        view = fold(view, part)
        together |= part
    assert view == {name: oid for name, oid in together.items() if oid is not None}


@pytest.fixture
def sealed(machine):
    """A store with a session, and the segment that brings it."""
    one = machine("one")
    one.say("s", "hello " * 200_000)
    tip = git(one.path, "rev-parse", "s").strip()
    chunks: list[bytes] = []
    changes = {"refs/heads/s": tip, "refs/heads/gone": None}
    segment = seal_segment(Repository(one.path), KEY, changes, wanted=[tip], known=[], write=chunks.append)
    return one, changes, segment, chunks


def test_a_segment_comes_back(sealed, tmp_path):
    """Its changes can be read without its pack, and its pack has every object that they name."""
    _, changes, segment, chunks = sealed
    assert read_changes(KEY, segment, chunks.__getitem__, "home") == changes
    other = Repository.create(tmp_path / "other")
    with Landing(other) as landing:
        unpack_segment(KEY, segment, chunks, landing.repository.path, "home")
        assert landing.repository.objects.commit(str(changes["refs/heads/s"])).parents == ()


@pytest.mark.parametrize("how", ["flipped", "swapped", "cut", "repeated", "another key"])
def test_what_is_not_as_it_was_sealed(sealed, tmp_path, how):
    """A chunk that was changed, moved, left out or repeated: refused, and no object of it is anywhere."""
    _, _, segment, chunks = sealed
    wrong = {
        "flipped": [*chunks[:-1], chunks[-1][:-1] + bytes([chunks[-1][-1] ^ 1])],
        "swapped": chunks[::-1],
        "cut": chunks[:-1],
        "repeated": [*chunks, chunks[-1]],
        "another key": chunks,
    }[how]
    key = SyncKey(bytes(32)) if how == "another key" else KEY
    if how == "swapped" and len(chunks) == 1:
        wrong = []
    other = Repository.create(tmp_path / "other")
    with Landing(other) as landing, pytest.raises(SyncTampered, match="Nothing was taken"):
        unpack_segment(key, segment, wrong, landing.repository.path, "home")


def _own(content: bytes) -> tuple[Segment, list[bytes]]:
    """A segment of one chunk, by somebody who has the key."""
    import hashlib

    segment = Segment(
        id="0" * 26, chunks=1, size=len(content), head=len(content), sha256=hashlib.sha256(content).hexdigest()
    )
    return segment, [seal(KEY.chunk("0" * 26)(0, True), content)]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([], "no JSON object|tells no changes"),
        ({}, "tells no changes"),
        ({"format": "superqode-sync-changes", "version": 1, "changes": []}, "tells no changes"),
        ({"format": "superqode-sync-changes", "version": 1, "changes": {"refs/heads/x": 1}}, "without an object"),
        ({"format": "superqode-sync-changes", "version": 1, "changes": {"refs/heads/x": "zz"}}, "without an object"),
        ({"format": "superqode-sync-changes", "version": 1, "changes": {"x" * 2000: None}}, "without an object"),
    ],
)
def test_changes_that_are_none(values, told):
    """Whoever has the key and seals nonsense is refused in one line."""
    segment, chunks = _own(json.dumps(values).encode())
    with pytest.raises(SyncTampered, match=told):
        read_changes(KEY, segment, chunks.__getitem__, "home")


def test_a_newer_version():
    """Changes of a later version ask for an update."""
    segment, chunks = _own(b'{"format":"superqode-sync-changes","version":2}')
    with pytest.raises(UnknownSyncVersion, match="Update superqode"):
        read_changes(KEY, segment, chunks.__getitem__, "home")


def test_a_pack_that_lacks_objects(sealed, tmp_path):
    """A tip without its tree is no session: index-pack follows every link, and nothing is taken."""
    one, _, _, _ = sealed
    tip = git(one.path, "rev-parse", "s").strip()
    tree = git(one.path, "rev-parse", "s^{tree}").strip()
    chunks: list[bytes] = []
    segment = seal_segment(
        Repository(one.path), KEY, {"refs/heads/s": tip}, wanted=[tip], known=[tree], write=chunks.append
    )
    other = Repository.create(tmp_path / "other")
    with Landing(other) as landing, pytest.raises(SyncTampered):
        unpack_segment(KEY, segment, chunks, landing.repository.path, "home")
