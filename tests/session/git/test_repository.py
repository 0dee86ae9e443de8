"""A store's repository: made once however many make it, opened only where it is one, and nobody else's."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from superqode.session.errors import (
    NotAStore,
    StoreLocked,
    StoreNotOwned,
    StoreUnwritable,
    UnsupportedStore,
)
from superqode.session.git import making
from superqode.session.git.repository import Repository, is_store

USER = ("Ada Example", "ada@example.invalid")


def _git(path, *arguments):
    done = subprocess.run(["git", "-C", str(path), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _state(path):
    """Every file that matters, with its content."""
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in path.rglob("*")
        if file.is_file() and "locks" not in file.parts
    }


def test_a_store_is_a_bare_repository_that_git_knows(store_path):
    """The documented settings, HEAD on the reserved branch, mode 0700, no extensions, and nothing for fsck."""
    Repository.create(store_path, user=USER)

    assert stat.S_IMODE(store_path.stat().st_mode) == 0o700
    assert _git(store_path, "rev-parse", "--is-bare-repository") == "true"
    assert _git(store_path, "symbolic-ref", "HEAD") == "refs/heads/superqode"
    assert _git(store_path, "log", "-1", "--format=%cn <%ce>", "superqode") == "Ada Example <ada@example.invalid>"
    for key, value in {
        "core.logAllRefUpdates": "always",
        "core.fsync": "all",
        "gc.auto": "0",
        "gc.pruneExpire": "90.days",
        "receive.fsckObjects": "true",
        "receive.denyNonFastForwards": "true",
        "receive.denyDeletes": "true",
        "push.default": "nothing",
        "transfer.hideRefs": "refs/superqode\n!refs/superqode/shares",
        "core.repositoryformatversion": "0",
        "superqode.format": "1",
    }.items():
        assert _git(store_path, "config", "--get-all", key) == value, key
    assert _git(store_path, "fsck", "--strict") == ""
    assert is_store(store_path)
    assert not (store_path / "superqode" / "unfinished").exists()


def test_making_it_twice_changes_nothing(store_path):
    """Making a store that is there opens it."""
    Repository.create(store_path, user=USER)
    before = _state(store_path)

    again = Repository.create(store_path, user=("Other", "other@example.invalid"))

    assert _state(store_path) == before
    assert again.path == store_path


def test_an_interrupted_making_is_finished(store_path):
    """What a killed process left half made is made whole by the next one, at every point."""
    Repository.create(store_path, user=USER)
    refs = _git(store_path, "for-each-ref")
    for lost in ("config", "refs/heads/superqode", "HEAD"):
        (store_path / "superqode" / "unfinished").touch()
        (store_path / lost).unlink()
        assert not is_store(store_path)

        Repository.create(store_path, user=USER)

        assert is_store(store_path)
        assert len(_git(store_path, "for-each-ref").splitlines()) == len(refs.splitlines())
        assert _git(store_path, "config", "--get", "superqode.format") == "1"
        assert _git(store_path, "fsck", "--strict") == ""


def test_many_threads_make_one_store(store_path):
    """However many make it at once, one store comes out, and every one of them has it."""
    made, failed = [], []

    def work():
        try:
            made.append(Repository.create(store_path, user=USER))
        except OSError as problem:
            failed.append(problem)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(made), failed) == (6, [])
    assert _git(store_path, "rev-list", "--count", "--all") == "1"


def test_a_store_that_is_finished_between_two_looks_is_one(store_path, monkeypatch):
    """Somebody else makes it just then, from the first file to the last: it is no folder of other files."""
    store_path.mkdir()
    real = making.is_unfinished

    def is_unfinished(path):
        monkeypatch.setattr(making, "is_unfinished", real)
        Repository.create(store_path, user=USER)
        return real(path)

    monkeypatch.setattr(making, "is_unfinished", is_unfinished)
    making.check_place(store_path)
    Repository.create(store_path, user=USER)
    assert is_store(store_path)


def test_two_processes_make_one_store(store_path):
    """Processes wait for each other, too."""
    code = (
        "import sys; from pathlib import Path; from superqode.session.git.repository import Repository\n"
        "Repository.create(Path(sys.argv[1]))"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(store_path)], stderr=subprocess.PIPE) for _ in range(2)
    ]

    assert [process.communicate()[1] for process in processes] == [b"", b""]
    assert _git(store_path, "rev-list", "--count", "--all") == "1"


def test_the_folder_may_hold_other_files(store_path):
    """The old store lies in the same folder: its files stay as they are."""
    store_path.mkdir(parents=True)
    (store_path / "session-1.json.gz").write_bytes(b"old")

    Repository.create(store_path, user=USER)

    assert (store_path / "session-1.json.gz").read_bytes() == b"old"


def test_another_repository_is_no_store(store_path):
    """A Git repository that is something else is refused, by making and by opening, and stays as it is."""
    subprocess.run(["git", "init", "-q", "--bare", str(store_path)], check=True)
    before = _state(store_path)

    for open_it in (Repository.create, Repository):
        with pytest.raises(NotAStore, match="without the branch superqode"):
            open_it(store_path)
    assert _state(store_path) == before


def test_a_folder_without_a_repository_is_no_store(tmp_path):
    """Opening does not make anything."""
    (tmp_path / "empty").mkdir()

    with pytest.raises(NotAStore, match="there is no Git repository"):
        Repository(tmp_path / "empty")
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("extensions.objectFormat", "sha256", "sha256 object ids.*import the sessions"),
        ("extensions.refStorage", "reftable", "the ref storage reftable.*refs migrate --ref-format=files"),
    ],
)
def test_repositories_that_libgit2_cannot_read_are_told(store_path, setting, value, told):
    """sha256 and reftable are a clear error with a way out, before anything is read."""
    Repository.create(store_path)
    _git(store_path, "config", "core.repositoryformatversion", "1")
    _git(store_path, "config", setting, value)

    with pytest.raises(UnsupportedStore, match=told):
        Repository(store_path)


def test_a_real_sha256_repository_is_told(store_path):
    """A repository that git made with sha256 ids is refused with the reason."""
    subprocess.run(["git", "init", "-q", "--bare", "--object-format=sha256", str(store_path)], check=True)

    with pytest.raises((UnsupportedStore, NotAStore)):
        Repository(store_path)


@pytest.mark.parametrize("mode", [0o755, 0o777, 0o701, 0o750])
def test_an_open_folder_is_closed(store_path, mode):
    """Sessions hold secrets: whatever an umask or a copy left open is 0700 after opening."""
    Repository.create(store_path)
    store_path.chmod(mode)

    Repository(store_path)

    assert stat.S_IMODE(store_path.stat().st_mode) == 0o700


def test_somebody_elses_store_is_not_opened(store_path, monkeypatch):
    """The owner alone opens a store; the error says whose it is and what to do."""
    Repository.create(store_path)
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)

    with pytest.raises(StoreNotOwned, match=rf"belongs to user {os.getuid()}, and you are user 12345"):
        Repository(store_path)


def test_a_folder_that_cannot_be_made_is_told(store_path, monkeypatch):
    """No permission is StoreUnwritable, with the path."""

    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StoreUnwritable, match="Permission denied"):
        Repository.create(store_path)


def test_sessions_wait_for_each_other_one_by_one(store_path):
    """Two writers of one session exclude each other, of two sessions they do not, and a purge waits for all."""
    repository = Repository.create(store_path)
    with repository.writing("a"):
        with repository.writing("b", timeout=0):
            pass
        with pytest.raises(StoreLocked), repository.writing("a", timeout=0.01):
            pass
        with pytest.raises(StoreLocked), repository.exclusive(timeout=0.01):
            pass
    with repository.exclusive(timeout=0), pytest.raises(StoreLocked), repository.writing("c", timeout=0.01):
        pass


def test_case_twins_share_a_lock(store_path):
    """On a disk that cannot tell them apart two ids that differ in case are one, so they wait for each other."""
    repository = Repository.create(store_path)
    with repository.writing("Fix"), pytest.raises(StoreLocked), repository.writing("fix", timeout=0.01):
        pass


def test_several_sessions_are_locked_without_a_knot(store_path):
    """Locks are taken in one order, so two that want the same two in turn never wait for each other for ever."""
    repository = Repository.create(store_path)
    done = []

    def work(*names):
        for _ in range(20):
            with repository.writing(*names):
                pass
        done.append(names)

    threads = [threading.Thread(target=work, args=names) for names in (("a", "b"), ("b", "a"), ("a", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(done) == 3


def test_one_maintains_at_a_time_beside_saves(store_path):
    """Maintenance excludes maintenance, not saves."""
    repository = Repository.create(store_path)
    with repository.maintaining():
        with repository.writing("a", timeout=0):
            pass
        with pytest.raises(StoreLocked), repository.maintaining(timeout=0.01):
            pass


def test_settings_are_read_and_set(store_path):
    """Settings are those of the repository's own file, in the spelling of Git."""
    repository = Repository.create(store_path)
    repository.set("remote.team.url", "/somewhere")

    assert repository.settings()["remote.team.url"] == "/somewhere"
    assert _git(store_path, "config", "--get", "remote.team.url") == "/somewhere"
