"""The ciphertext beside the store: made anew where it is damaged, and nothing in it is believed unread."""

from __future__ import annotations

import pytest

from session.sync.circle import git
from session.sync.test_manifest import KEY, MANIFEST, SEGMENT
from superqode.session.errors import SyncTampered, UnknownSyncVersion
from superqode.session.sync.cache import Cache
from superqode.session.sync.keys import SyncKey
from superqode.session.sync.manifest import seal_manifest


@pytest.fixture
def cache(tmp_path) -> Cache:
    """An empty one."""
    return Cache(tmp_path / "folder" / "cache.git", "home")


def _commit(
    cache: Cache, header: bytes = KEY.header, key: SyncKey = KEY, segments: tuple[str, ...] = (SEGMENT.id,)
) -> str:
    objects = cache.repository.objects
    chunk = objects.write("blob", b"chunk")
    from superqode.session.git.object_codec import BLOB, TreeEntry

    tree = objects.write_tree([TreeEntry(BLOB, "000000", chunk)])
    files = {"sync.json": header, "manifest": seal_manifest(key, MANIFEST)}
    return cache.write_commit(files, dict.fromkeys(segments, tree), "")


def test_a_commit_opens_under_its_key(cache):
    """With the trees of the segments that its manifest names."""
    commit = _commit(cache)
    opened = cache.open(commit, KEY)
    assert (opened.commit, opened.manifest, opened.trees.keys()) == (commit, MANIFEST, {SEGMENT.id})


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"header": b"{}"}, SyncTampered),
        ({"header": KEY.header.replace(b'"version":1', b'"version":2')}, UnknownSyncVersion),
        ({"key": SyncKey(bytes(32))}, SyncTampered),
        ({"segments": ()}, SyncTampered),
        ({"segments": (SEGMENT.id, "1" * 26)}, SyncTampered),
    ],
)
def test_anything_else_is_refused(cache, changes, problem):
    """Another header, another key, other segments than the manifest says."""
    with pytest.raises(problem):
        cache.open(_commit(cache, **changes), KEY)


def test_what_is_missing_is_refused(cache):
    """A commit that is not here is damage of the remote's, in its words."""
    with pytest.raises(SyncTampered, match="home"):
        cache.open("f" * 40, KEY)


def test_a_damaged_cache_is_made_anew(cache):
    """Without its HEAD it is no repository: it begins with nothing, and works."""
    commit = _commit(cache)
    cache.stand_on(commit)
    assert cache.has(commit)
    (cache.path / "HEAD").unlink()
    again = Cache(cache.path, "home")
    assert not again.has(commit)
    assert again.open(_commit(again), KEY).manifest == MANIFEST
    git(again.path, "fsck", "--strict", "--no-dangling")
