"""The ciphertext beside the store: made anew where it is damaged, and nothing in it is believed unread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from session.sync.circle import Machine, git
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


def _of(machine: Machine) -> Path:
    return next((machine.path / "superqode" / "sync" / "remotes").rglob("*.git"))


@pytest.mark.parametrize(
    "left", ["shallow.lock", "config.lock", "refs/superqode/landed.lock", "objects/pack/tmp_pack_1", "shallow_1"]
)
def test_what_a_killed_git_left_is_swept(pair, left):
    """A lock, or a pack that was not finished: nobody is at work in it, and the next sync goes as ever."""
    one, other = pair
    other.say("a", "hello")
    other.sync()
    path = _of(one) / left
    path.write_bytes(b"")
    assert one.sync().received.new == ("a",)
    assert not path.exists()


def _garble(name: str, content: bytes = b"\0garbage\n") -> Callable[[Path], object]:
    return lambda cache: (cache / name).write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(_garble("shallow"), id="shallow"),
        pytest.param(_garble("shallow", b"f" * 40 + b"\n"), id="other shallow"),
        pytest.param(lambda cache: (cache / "shallow").unlink(), id="no shallow"),
        pytest.param(_garble("HEAD"), id="HEAD"),
        pytest.param(_garble("config"), id="config"),
        pytest.param(_garble("config", b"[superqode]\n\tformat = 1\n[core\n"), id="half a config"),
        pytest.param(_garble("refs/superqode/landed"), id="ref"),
        pytest.param(_garble("refs/superqode/landed", b"f" * 40 + b"\n"), id="ref to nothing"),
        pytest.param(lambda cache: (cache / "config").unlink(), id="no config"),
    ],
)
def test_a_cache_that_cannot_be_fetched_into(pair, damage):
    """Thrown away, and fetched anew: the sync ends as ever, and so do a push and a fetch after it."""
    one, other = pair
    for text in ("one", "two"):
        other.say("a", text)
        other.sync()
        one.sync()
    other.say("a", "three")
    other.sync()
    damage(_of(one))
    assert one.sync().received.updated == ("a",)
    one.say("b", "hello")
    assert one.sync().sent.new == ("b",)
    assert other.sync().received.new == ("b",)
    git(_of(one), "fsck", "--strict", "--no-dangling")
