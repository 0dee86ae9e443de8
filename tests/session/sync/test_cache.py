"""The ciphertext beside the store: made anew where it is damaged, and nothing in it is believed unread."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from session.sync.circle import Machine, git
from session.sync.test_manifest import KEY, MANIFEST, SEGMENT
from superqode.session.errors import SyncTampered, UnknownSyncVersion
from superqode.session.git.repository import Repository
from superqode.session.sync.cache import Cache, CacheDamaged
from superqode.session.sync.keeping import load_key
from superqode.session.sync.keys import SyncKey
from superqode.session.sync.manifest import seal_manifest
from superqode.session.sync.sealed import SealedRemote
from superqode.session.sync.session_sync import find_synced
from superqode.session.sync.state import State


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


def test_a_machine_that_only_pushes(pair, monkeypatch):
    """What its pushes left behind goes: what the remote has by now stays, and what comes next builds on that."""
    one, other = pair
    monkeypatch.setattr("superqode.session.sync.cache._LOOSE_MANY", 12)
    for number in range(5):
        one.say("a", str(number))
        one.sync()
    loose = int(git(_of(one), "count-objects").split()[0])
    assert loose <= 12
    git(_of(one), "fsck", "--strict", "--no-dangling")
    other.sync()
    other.say("a", "back")
    other.sync()
    one.sync()
    assert one.heard("a") == other.heard("a")


def _of(machine: Machine) -> Path:
    return next((machine.path / "superqode" / "sync" / "remotes").rglob("*.git"))


def test_what_a_killed_git_left_is_swept(pair):
    """Locks, and files that were not finished: nobody is at work in it, and the next sync goes as ever."""
    one, other = pair
    other.say("a", "hello")
    other.sync()
    left = ["shallow.lock", "config.lock", "refs/superqode/landed.lock", "objects/pack/tmp_pack_1", "shallow_1"]
    for name in left:
        (_of(one) / name).write_bytes(b"")
    assert one.sync().received.new == ("a",)
    assert [name for name in left if (_of(one) / name).exists()] == []


def _garble(name: str, content: bytes = b"\0garbage\n") -> Callable[[Path], object]:
    return lambda cache: (cache / name).write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(_garble("shallow"), id="shallow"),
        pytest.param(_garble("HEAD"), id="HEAD"),
        pytest.param(_garble("config"), id="config"),
        pytest.param(_garble("config", b"[superqode]\n\tformat = 1\n[core\n"), id="half a config"),
        pytest.param(_garble("refs/superqode/landed"), id="ref"),
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


def _files(cache: Path, below: str) -> list[Path]:
    """The files of what a cache has below a path of the tree, each object made a file of its own."""
    for pack in (cache / "objects" / "pack").glob("*.pack"):
        content = pack.read_bytes()
        for part in pack.parent.glob(pack.stem + ".*"):
            part.unlink()
        git(cache, "unpack-objects", "-q", stdin=content)
    told = git(cache, "ls-tree", "-r", "-t", "--format=%(objectname) %(path)", "refs/superqode/landed").splitlines()
    wanted = [oid for oid, path in (line.split() for line in told) if path.startswith(below)]
    return [cache / "objects" / oid[:2] / oid[2:] for oid in wanted]


def _damage(cache: Path, below: str, cut: int | None) -> None:
    """Cut them short, or remove them."""
    for path in set(_files(cache, below)):
        path.chmod(0o600)
        if cut is None:
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:cut])


@pytest.mark.parametrize(
    ("below", "cut", "newer"),
    [("sync.json", 40, False), ("manifest", None, False), ("segments", 40, False), ("segments", None, True)],
)
def test_damage_in_the_cache_is_not_the_remotes(pair, below, cut, newer):
    """It is fetched anew: nobody hears that the remote was tampered with, which is whole."""
    one, other = pair
    one.say("a", "hello")
    one.sync()
    other.sync()
    if newer:
        other.say("c", "hello")
        other.sync()
    _damage(_of(one), below, cut)
    for folder in (one.path / "superqode" / "sync" / "remotes").rglob("*.told"):
        shutil.rmtree(folder)
    one.say("b", "new")
    assert one.sync().sent.new == ("b",)
    assert other.sync().received.new == ("b",)


def test_damage_that_the_landing_finds(pair):
    """A chunk that was fetched, and is damaged before it is taken: it comes again."""
    one, other = pair
    other.say("a", str(list(range(90_000))))
    other.sync()
    repository = Repository(one.path)
    target = find_synced(repository, None)
    SealedRemote(repository, target, load_key(repository, target.sync, "")).look(State(target.sync))
    _damage(_of(one), "segments/", 40)
    assert one.sync().received.new == ("a",)


def test_what_can_be_read_and_is_wrong(pair, remote):
    """That is the remote's, whatever the cache went through: it is said, and not taken for damage here."""
    one, other = pair
    other.say("a", "hello")
    other.sync()
    key = next((one.path / "superqode" / "sync" / "keys").iterdir())
    ref = f"refs/superqode/sync/{key.name}"
    empty = git(remote, "hash-object", "-t", "tree", "-w", "--stdin").strip()
    bad = git(remote, "-c", "user.name=x", "-c", "user.email=x@x", "commit-tree", empty, "-m", "bad").strip()
    git(remote, "update-ref", ref, bad)
    with pytest.raises(SyncTampered) as refused:
        one.sync()
    assert not isinstance(refused.value, CacheDamaged)
