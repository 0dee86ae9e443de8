"""Operations cut short by kill -9 at every point, and two processes at once: the log is true, and nothing is lost."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from session.store.operating import fill
from superqode.session import Session, SessionSharingManager, SessionStore, clock
from superqode.session.errors import OperationBlocked, OperationError, SessionError
from superqode.session.git import renames

from . import judging, processes
from .life import texts
from .verbs import OTHER_LIFE, VERBS, make_lives, make_store

# Every point in a full run, every so-many-th else; a prime, so that loops in the code are met at all their places.
STRIDE = 1 if processes.FULL else 3
_CALLS = [(os, "rename"), (os, "replace"), (os, "unlink"), (os, "rmdir"), (renames, "_renamed")]


@pytest.fixture
def hurrying(monkeypatch):
    """A killed process leaves a lock, which is waited for a while: these seconds are short ones."""
    monkeypatch.setattr(clock, "monotonic", lambda: time.monotonic() * 50)


def _prepare(folder: Path) -> None:
    with SessionStore(folder) as store:
        fill(store, "a", "gone", "child")
        store.delete("gone")


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _fail() -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def _struck(
    folder: Path, action: Callable[[SessionStore], object], point: int, strike: Callable[[], None] = _die
) -> bool:
    """Do something to a store in a process that is killed, or fails, at its n-th change of a name; says whether it was."""
    child = os.fork()
    if child == 0:
        left = iter(range(point, -1, -1))
        for owner, name in _CALLS:
            real = getattr(owner, name)

            def call(*arguments, _real=real, **options):
                if next(left, 1) == 0:
                    strike()
                return _real(*arguments, **options)

            setattr(owner, name, call)
        try:
            with SessionStore(folder) as store:
                action(store)
        except (SessionError, OSError):
            pass  # what became of it the store tells
        finally:
            os._exit(next(left, None) is None)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) in (-signal.SIGKILL, 1)


def _state(store: SessionStore) -> tuple[object, ...]:
    sessions = {}
    for row in store.list_sessions():
        session = store.load(row.id)
        told = [message.content for message in session.messages]
        sessions[row.id] = (session.title, told, sorted(s.id for s in session.snapshots), session.parent_session_id)
    return sessions, sorted((item.session_id, item.tip, item.snapshots) for item in store.trash())


GROUP = "kill -9, in every operation"

_VERBS: dict[str, Callable[[SessionStore], object]] = {
    "delete": lambda store: store.delete("a"),
    "undelete": lambda store: store.undelete("gone"),
    "undelete-as": lambda store: store.undelete("gone", new_id="b"),
    "rename": lambda store: store.rename("a", "b"),
    "restore": lambda store: store.restore("a", "snap"),
    "undo": lambda store: store.undo("a"),
    "prune": lambda store: store.cleanup_old_sessions(days=0),
    "ops-undo": lambda store: store.undo_operation(),
}


@pytest.mark.usefixtures("hurrying")
@pytest.mark.parametrize("verb", list(_VERBS))
def test_kill_at_every_point(verb, tmp_path):
    """Wherever it strikes: the log tells what happened, nothing is lost, and taking it back ends where it began."""
    _prepare(tmp_path / "whole")
    with SessionStore(tmp_path / "whole") as store:
        begun = _state(store)
        before = [operation.id for operation in store.operations()]
    point, struck = 1, 0
    while True:
        folder = tmp_path / f"at-{point}"
        shutil.copytree(tmp_path / "whole", folder)
        if not _struck(folder, _VERBS[verb], point):
            break
        struck += 1
        with SessionStore(folder) as store:
            assert store.verify().ok, point
            now = _state(store)
            words = {text for told in now[0].values() for text in told[1]}
            held = {item[0] for item in now[1]} | now[0].keys()
            assert words >= {f"{name} two" for name in ("child", "a") if name in now[0]}, point
            assert {"a", "b"} & held, point
            assert {"gone", "b"} & held, point
            told = [operation for operation in store.operations() if operation.happened]
            for operation in told:
                assert operation.verb in (verb.removesuffix("-as"), "delete", "ops-undo")
            # Somebody goes on before anybody looks at the log.
            session = store.load("child") if store.exists("child") else Session(id="new")
            session.add_message("user", "after the kill")
            store.save(session)
            news = [operation for operation in store.operations() if operation.id not in before and operation.happened]
            assert len(news) <= 1, point
            if now[0].keys() != begun[0].keys():
                assert news, (point, "something moved, and the log does not say it")
            if news and verb != "prune":
                store.undo_operation(news[0].id)
                assert store.verify().ok
                again = _state(store)
                for name, told_then in begun[0].items():
                    if name != "child":
                        assert again[0][name][:3] == told_then[:3], point
                assert {item[0] for item in again[1]} >= {item[0] for item in begun[1]} - again[0].keys(), point
        shutil.rmtree(folder)
        point += STRIDE
    assert struck * STRIDE >= 10, "the points were not met"


@pytest.mark.usefixtures("hurrying")
def test_a_killed_purge_is_finished_or_never_was(tmp_path):
    """After a kill in a purge nothing of the log brings the session back, and the purge can be done again."""
    _prepare(tmp_path / "whole")
    point = 1
    while True:
        folder = tmp_path / f"at-{point}"
        shutil.copytree(tmp_path / "whole", folder)
        killed = _struck(folder, lambda store: store.purge("gone"), point)
        with SessionStore(folder) as store:
            left = [item.session_id for item in store.trash()]
            if left:
                store.purge("gone")
            with pytest.raises(OperationError):
                store.undo_operation()
            assert [operation.verb for operation in store.operations()] == ["purge", "delete"]
            assert all(operation.final for operation in store.operations())
            assert store.verify().ok
        shutil.rmtree(folder)
        if not killed:
            break
        point += STRIDE
    assert point > 10


def _revoke(store: SessionStore) -> None:
    manager = SessionSharingManager(store)
    manager.revoke_share(manager.create_share("a").id)


# The operations that are taken back as one of each kind is: a share, a renaming, what goes and comes.
_UNDONE: dict[str, Callable[[SessionStore], object]] = {
    "prune": _VERBS["prune"],
    "rename": _VERBS["rename"],
    "revoke": _revoke,
    "undelete": _VERBS["undelete"],
}


def _shares(store: SessionStore) -> list[tuple[bool, bool]]:
    """Of each share, whether it is live, and whether its commit is here."""
    refs = store._open().refs
    shares = SessionSharingManager(store).list_shares()
    return [(share.revoked_at is None, bool(refs.read(f"refs/superqode/shares/{share.id}"))) for share in shares]


@pytest.mark.usefixtures("hurrying")
@pytest.mark.parametrize(
    ("verb", "strike"),
    [("prune", _die), ("rename", _die), ("rename", _fail), ("revoke", _die), ("undelete", _die), ("undelete", _fail)],
)
def test_taking_back_can_be_gone_on_with(verb, strike, tmp_path):
    """Cut short anywhere, an operation counts as taken back once all of it is; else taking it back does the rest."""
    _prepare(tmp_path / "whole")
    with SessionStore(tmp_path / "whole") as store:
        begun = _state(store)
        _UNDONE[verb](store)
        left, wanted = _state(store), store.operations()[0].id
    point, struck = 1, 0
    while True:
        folder = tmp_path / f"at-{point}"
        shutil.copytree(tmp_path / "whole", folder)
        if not _struck(folder, lambda store: store.undo_operation(), point, strike):
            break
        struck += 1
        with SessionStore(folder) as store:
            store.list_sessions()  # what lost its branch, but not its snapshots yet, is put into the trash now
            told = {operation.id: operation for operation in store.operations()}
            if strike is _fail and verb == "undelete":
                assert _state(store) == (begun if told[wanted].taken_back_by else left), point
            if not told[wanted].taken_back_by:
                store.undo_operation(wanted)
            elif verb == "rename":
                store.undo("a")  # a fork that was not told yet is by the next operation
                store.undo_operation()
            sessions, trash = _state(store)
            assert sessions == begun[0], point
            assert [item for item in trash if item[0] != "b"] == begun[1], point
            assert _shares(store) == ([(True, True)] if verb == "revoke" else []), point
            assert [operation.taken_back_by for operation in store.operations() if operation.id == wanted] != [""]
            assert store.verify().ok, point
        shutil.rmtree(folder)
        point += STRIDE
    assert struck * STRIDE >= 5, "the points were not met"


@pytest.mark.parametrize("strike", [_die, _fail], ids=["killed", "failing"])
def test_a_merge_is_whole_or_never_was(strike, tmp_path):
    """Cut short anywhere: the session is at its old tip or the merged one, as the log says, and merging goes on."""
    make_store(tmp_path / "whole")
    point, struck = 1, 0
    ends = set()
    while True:
        folder = tmp_path / f"at-{point}"
        shutil.copytree(tmp_path / "whole", folder)
        if not _struck(folder, VERBS["merge"], point, strike):
            break
        struck += 1
        judging.check(folder, "merge")
        with SessionStore(folder) as store:
            ends.add(len(store.load("two").messages))
        judging.go_on(folder, "merge")
        with SessionStore(folder) as store:
            assert texts(store.load("two")) in judging.MERGED, point
            store.undo_operation()
            assert texts(store.load("two")) == ("two", "more"), point
        shutil.rmtree(folder)
        point += STRIDE
    assert struck >= 5, "the points were not met"
    assert ends == {2, 3}, "some come before the branch moves, and some after it"


@pytest.mark.parametrize("shape", ["forwarded", "older"])
def test_a_killed_merge_is_known_whatever_its_shape(shape, tmp_path):
    """Where it only forwards, or the other life was first: the log has the whole way that the branch went, or nothing."""
    make_lives(tmp_path / "whole", shape)
    with SessionStore(tmp_path / "whole") as store:
        before, begun = texts(store.load("two")), store._open().refs.read("refs/heads/two")
    point, ends = 1, set()
    while True:
        folder = tmp_path / f"at-{point}"
        shutil.copytree(tmp_path / "whole", folder)
        if not _struck(folder, lambda store: store.merge("two", OTHER_LIFE), point):
            break
        with SessionStore(folder) as store:
            tip = store._open().refs.read("refs/heads/two")
            ends.add(tip == begun)
            moves = [operation.moves for operation in store.operations() if operation.happened]
            assert moves == ([] if tip == begun else [(("refs/heads/two", begun, tip),)]), point
            if tip == begun:
                store.merge("two", OTHER_LIFE)
            store.undo_operation()
            assert texts(store.load("two")) == before, point
        shutil.rmtree(folder)
        point += STRIDE
    assert ends == {False, True}, "some come before the branch moves, and some after it"


def test_two_processes_take_one_operation_back(store_path, store, saved, start):
    """Of two that take the same operation back, one does, and the other is told so."""
    for name in ("a", "b"):
        saved(name)
        store.delete(name)
    wanted = store.operations()[1].id
    workers = [start("take_back", store_path, wanted) for _ in range(2)]
    told = sorted(worker.end()[0] for worker in workers)
    assert told[0].startswith("done")
    assert told[1].startswith("refused OperationFinal")
    assert (store.exists("a"), store.exists("b")) == (True, False)


def test_many_processes_at_once(store_path, store, saved, start, git):
    """Each operation of several processes is in the log once, in one chain, and can be taken back."""
    for name in "abcd":
        saved(name)
    before = _state(store)
    workers = [start("back_and_forth", store_path, name, 3) for name in "abcd"]
    for worker in workers:
        worker.end()
    operations = store.operations()
    assert [operation.number for operation in operations] == list(range(1, 4 * 6 + 1))
    assert len({operation.id for operation in operations}) == 4 * 6
    with SessionStore(store_path) as fresh:
        for _ in range(4 * 6):
            try:
                fresh.undo_operation()
            except OperationBlocked:
                pytest.fail("another's operation stands in the way")
            except SessionError:
                break
        assert _state(fresh) == before
    git.fsck()
