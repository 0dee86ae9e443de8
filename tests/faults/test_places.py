"""Stores in places that are full, not writable, somebody else's, another kind of repository; no git at all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from superqode.session import Session, SessionStore
from superqode.session.errors import (
    BackupError,
    GitMissing,
    NewerFormat,
    NotAStore,
    SaveFailed,
    StoreError,
    StoreNotOwned,
    UnsupportedStore,
)

GROUP = "places that cannot be used"

POSIX = pytest.mark.skipif(os.name != "posix", reason="owners, modes and limits as POSIX has them")
ROOT = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give files away")


# What runs as nobody: everything is loaded while we are still allowed to, then the rights are laid down.
_AS_NOBODY = """
import json, os, sys
from superqode.session import Session, SessionStore
from superqode.session.errors import SessionError

def use(path, name):
    store = SessionStore(path)
    session = Session(id=name, title="Mine")
    session.add_message("user", "hello")
    store.save(session)
    store.list_sessions(); store.search("hello"); store.history(name); store.verify()
    try:
        store.load("none")
    except SessionError:
        pass
    return store, session

use(sys.argv[1] + "/warm", "warm")[0].close()
os.setgroups([]); os.setgid(65534); os.setuid(65534)
path = sys.argv[1] + "/store"
store, session = use(path, "s")
store.close()
modes = {}
for folder, _, names in os.walk(path):
    for place in [folder, *(os.path.join(folder, name) for name in names)]:
        modes[place] = os.stat(place).st_mode
for place in sorted(modes, reverse=True):
    os.chmod(place, modes[place] & ~0o222)
told = {}
store = SessionStore(path)
for name, verb in {
    "load": lambda: [m.content for m in store.load("s").messages],
    "list": lambda: [row.id for row in store.list_sessions()],
    "search": lambda: [hit.session_id for hit in store.search("hello")],
    "history": lambda: len(store.history("s")),
    "verify": lambda: len(store.verify().findings),
    "trash": lambda: store.trash(),
    "save": lambda: (session.add_message("user", "dear"), store.save(session)),
    "new": lambda: store.save(Session(id="new")),
    "delete": lambda: store.delete("s"),
    "maintain": lambda: store.maintain(),
}.items():
    try:
        told[name] = ["done", verb() if name not in ("save", "new", "maintain") else bool(verb())]
    except SessionError as problem:
        told[name] = [type(problem).__name__, str(problem)]
    except Exception as problem:
        told[name] = ["RAW " + type(problem).__name__, str(problem)]
for place in sorted(modes):
    os.chmod(place, modes[place])
told["again"] = len(store.save(session).commits)
told["after"] = [m.content for m in store.load("s").messages]
store.close()
print(json.dumps(told))
"""


@ROOT
def test_a_store_that_may_not_be_written_is_read_all_the_same():
    """Without the right to write: reading, listing, searching work, every change is one clear error."""
    place = Path(tempfile.mkdtemp())
    try:
        place.chmod(0o777)
        (place / "home").mkdir(mode=0o755)
        done = subprocess.run(
            [sys.executable, "-c", _AS_NOBODY, str(place)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env=os.environ | {"HOME": str(place / "home")},
        )
        assert done.returncode == 0, done.stderr
    finally:
        shutil.rmtree(place)
    told = json.loads(done.stdout)
    assert told["load"] == ["done", ["hello"]]
    assert told["list"] == ["done", ["s"]]
    assert told["search"] == ["done", ["s"]]
    assert told["history"] == ["done", 1]
    assert told["verify"] == ["done", 0]
    assert told["trash"] == ["done", []]
    for verb in ("save", "new"):
        assert told[verb][0] in ("SaveFailed", "StoreUnwritable"), told[verb]
        assert "cannot be written" in told[verb][1]
    for verb in ("delete", "maintain"):
        assert told[verb][0] == "StoreUnwritable", told[verb]
    assert told["again"] == 1
    assert told["after"] == ["hello", "dear"]


_IN_A_STRANGE_HOME = """
import os, sys
from superqode.session import Session, SessionStore
def use(path):
    with SessionStore(path) as store:
        store.save(Session(id="s"))
        return store.maintain().skipped, store.load("s").id
use(sys.argv[1] + "/warm")  # Python's own modules may lie where only root reads: they are imported before
os.setgroups([]); os.setgid(65534); os.setuid(65534)
skipped, read = use(sys.argv[1] + "/store")
print(*skipped)
print(read)
"""


@ROOT
def test_a_home_that_may_not_be_read_stops_nothing(tmp_path):
    """With a HOME that belongs to somebody else (sudo, containers), a store is made, saved to, packed and read."""
    place = Path(tempfile.mkdtemp())
    try:
        place.chmod(0o777)
        done = subprocess.run(
            [sys.executable, "-c", _IN_A_STRANGE_HOME, str(place)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    finally:
        shutil.rmtree(place)
    assert (done.returncode, done.stdout) == (0, "\ns\n"), done.stderr


@ROOT
def test_a_store_of_somebody_else_is_refused(store_path, saved):
    """Sessions hold secrets: a store of another user is not opened, and the error says whose it is."""
    saved("s")
    os.chown(store_path, 12345, 12345)
    with SessionStore(store_path) as store:
        verbs = (
            lambda: store.load("s"),
            store.list_sessions,
            lambda: store.save(Session(id="t")),
            store.trash,
        )
        for verb in verbs:
            with pytest.raises(StoreNotOwned, match="belongs to user 12345"):
                verb()


@POSIX
def test_a_store_that_others_could_read_is_closed_again(store_path, saved):
    """A folder that somebody's umask left open is for its owner only after the next opening."""
    saved("s")
    store_path.chmod(0o755)
    with SessionStore(store_path) as store:
        assert store.load("s").title == "Title of s"
    assert store_path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["sha256", "reftable", "reftable by configuration"])
def test_a_repository_of_another_kind_is_one_clear_error(kind, store_path, git, git_program):
    """A repository with sha256 ids or reftable refs, which libgit2 cannot open, is named so, and stays untouched."""
    option = {"sha256": "--object-format=sha256", "reftable": "--ref-format=reftable"}.get(kind, "--quiet")
    done = subprocess.run(
        [git_program, "init", "-q", "--bare", option, str(store_path)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"this git cannot make one: {done.stderr.decode()}")
    if kind == "reftable by configuration":
        git("config", "core.repositoryFormatVersion", "1")
        git("config", "extensions.refStorage", "reftable")
    before = sorted(path.relative_to(store_path) for path in store_path.rglob("*"))
    with SessionStore(store_path) as store:
        for verb in (lambda: store.load("s"), store.list_sessions, lambda: store.save(Session(id="s"))):
            with pytest.raises(UnsupportedStore, match="sha256" if kind == "sha256" else "reftable"):
                verb()
    assert sorted(path.relative_to(store_path) for path in store_path.rglob("*")) == before


def test_another_repository_or_folder_is_never_taken_for_a_store(tmp_path):
    """Neither a bare repository of somebody's code nor a folder with files becomes a store by a save."""
    code = tmp_path / "code.git"
    subprocess.run(["git", "init", "-q", "--bare", str(code)], check=True)
    with SessionStore(code) as store:
        with pytest.raises(NotAStore):
            store.save(Session(id="s"))
        with pytest.raises(NotAStore):
            store.list_sessions()
    file = tmp_path / "file"
    file.write_text("mine")
    with SessionStore(file) as store, pytest.raises((StoreError, SaveFailed)):
        store.save(Session(id="s"))
    assert file.read_text() == "mine"


def test_a_store_of_a_newer_format_is_not_touched(store_path, saved, git):
    """A store whose format number is newer than ours is refused with that number."""
    saved("s")
    git("config", "superqode.format", "2")
    with SessionStore(store_path) as store, pytest.raises(NewerFormat, match="format '2'"):
        store.save(Session(id="t"))


def test_without_git_everything_but_its_own_work_goes_on(store, store_path, saved, monkeypatch, tmp_path):
    """No `git` on the PATH: saving, reading, searching, the trash, undo and forks work; backup and packing tell."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    assert shutil.which("git") is None
    session = saved("s")
    session.create_snapshot("here")
    session.add_message("user", "find me")
    store.save(session)
    assert [row.id for row in store.list_sessions()] == ["s"]
    assert [hit.session_id for hit in store.search("find")] == ["s"]
    assert len(store.history("s")) == 3
    fork = store.fork("s", at="~1")
    store.undo("s")
    store.redo("s")
    store.rename("s", "renamed")
    assert store.delete("renamed")
    assert store.undelete("renamed") == "renamed"
    assert len(store.load("renamed").snapshots) == 1
    assert {row.id for row in store.list_sessions()} == {"renamed", fork.id}
    assert store.verify().findings == ()
    store.delete(fork.id)
    with pytest.raises(GitMissing, match="needs the git program"):
        store.backup(tmp_path / "backup")
    assert not (tmp_path / "backup").exists()
    report = store.maintain()
    assert report.packed_refs > 0
    assert any("git" in line for line in report.skipped)
    assert len(store.load("renamed").messages) == 3
    with pytest.raises((GitMissing, BackupError)):
        store.purge(now=True)
    store.close()


@pytest.mark.parametrize("user", [("A <b>\nparent x", "d>e\nf"), ("", ""), ("\0", "<>"), ("Ünï", "a b@c")])
def test_any_committer_makes_commits_that_git_accepts(user, store_path, git):
    """A name and an address that Git would choke on are cleaned: the store stays without fault."""
    with SessionStore(store_path, user=user) as store:
        session = Session(id="s")
        session.add_message("user", "hello")
        store.save(session)
        session.create_snapshot("kept")
        store.save(session)
        assert len(store.load("s").messages) == 1
    git.fsck()
