"""A run that is killed, cancelled or stopped: what it did is kept, nothing of it stays, and the project is as it was."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from superqode.qe import QESession, Verdict, read_run
from superqode.session.errors import NoQualityRun

from .conftest import every_byte, git

ALARM = 60
KILLS = 40 if os.environ.get("SUPERQODE_TEST_FULL") == "1" else 5
WORKER = Path(__file__).with_name("killed.py")

pytestmark = pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")


@pytest.fixture
def slow(project, tmp_path):
    """A committed project whose tests write their process's number down, then take for ever."""
    pids = tmp_path / "pids"
    pids.mkdir()
    test = (
        "import os, subprocess, sys, time, unittest\n\n\nclass Slow(unittest.TestCase):\n    def test_slow(self):\n"
        f"        child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"        for pid in (os.getpid(), child.pid):\n            open(f'{pids}/{{pid}}', 'w').close()\n"
        "        open('made-by-a-test', 'w').close()\n        time.sleep(600)\n"
    )
    return project({"setup.cfg": "", "test_slow.py": test}, committed=True), pids


def _start(folder, store_path, sandboxes):
    command = [sys.executable, str(WORKER), str(folder), str(store_path), str(sandboxes)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _until(condition):
    for _ in range(ALARM * 50):
        if condition():
            return
        time.sleep(0.02)
    pytest.fail("it never came to it")


def _alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def _left(sandboxes):
    ours = sandboxes / "superqode-qe"
    assert not sandboxes.exists() or {path.name for path in sandboxes.iterdir()} == {ours.name}
    return [path for path in ours.iterdir() if path.name != "lock"] if ours.exists() else []


def test_kill_9_at_any_moment(slow, store, store_path, tmp_path):
    """Killed wherever it is: its session can be read, its tools end, the next run removes its sandbox."""
    folder, pids = slow
    sandboxes = tmp_path / "sandboxes"
    before = every_byte(folder)
    chance = random.Random(22)
    sessions = []
    for number in range(KILLS):
        worker = _start(folder, store_path, sandboxes)
        assert worker.stdout is not None
        sessions.append(worker.stdout.readline().split()[1])
        if number == 0:
            _until(lambda: len([*pids.iterdir()]) == 2)  # once for sure while a test runs
        else:
            time.sleep(chance.uniform(0, 1.5))
        worker.kill()
        worker.wait(ALARM)
        worker.stdout.close()
    _until(lambda: not any(_alive(int(path.name)) for path in pids.iterdir()))
    assert _left(sandboxes)
    QESession(folder, store=store, sandboxes=sandboxes, roles=["lint_tester"]).run()
    assert _left(sandboxes) == []
    assert git(folder, "worktree", "list").count("\n") == 0
    assert every_byte(folder) == before
    told = 0
    for session_id in sessions:
        if not store.exists(session_id):
            continue  # killed before its first step
        try:
            run = read_run(store.load(session_id))
        except NoQualityRun:
            continue
        told += 1
        assert run.verdict is Verdict.INCOMPLETE
        assert [role.role for role in run.roles] == ["regression_tester"]
    assert told >= 1


def test_two_runs_at_once(slow, store, store_path, tmp_path, project):
    """A run leaves the sandbox of another that is at work alone, and both come to their end."""
    folder, pids = slow
    sandboxes = tmp_path / "sandboxes"
    worker = _start(folder, store_path, sandboxes)
    assert worker.stdout is not None
    try:
        _until(lambda: len([*pids.iterdir()]) == 2)
        theirs = _left(sandboxes)
        assert len(theirs) == 1
        other = project({"demo.py": "import os\n", "ruff.toml": ""}, committed=True, name="other")
        for checked in (folder, other):
            run = QESession(checked, store=store, sandboxes=sandboxes, roles=["lint_tester"]).run()
            assert run.roles[0].checks
        assert _left(sandboxes) == theirs
        assert (theirs[0] / folder.name / "made-by-a-test").exists()
        assert all(_alive(int(path.name)) for path in pids.iterdir())
    finally:
        worker.send_signal(signal.SIGINT)
        worker.wait(ALARM)
        worker.stdout.close()
    assert _left(sandboxes) == []


def test_ctrl_c_ends_it_all(slow, store, store_path, tmp_path):
    """Ctrl-C ends the tools, removes the sandbox at once, and the session says that it was ended."""
    folder, pids = slow
    sandboxes = tmp_path / "sandboxes"
    before = every_byte(folder)
    worker = _start(folder, store_path, sandboxes)
    assert worker.stdout is not None
    session_id = worker.stdout.readline().split()[1]
    _until(lambda: len([*pids.iterdir()]) == 2)
    worker.send_signal(signal.SIGINT)
    assert worker.wait(ALARM) != 0
    worker.stdout.close()
    assert _left(sandboxes) == []
    assert not any(_alive(int(path.name)) for path in pids.iterdir())
    assert every_byte(folder) == before
    session = store.load(session_id)
    assert session.messages[-1].content == "Verdict: incomplete. Findings: none. It was ended: KeyboardInterrupt."
    assert read_run(session).verdict is Verdict.INCOMPLETE


def test_a_role_ends_with_its_time(slow, store):
    """A tool that takes for ever is ended with everything it started, what it said is kept, and the role is incomplete."""
    folder, pids = slow
    run = QESession(folder, store=store, roles=["regression_tester", "lint_tester"], timeout=3).run()
    assert run.roles[0].outcome == "incomplete"
    assert run.roles[0].checks[-1].ended == "timeout"
    assert run.roles[0].checks[-1].exit_code is None
    assert run.roles[0].notes[-1].endswith("ended when the role's 3 seconds were over")
    assert run.roles[1].checks
    assert not any(_alive(int(path.name)) for path in pids.iterdir())


def test_stopped_from_another_thread(slow, store):
    """`stop` ends what runs; the roles after it are left out, and `run` gives what there is."""
    folder, pids = slow
    qe = QESession(folder, store=store, roles=["regression_tester", "lint_tester"])
    stopper = threading.Thread(target=lambda: (_until(lambda: len([*pids.iterdir()]) == 2), qe.stop()))
    stopper.start()
    run = qe.run()
    stopper.join(ALARM)
    assert run.verdict is Verdict.INCOMPLETE
    assert [role.outcome for role in run.roles] == ["incomplete", "incomplete"]
    assert not run.roles[1].checks
    assert store.load(qe.session.id).messages[-1].content.endswith("It was stopped.")


def test_a_stopped_session_runs_again(project, store):
    """`stop` holds for one run: the one that is on, or the next."""
    qe = QESession(project({"a.py": "", "ruff.toml": ""}), store=store, roles=["lint_tester"])
    qe.stop()
    assert [qe.run().verdict for _ in range(2)] == [Verdict.INCOMPLETE, Verdict.PASSED]


def test_a_cancelled_session_runs_again(slow, store):
    """A task that was cancelled stops nothing that comes after it."""
    folder, _ = slow
    qe = QESession(folder, store=store, roles=["lint_tester"])

    async def cancelled() -> None:
        task = asyncio.create_task(qe.__aenter__())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    (folder / "ruff.toml").touch()
    assert qe.run().roles[0].checks


def test_cancelled_as_a_task(slow, store):
    """A cancelled task comes back only when the tools have ended and the sandbox is gone."""
    folder, pids = slow

    async def cancelled() -> Path:
        async with QESession(folder, store=store, roles=["regression_tester"]) as qe:
            assert qe.sandbox is not None
            task = asyncio.create_task(qe.run_async())
            while len([*pids.iterdir()]) < 2:  # noqa: ASYNC110 - another process makes the files
                await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not any(_alive(int(path.name)) for path in pids.iterdir())
            return qe.sandbox.home

    assert not asyncio.run(cancelled()).exists()
