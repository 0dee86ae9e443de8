"""Every system call of a save made to fail or kill, one at a time: the outcome told is true, and nothing breaks.

strace injects the faults into a running process (strace(1), "Tampering"), so they strike where no Python reaches.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager

import pytest

from superqode.session import SessionStore

from . import judging, processes
from .life import texts
from .tally import Blocked, Lost
from .verbs import VERBS, make_store

GROUP = "a system call fails"

KILL = "signal=KILL"
FAULTS = {
    "openat": ("error=EIO", "error=ENOSPC", "error=EMFILE", "error=EINTR", KILL),
    "write": ("error=EIO", "error=ENOSPC", "error=EDQUOT", "error=EINTR", KILL),
    "rename": ("error=EIO", "error=ENOSPC", "error=EINTR", KILL),
    "renameat2": ("error=EIO", "error=EINVAL", KILL),  # refused, the ref is renamed instead
    "unlink": ("error=EIO", KILL),
    "fsync": ("error=EIO", "error=ENOSPC", "error=EINTR", KILL),
    "fdatasync": ("error=EIO", "error=ENOSPC", "error=EINTR", KILL),
    "syncfs": ("error=EIO", "error=ENOSPC", KILL),
    "utimensat": ("error=EIO", KILL),
    "flock": ("error=EIO", "error=EINTR", KILL),
    "close": (KILL,),  # a refused close is not like a failing one, which closes all the same (close(2))
}
# What only verbs that move and remove do.
MOVING = FAULTS | {
    "link": ("error=EIO", "error=ENOSPC", KILL),
    "mkdir": ("error=ENOSPC", KILL),
    "rmdir": ("error=EIO", KILL),
    "ftruncate": ("error=EIO", KILL),
}
# As saves are: with the journal, and as on a system that cannot claim names. Those too large for it: with syncfs, and as
# on a system that has none.
CASES = [(call, flush) for call in FAULTS for flush in ("journal", "renames", "together", "each")]
# What a record waits for is fdatasync; all else is synced whole.
CASES = [
    case
    for case in CASES
    if case[0] not in ("fsync", "fdatasync") or case in (("fsync", "each"), ("fdatasync", "journal"))
]
CASES = [case for case in CASES if case[0] != "syncfs" or case[1] == "together"]
# A new object claims its name, and a ref that the journal has exchanges its with its lock's; or both are renamed.
RENAMED = {"rename": ("renames", "together", "each"), "utimensat": ("renames",)}
CASES = [case for case in CASES if case[1] in RENAMED.get(case[0], ("journal", "together", "each"))]
if not processes.FULL:
    few = (("syncfs", "together"), ("fsync", "each"))
    CASES = [case for case in CASES if case[1] in ("journal", "renames") or case in few]
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
        with _tracing(self._worker.pid, call, inject) as seen:
            self._worker.say(text)
            told = self._worker.line()
        if not told:
            self._worker.kill()
            self._worker = None
        return told, _calls(seen, call)


@contextmanager
def _tracing(pid: int, call: str, inject: str = ""):
    """Trace a process, and what it starts; gives a list that in the end has strace's lines."""
    faults = ["-e", f"inject={call}:{inject}"] if inject else []
    seen: list[str] = []
    # Into a file: a pipe that nobody reads would hold strace up, and with it what it traces.
    with tempfile.NamedTemporaryFile("r") as log:
        command = ["strace", "-f", "-p", str(pid), "-o", log.name, "-e", f"trace={call}", *faults]
        tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert tracer.stderr is not None
        assert "attached" in tracer.stderr.readline()
        try:
            yield seen
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.communicate(timeout=processes.ALARM)
            seen += log.read().splitlines()


def _calls(seen: list[str], call: str) -> int:
    return sum(1 for line in seen if f"{call}(" in line)


def _lasting(fault: str) -> tuple[str, ...]:
    """Once, and from then on for ever; but Python answers EINTR by asking again, so that for ever would never end."""
    if fault == KILL:
        return ("",)
    return ("", "..+3") if fault == "error=EINTR" else ("", "+")


def _when(number: int, lasting: str) -> str:
    return f"when={number}..{number + 3}" if lasting == "..+3" else f"when={number}{lasting}"


def _points(count: int, most: int = POINTS) -> list[int]:
    """Which of so many calls to strike, counted from 1."""
    stride = max(1, -(-count // most))
    return list(range(1, count + 1, stride))


@pytest.mark.parametrize(("call", "flush"), CASES)
def test_a_fault_at_any_system_call(call, flush, start, store_path, git, saved, contents, tally):
    """Whatever fails at whichever call: told outcomes are true, nothing acknowledged is lost, the next save works."""
    saved("s")
    saved("t")
    traced = Traced(start, store_path, flush)
    stored = contents("s")
    _, count = traced.step("how many", call)
    if call == "unlink" and not count:
        pytest.skip("names cannot be exchanged on this file system")
    assert count, f"a save makes no {call}"
    for fault in FAULTS[call]:
        for number in _points(count):
            for lasting in _lasting(fault):
                text = f"{call} {fault} {number}{lasting}"
                with tally.fault(f"{text} ({flush})"):
                    before = contents("s")
                    told, _ = traced.step(text, call, f"{fault}:{_when(number, lasting)}")
                    after = contents("s")
                    _check_told(told, before, after, text)
                    # Without the fault, the same process (or a new one, after its death) saves, and saves once.
                    again, _ = traced.step("again" if told else "next", call)
                    if again != "done":
                        raise Blocked(again)
                    stored = contents("s")
                    own = [content for content in stored if content not in ("next", "warm")]  # one for each death
                    assert len(set(own)) == len(own) or told == "", text
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
    if after[: len(before)] != before or (word == "done" and after[-1] != text):
        raise Lost(told)
    if word == "done":
        assert moved
    elif word in ("not saved", "refused"):
        assert not moved, told
    elif word == "saved":
        assert moved, told
    else:
        assert word in ("unknown", ""), told


# In a full run every call of every verb; else one verb each.
CASES_OF_VERBS = [(verb, call) for verb in VERBS for call in MOVING]
if not processes.FULL:
    CASES_OF_VERBS = [(list(VERBS)[n % len(VERBS)], call) for n, call in enumerate(MOVING)]


class _Verbs:
    """A verb done in a process of its own, in a copy of a store."""

    def __init__(self, start, folder) -> None:
        make_store(folder / "template")
        self._template = folder / "template"
        self.path = folder / "copy"
        self._worker = start("verbs", folder / "none")
        assert self._worker.line() == "ready"

    def do(self, verb: str, call: str, inject: str = "") -> tuple[str, str, int]:
        """Give what it told of the outcome (nothing: it died), and of why, and how many such calls it made."""
        shutil.rmtree(self.path, ignore_errors=True)
        shutil.copytree(self._template, self.path)
        self._worker.say(f"{verb} {self.path}")
        pid = int(self._worker.line().removeprefix("pid "))
        with _tracing(pid, call, inject) as seen:
            self._worker.say("go")
            told = self._worker.line()
            ended = told if told.startswith("dead") else self._worker.line()
        if ended == f"dead {-signal.SIGALRM}":
            raise Blocked(f"{verb} hangs")
        assert ended in ("dead 0", f"dead {-signal.SIGKILL}"), ended
        word, _, why = ("" if told.startswith("dead") else told).partition(" | ")
        return word.removesuffix(" |"), why, _calls(seen, call)


@pytest.mark.slow
@pytest.mark.parametrize(("verb", "call"), CASES_OF_VERBS)
def test_a_fault_at_any_system_call_of_a_verb(verb, call, start, tmp_path, tally):
    """Whatever fails at whichever call: all sessions are there or in the trash, the outcome is true, the verb works again."""
    verbs = _Verbs(start, tmp_path)
    _, _, count = verbs.do(verb, call)
    for fault in MOVING[call]:
        for number in _points(count, 12 if processes.FULL else 1):
            for lasting in _lasting(fault):
                with tally.fault(f"{verb}: {call} {fault} {number}{lasting}"):
                    word, why, _ = verbs.do(verb, call, f"{fault}:{_when(number, lasting)}")
                    assert word in ("done", "saved", "not saved", "unknown", "refused", ""), (word, why)
                    assert (word == "") == (fault == KILL) or word == "done", (word, why)
                    judging.check(verbs.path, verb)
                    _check_outcome(verb, word, verbs.path)
                    judging.go_on(verbs.path, verb)


def _check_outcome(verb: str, word: str, path) -> None:
    """A verb that was done is done."""
    if word != "done":
        return
    with SessionStore(path) as store:
        names = {row.id for row in store.list_sessions()}
        done = {
            "delete": lambda: "s" not in names,
            "undelete": lambda: "gone" in names,
            "rename": lambda: "new" in names and "s" not in names,
            "purge": lambda: not store.trash(),
            "fork": lambda: "new" in names,
            "undo": lambda: len(store.load("two").messages) == 1,
            "merge": lambda: texts(store.load("two")) in judging.MERGED,
            "snapshot": lambda: len(store.load("s").snapshots) == 2,
        }
        if not done.get(verb, lambda: True)():
            raise Lost(f"{verb} was told done")
