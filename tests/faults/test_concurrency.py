"""Many processes and threads on one store, beside maintenance: what was acknowledged is there, and once."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from superqode.session import Session, SessionStore
from superqode.session.git import durability
from superqode.session.models import MessageRole

from . import processes
from .tally import Lost

GROUP = "processes and threads together"

# What `git maintenance start` has done every day.
TASKS = ("--task=commit-graph", "--task=loose-objects", "--task=incremental-repack")
SAVES = 400 if processes.FULL else 20


def _said(session) -> list[str]:
    return [message.content for message in session.messages if message.role is MessageRole.USER]


def _check_saved(store, session_id, acknowledged):
    """Every acknowledged message stands in the session exactly once, and each writer's in its order."""
    said = _said(store.load(session_id))
    assert {text: count for text, count in Counter(said).items() if count > 1} == {}
    if missing := set(acknowledged) - set(said):
        raise Lost(f"{session_id}: {missing}")
    for writer in {text.split()[0] for text in acknowledged}:
        own = [text for text in said if text.split()[0] == writer]
        assert own == sorted(own, key=lambda text: int(text.split()[1]))


@pytest.mark.parametrize("flush", ["together", "each"])
def test_processes_beside_packing_and_deleting(flush, start, store, store_path, git, saved, tally):
    """Two processes on one session and eight on eight, beside readers, forks, gc, packing, deletion: nothing is lost.

    Nothing that was purged comes back, nothing deleted is anywhere but in the trash, and the repository is whole.
    """
    environment = {"env": _environment(flush)}
    saved("churn-origin")
    saved("quiet")
    saved("shared")
    two = [start("save", store_path, "shared", f"w{number}", SAVES, **environment) for number in range(2)]
    eight = [start("save", store_path, f"s{number}", f"v{number}", SAVES, **environment) for number in range(8)]
    churning = start("churn", store_path, "churn", **environment)
    maintaining = start("maintain", store_path, **environment)
    reading = start("read", store_path, "shared", **environment)
    forking = start("branch", store_path, "shared", "fork", **environment)
    runs = Counter()

    def tidy():
        runs["pack-refs"] += git.run("pack-refs", "--all").returncode == 0
        runs["gc"] += git.run("gc", "--quiet").returncode == 0
        runs["maintenance"] += git.run("maintenance", "run", "--quiet", *TASKS).returncode == 0

    with processes.repeating(tidy):
        shared = [text for worker in two for text in worker.end()]
        own = [worker.end() for worker in eight]
        gone = [line for line in churning.end() if line != "ready"]
        maintained = maintaining.end()
        looked = [line for line in reading.end() if line != "ready"]
        forked = dict(line.split() for line in forking.end() if line != "ready")
    assert len(shared) == 2 * SAVES
    _check_saved(store, "shared", shared)
    for number, acknowledged in enumerate(own):
        assert len(acknowledged) == SAVES
        _check_saved(store, f"s{number}", acknowledged)
    _check_gone(store, git, gone)
    assert _said(store.load("quiet")) == ["quiet 0", "quiet 1"]
    assert [found for found in store.verify().findings if found.severity == "error"] == []
    git.fsck()
    for name, count in forked.items():
        said = _said(store.load(name))
        if len(said) != int(count):
            raise Lost(f"the fork {name} says {said}")
    tally.counts["survived"] = len(shared) + sum(map(len, own)) + len(gone) + len(forked)
    assert looked, "nobody read beside the saves"
    assert forked, "nobody forked beside the saves"
    assert gone, "nothing was deleted beside the saves"
    assert runs["pack-refs"], "git packed nothing beside the saves"
    assert len(maintained) > 1, "nothing was maintained beside the saves"


def _environment(flush):
    import os

    return dict(os.environ) | ({"SUPERQODE_TEST_FLUSH": "each"} if flush == "each" else {})


def _check_gone(store, git, gone):
    """What was deleted is no branch; what was purged, every second one, is not even in the trash."""
    branches = set(git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").split("\n"))
    listed = {row.id for row in store.list_sessions()}
    assert listed ^ branches == {"superqode"}
    assert set(gone) & branches == set()
    trashed = Counter(item.session_id for item in store.trash())
    purged = {name for name in gone if int(name.rpartition("-")[2]) % 2}
    assert set(trashed) == set(gone) - purged
    assert {name: count for name, count in trashed.items() if count > 1} == {}
    assert "churn-kept" in branches


def test_threads_share_one_store_object(store, git, contents):
    """Eight threads on one `SessionStore`: saves of one session and others, lists, searches and deletions mix."""
    rounds = 60 if processes.FULL else 8
    store.save(Session(id="shared"))
    failed: list[BaseException] = []
    begin = threading.Barrier(8)

    def work(number):
        try:
            begin.wait()
            shared = store.load("shared")
            for turn in range(rounds):
                shared.add_message("user", f"t{number} {turn}")
                store.save(shared)
                own = Session(id=f"own-{number}-{turn}")
                own.add_message("user", f"own {number}")
                store.save(own)
                assert any(row.id == own.id for row in store.list_sessions())
                if turn % 3 == number % 3:
                    store.delete(own.id)
                    assert not any(row.id == own.id for row in store.list_sessions())
                if turn % 4 == 0:
                    assert store.search(f"t{number}")
        except BaseException as problem:  # noqa: BLE001 - told to the test below
            failed.append(problem)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    _check_saved(store, "shared", [f"t{number} {turn}" for number in range(8) for turn in range(rounds)])
    left = {f"own-{n}-{t}" for n in range(8) for t in range(rounds) if t % 3 != n % 3}
    assert {row.id for row in store.list_sessions()} == {"shared", *left}
    git.fsck()


def test_a_session_object_that_merged_equals_what_is_stored(store, store_path, saved):
    """After a save that took in others' entries, the session in memory is the stored one; the result tells of it."""
    ours = saved("s")
    with SessionStore(store_path) as other:
        theirs = other.load("s")
        theirs.add_message("assistant", "theirs", agent_name="b")
        theirs.tags.append("their tag")
        other.save(theirs)
    ours.add_message("assistant", "ours", agent_name="a")
    ours.tags.append("our tag")
    ours.title = "Our title"
    result = store.save(ours)
    assert result.merged == 1
    assert "merged 1 entry from another process" in result.notice
    stored = store.load("s")
    assert stored.to_dict() == ours.to_dict()
    assert [message.content for message in stored.messages] == ["s 0", "s 1", "theirs", "ours"]
    assert stored.tags == ["their tag", "our tag"]
    assert stored.agents_used == ["b", "a"]
    assert stored.title == "Our title"


def test_the_slower_of_two_deletions_finds_nothing(start, store, store_path, saved):
    """A session deleted in one process while another saves it is in the trash once, and the saver is told."""
    saved("s")
    saver = start("steps", store_path, "s")
    assert saver.line() == "ready"
    assert store.delete("s")
    assert not store.delete("s")
    saver.say("too late")
    assert saver.line().startswith("refused | SessionDeleted")
    assert len(store.trash()) == 1
    store.undelete("s")
    saver.say("again")
    assert saver.line() == "done"
    assert _said(store.load("s"))[-1] == "too late"


def test_fast_saves_are_flushed_by_the_end(store_path, monkeypatch, git):
    """A fast store syncs nothing save by save, and everything before `close` is over."""
    flushed: list[set[str]] = []
    real = durability.flush

    def flush(folder, written):
        flushed.append(set(written))
        real(folder, flushed[-1])

    with SessionStore(store_path) as store:
        store.save(Session(id="first"))
    monkeypatch.setattr(durability, "flush", flush)
    with SessionStore(store_path, durability="fast") as store:
        session = Session(id="s")
        for number in range(5):
            session.add_message("user", str(number))
            store.save(session)
        assert flushed == []
    assert len(flushed) == 1
    for oid in git("rev-list", "--objects", "--no-object-names", "s").split("\n"):
        written = str(store_path / "objects" / oid[:2] / oid[2:])
        assert written in flushed[0] or oid == git("rev-parse", "first:format")


def test_a_long_wait_is_bounded_and_told(start, store, store_path, saved):
    """A process that holds a session for ever makes others fail with a clear error, not hang."""
    from superqode.session.errors import StoreLocked

    session = saved("s")
    repository = store._open()
    started = time.monotonic()
    with (
        repository.writing("s"),
        pytest.raises(StoreLocked, match="locked by another process"),
        repository.writing("s", timeout=0.2),
    ):
        raise AssertionError("two hold one lock")
    assert time.monotonic() - started < processes.ALARM
    session.add_message("user", "free again")
    assert store.save(session).commits
