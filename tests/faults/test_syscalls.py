"""Every system call of a save made to fail or kill, one at a time: the outcome told is true, and nothing breaks.

strace injects the faults into a running process (strace(1), "Tampering"), so they strike where no Python reaches.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

import pytest

from superqode.session import SessionStore

from . import processes

GROUP = "a system call fails"

FAULTS = {
    "openat": ("error=EIO", "error=ENOSPC", "error=EMFILE", "signal=KILL"),
    "write": ("error=EIO", "error=ENOSPC", "signal=KILL"),
    "rename": ("error=EIO", "error=ENOSPC", "signal=KILL"),
    "fsync": ("error=EIO", "signal=KILL"),
    "fdatasync": ("error=EIO", "signal=KILL"),
    "syncfs": ("error=EIO", "signal=KILL"),
    "utimensat": ("error=EIO", "signal=KILL"),
    "flock": ("error=EIO", "signal=KILL"),
}
# As saves are: with the journal. Those too large for it: with syncfs, and as on a system that has none.
CASES = [(call, flush) for call in FAULTS for flush in ("journal", "together", "each")]
# What a record waits for is fdatasync; all else is synced whole.
CASES = [
    case
    for case in CASES
    if case[0] not in ("fsync", "fdatasync") or case in (("fsync", "each"), ("fdatasync", "journal"))
]
CASES = [case for case in CASES if case[0] != "syncfs" or case[1] == "together"]
if not processes.FULL:
    CASES = [case for case in CASES if case[1] == "journal" or case in (("syncfs", "together"), ("fsync", "each"))]
# Every call in a full run, some of each kind else.
POINTS = 1_000 if processes.FULL else 2


def _strace_works() -> str:
    """Why strace cannot be used here; empty where it can."""
    if not sys.platform.startswith("linux") or shutil.which("strace") is None:
        return "needs strace, which is Linux's"
    done = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"strace is not allowed here: {done.stderr.strip()}"


pytestmark = pytest.mark.skipif(bool(_strace_works()), reason=_strace_works() or "strace works")


class Traced:
    """A saving process, and faults for it."""

    def __init__(self, start, store_path, flush: str) -> None:
        self._start = start
        self._path = store_path
        self._environment = dict(os.environ) | {"SUPERQODE_TEST_FLUSH": flush}
        self._worker = None

    def step(self, text: str, call: str, inject: str = "") -> tuple[str, int]:
        """Let it save one message with a fault; gives what it told (empty: it died) and how many such calls it made."""
        if self._worker is None:
            self._worker = self._start("steps", self._path, "s", env=self._environment)
            assert self._worker.line() == "ready"
        faults = ["-e", f"inject={inject}"] if inject else []
        tracer = subprocess.Popen(
            ["strace", "-f", "-p", str(self._worker.pid), "-e", f"trace={call}", *faults],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert tracer.stderr is not None
        assert "attached" in tracer.stderr.readline()
        self._worker.say(text)
        told = self._worker.line()
        tracer.send_signal(signal.SIGINT)
        seen = tracer.communicate(timeout=processes.ALARM)[1]
        if not told:
            self._worker.kill()
            self._worker = None
        return told, sum(1 for line in seen.splitlines() if f"{call}(" in line)


def _points(count: int) -> list[int]:
    """Which of so many calls to strike, counted from 1."""
    stride = max(1, -(-count // POINTS))
    return list(range(1, count + 1, stride))


@pytest.mark.parametrize(("call", "flush"), CASES)
def test_a_fault_at_any_system_call(call, flush, start, store_path, git, saved, contents):
    """Whatever fails at whichever call: told outcomes are true, nothing acknowledged is lost, the next save works."""
    saved("s")
    saved("t")
    traced = Traced(start, store_path, flush)
    stored = contents("s")
    _, count = traced.step("how many", call)
    assert count, f"a save makes no {call}"
    for fault in FAULTS[call]:
        for number in _points(count):
            for lasting in ("", "+") if fault.startswith("error") else ("",):
                before = contents("s")
                text = f"{call} {fault} {number}{lasting}"
                told, _ = traced.step(text, call, f"{call}:{fault}:when={number}{lasting}")
                after = contents("s")
                _check_told(told, before, after, text)
                # Without the fault, the same process (or a new one, after its death) saves, and saves once.
                again, _ = traced.step("again" if told else "next", call)
                assert again == "done", (text, again)
                stored = contents("s")
                assert len(set(stored)) == len(stored) or told == "", text
                assert (text in stored) or told == "", (text, told)
                assert contents("t") == ["t 0", "t 1"], text
        git.fsck()
    with SessionStore(store_path) as store:
        findings = store.verify().findings
        assert [found for found in findings if found.severity == "error"] == []
    assert not [*(store_path / "refs").rglob("*.lock")]
    assert len(stored) > 3


def _check_told(told, before, after, text):
    """The word about a save against what is stored."""
    word = told.partition(" |")[0]
    moved = after != before
    assert after[: len(before)] == before, text
    if word == "done":
        assert after[-1] == text, told
    elif word in ("not saved", "refused"):
        assert not moved, told
    elif word == "saved":
        assert moved, told
    else:
        assert word in ("unknown", ""), told
