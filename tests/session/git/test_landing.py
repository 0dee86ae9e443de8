"""Landings: what comes from outside is checked in a place of its own, and leaves no trace where it is refused."""

import gc
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faults.harms import harm
from superqode.session import Session, SessionStore
from superqode.session.errors import BackupError, CorruptObject, GitFailed
from superqode.session.git.bundle import read_header
from superqode.session.git.landing import INCOMING, Landing, scratch_repository, to_send_from
from superqode.session.git.repository import Repository
from superqode.session.git.sizes import object_sizes

DAY = 24 * 60 * 60


@pytest.fixture
def repository(store):
    """A store with one session of its own."""
    session = Session(id="own")
    session.add_message("user", "here")
    store.save(session)
    return store._open()


@pytest.fixture
def other(tmp_path):
    """Another store with a session of two saves; gives its path and the two commits."""
    with SessionStore(tmp_path / "other") as store:
        session = Session(id="s", title="T")
        session.add_message("user", "first")
        first = store.save(session).tip
        session.add_message("user", "second")
        return tmp_path / "other", first, store.save(session).tip


def _bundle(store, target, *arguments):
    subprocess.run(["git", "-C", str(store), "bundle", "create", "-q", str(target), *arguments], check=True)
    return target


def _unpack(landing, path, **options):
    with path.open("rb") as stream:
        return landing.unpack(stream, "the bundle", **options)


def _landings(repository):
    folder = repository.own / INCOMING
    return sorted(folder.iterdir()) if folder.exists() else []


def test_nothing_is_in_the_store_before_it_is_taken_over(repository, store, other, tmp_path, git):
    """Unpacked and readable in its own place; in the store only afterwards, where git finds no fault."""
    path, first, tip = other
    bundle = _bundle(path, tmp_path / "bundle", "refs/heads/s")

    with Landing(repository) as landing:
        assert _unpack(landing, bundle) == {"refs/heads/s": tip}
        assert landing.repository.objects.commit(tip).parents == (first,)
        assert not repository.objects.has(tip)
        assert git.run("cat-file", "-e", tip).returncode != 0
        assert list((store.path / "objects" / "pack").iterdir()) == []

        landing.take_over()

    assert _landings(repository) == []
    git("update-ref", "refs/heads/s", tip)
    with SessionStore(store.path) as again:
        assert [message.content for message in again.load("s").messages] == ["first", "second"]
    git.fsck()


def test_a_landing_goes_away(repository):
    """At the end of a block, after an error, when it is closed (twice, too), and when it is forgotten."""
    with Landing(repository):
        assert len(_landings(repository)) == 1
    assert _landings(repository) == []

    with pytest.raises(ZeroDivisionError), Landing(repository):
        raise ZeroDivisionError
    assert _landings(repository) == []

    landing = Landing(repository)
    landing.close()
    landing.close()
    assert _landings(repository) == []

    landing = Landing(repository)
    del landing
    gc.collect()
    assert _landings(repository) == []


def test_landings_beside_each_other_are_apart(repository):
    """Each has a folder of its own that nobody else may read."""
    with Landing(repository) as one, Landing(repository) as two:
        assert one.repository.path != two.repository.path
        assert one.repository.path.stat().st_mode & 0o777 == 0o700


def test_taking_over_twice_is_fine(repository, other, tmp_path):
    """The second time, and one after it was closed, there is nothing left to move."""
    path, _, tip = other
    with Landing(repository) as landing:
        _unpack(landing, _bundle(path, tmp_path / "bundle", "refs/heads/s"))
        landing.take_over()
        landing.take_over()
    landing.take_over()

    assert repository.objects.has(tip)


def test_what_came_heals_what_is_damaged(repository, other, tmp_path):
    """A pack of the same name gives way, and a damaged file goes to the quarantine; whole files stay."""
    path, first, tip = other
    bundle = _bundle(path, tmp_path / "bundle", "refs/heads/s")
    with Landing(repository) as landing:
        _unpack(landing, bundle)
        landing.take_over()
    (pack,) = (repository.path / "objects" / "pack").glob("*.pack")
    harm(pack, "zeros")
    kind, content = Repository(path).objects.read(tip)
    repository.objects.loose.write(kind, content)
    harm(Path(repository.objects.loose.path(tip)), "truncated")
    whole = list(repository.objects.loose.every())
    whole.remove(tip)
    assert not any(map(Repository(repository.path).objects.has, (first, tip)))

    with Landing(repository) as landing:
        _unpack(landing, bundle)
        landing.take_over(heal=True)

    assert all(map(repository.objects.has, (first, tip)))
    assert list(repository.objects.loose.every()) == whole
    assert [file.name[-40:] for file in repository.quarantine.iterdir() if file.is_file()] == [tip]


def test_a_landing_that_borrows_later(repository, other, tmp_path):
    """Nothing of the store is in it before; then what came is found, and what the store has."""
    path, _, tip = other
    own = repository.refs.read("refs/heads/own")
    with Landing(repository) as landing:
        _unpack(landing, _bundle(path, tmp_path / "bundle", "refs/heads/s"))
        assert not landing.repository.objects.stands(own)
        landing.borrow()
        assert all(map(landing.repository.objects.has, (own, tip)))


def test_a_pack_that_is_there_already_is_fine(repository, other, tmp_path, git):
    """The same bundle twice is one pack, and what was there stays."""
    path, _, tip = other
    bundle = _bundle(path, tmp_path / "bundle", "refs/heads/s")
    packs = repository.path / "objects" / "pack"
    seen = []
    for _ in range(2):
        with Landing(repository) as landing:
            _unpack(landing, bundle)
            landing.take_over()
        seen.append(sorted((file.name, file.stat().st_ino) for file in packs.iterdir()))

    assert seen[0] == seen[1]
    git("update-ref", "refs/heads/s", tip)
    git.fsck()


def test_no_repack_drops_what_was_taken_over(repository, other, tmp_path, git):
    """What came in is left alone by `git repack -a -d` until its ref is made."""
    path, _, tip = other
    with Landing(repository) as landing, repository.writing():
        _unpack(landing, _bundle(path, tmp_path / "bundle", "refs/heads/s"))
        landing.take_over()
        git("repack", "-a", "-d", "-q")
        git("update-ref", "refs/heads/s", tip)
    assert not list((repository.path / "objects" / "pack").glob("*.keep"))
    git.fsck()


def test_a_bundle_may_build_on_named_commits_only(repository, other, tmp_path):
    """An increment is refused where it is not expected, and where it builds on another commit; else it fits."""
    path, first, tip = other
    subprocess.run(["git", "-C", str(path), "update-ref", "refs/heads/first", first], check=True)
    base = _bundle(path, tmp_path / "base", "refs/heads/first")
    more = _bundle(path, tmp_path / "more", "refs/heads/s", f"^{first}")

    with Landing(repository) as landing:
        _unpack(landing, base)
        for wanted in ((), (tip,), ("0" * 40,)):
            with pytest.raises(BackupError, match="builds on commits"):
                _unpack(landing, more, prerequisites=wanted)
        assert not landing.repository.objects.has(tip)
        assert _unpack(landing, more, prerequisites=[first, "0" * 40]) == {"refs/heads/s": tip}
        landing.take_over()

    assert repository.objects.commit(tip).parents == (first,)


def test_an_increment_without_what_it_builds_on_is_refused(repository, other, tmp_path):
    """A prerequisite that is allowed but not there: no commit comes in whose parent is missing."""
    path, first, tip = other
    more = _bundle(path, tmp_path / "more", "refs/heads/s", f"^{first}")

    with Landing(repository) as landing, pytest.raises(GitFailed):
        _unpack(landing, more, prerequisites=[first])

    assert not repository.objects.has(tip)
    assert _landings(repository) == []


@pytest.mark.parametrize(
    "line",
    [b"-%b builds on this\n", b"-%b\n", b"%b refs/../x\n", b"@filter=blob:none\n", b"-\n", b"%b\n"],
    ids=["prerequisite", "bare prerequisite", "bad ref", "filter", "empty prerequisite", "no name"],
)
def test_headers_that_ask_for_too_much_are_refused(tmp_path, line):
    """Prerequisites that were not named, refs that are none, and capabilities, before anything is unpacked."""
    oid = b"1" * 40
    path = tmp_path / "bundle"
    path.write_bytes(b"# v3 git bundle\n" + line.replace(b"%b", oid) + b"\n" + b"PACK")

    with path.open("rb") as stream, pytest.raises(BackupError, match="the bundle"):
        read_header(stream, "the bundle", prerequisites=frozenset(["2" * 40]))


def _hostile(tmp_path):
    """A bundle whose tree has a file `.git`, which fsck refuses."""
    path = tmp_path / "hostile"

    def git(*arguments, stdin=b""):
        ident = ("-c", "user.name=x", "-c", "user.email=x@example.invalid", "-c", "core.protectHFS=false")
        done = subprocess.run(
            ["git", *ident, "-C", str(path), *arguments], input=stdin, capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    path.mkdir()
    git("init", "-q", "--bare", ".")
    blob = git("hash-object", "-w", "--stdin", stdin=b"x")
    inner = git(
        "hash-object", "-w", "-t", "tree", "--stdin", "--literally", stdin=b"100644 .git\0" + bytes.fromhex(blob)
    )
    git("update-ref", "refs/heads/s", git("commit-tree", inner, "-m", "x"))
    return _bundle(path, tmp_path / "bundle", "refs/heads/s")


def test_hostile_and_cut_bundles_leave_nothing(repository, other, tmp_path):
    """Broken objects and a cut pack: an error, and neither store nor folder hold anything of it."""
    bundle = _hostile(tmp_path)
    whole = _bundle(other[0], tmp_path / "whole", "refs/heads/s").read_bytes()
    cut = tmp_path / "cut"
    cut.write_bytes(whole[:-30])
    before = sorted(repository.path.rglob("*"))

    for path in (bundle, cut):
        with Landing(repository) as landing, pytest.raises(GitFailed):
            _unpack(landing, path)

    (repository.own / INCOMING).rmdir()
    assert sorted(repository.path.rglob("*")) == before


KILLED = """
import os, sys
from pathlib import Path
from superqode.session.git.landing import Landing
from superqode.session.git.repository import Repository
landing = Landing(Repository(Path(sys.argv[1])))
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("how", ["maintain", "purge", "scrub"])
def test_what_a_killed_process_left_is_swept(repository, store, how):
    """At once, with all that is in it; a landing in use stays, however old it is, and so does one that tells nothing."""
    subprocess.run([sys.executable, "-c", KILLED, str(repository.path)], check=False)
    assert len(_landings(repository)) == 1
    used, silent = Landing(repository), repository.own / INCOMING / "silent"
    silent.mkdir()
    os.utime(used.repository.path.parent, (0, 0))

    if how == "maintain":
        store.maintain()
    elif how == "purge":
        store.purge(now=True)
    else:
        store.scrub("own", secrets=["here"])

    assert set(_landings(repository)) == {used.repository.path.parent, silent}
    used.close()


def test_maintenance_sweeps_after_a_day_what_does_not_tell_whose_it_is(repository, store):
    """What an older version left tells nothing: after a day it goes; a younger one may be in use, and stays."""
    old, young = (repository.own / INCOMING / name for name in ("old", "young"))
    for folder, age in ((old, DAY + 2 * 60 * 60), (young, DAY - 60 * 60)):
        (folder / "objects").mkdir(parents=True)
        os.utime(folder, (time.time() - age, time.time() - age))

    store.maintain()

    assert _landings(repository) == [young]
    assert store.load("own").messages[0].content == "here"


def test_a_scratch_repository_sees_the_store_and_keeps_to_itself(repository, git):
    """The store's objects are readable in it, by git too; what is written to it goes with it."""
    tip = git("rev-parse", "own")
    with scratch_repository(repository) as scratch:
        assert scratch.objects.commit(tip).parents == ()
        git("--git-dir", str(scratch.path), "cat-file", "-e", tip)
        made = scratch.objects.write("blob", b"only here")
        assert not repository.objects.has(made)
        assert scratch.refs.names("refs/") == []

    assert _landings(repository) == []
    assert not repository.objects.has(made)


def test_a_scratch_repository_goes_away_after_an_error(repository):
    """Whatever happened inside."""
    with pytest.raises(ZeroDivisionError), scratch_repository(repository):
        raise ZeroDivisionError
    assert _landings(repository) == []


def test_sizes_are_told_without_reading(repository, git):
    """Type and size in bytes of each object asked for, however often; one that is missing is named."""
    tip = git("rev-parse", "own")
    blob = repository.objects.write("blob", b"x" * 1000)
    repository.flush()

    found = object_sizes(repository.path, [blob, tip, blob], "Testing")

    assert found == {blob: ("blob", 1000), tip: ("commit", int(git("cat-file", "-s", tip)))}
    assert object_sizes(repository.path, [], "Testing") == {}
    with pytest.raises(CorruptObject, match="1" * 40):
        object_sizes(repository.path, [tip, "1" * 40], "Testing")


@pytest.mark.parametrize("name", ["store", 'a "quoted" one', "back\\slash", "grün"])
def test_what_sends_is_the_store_without_its_refs(tmp_path, name):
    """Its objects and the settings of the store are there, whatever the store's folder is called; none of its refs."""

    def git(path, *arguments):
        done = subprocess.run(["git", "-C", str(path), *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    with SessionStore(tmp_path / name) as store:
        tip = store.save(Session(id="s")).tip
        git(store.path, "config", "http.proxy", "http://proxy.example.invalid")
        with to_send_from(store._open()) as sender:
            assert git(sender, "config", "http.proxy") == "http://proxy.example.invalid"
            assert git(sender, "cat-file", "-t", tip) == "commit"
            assert git(sender, "for-each-ref") == ""
        assert not sender.exists()
