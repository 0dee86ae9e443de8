"""Tools run as a group that ends with us: exit codes, output in bounds, time, nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from superqode.qe.captured import Captured
from superqode.qe.running import Runner

PATIENCE = 60


@pytest.fixture
def runner(tmp_path):
    """Runs commands in an empty folder."""
    folder = tmp_path / "folder"
    folder.mkdir()
    return Runner(folder, {"OURS": "set"}, [tmp_path / "first"])


def _python(code):
    return (sys.executable, "-c", code)


@pytest.mark.parametrize(("code", "expected"), [("", 0), ("raise SystemExit(3)", 3), ("import os; os.abort()", 134)])
def test_exit_codes_come_through(runner, code, expected):
    """A tool's exit code is its own, and a signal's is 128 and its number, as a shell tells it."""
    assert runner.run(_python(code), timeout=PATIENCE).exit_code == expected


def test_output_is_kept(runner):
    """Both outputs are kept as they come, standard output alone besides, and pieces are told meanwhile."""
    told = []
    code = "import sys, time; print('out', flush=True); time.sleep(0.2); print('err', file=sys.stderr)"
    ran = runner.run(_python(code), timeout=PATIENCE, on_output=told.append)
    assert (ran.output, ran.stdout) == ("out\nerr\n", "out\n")
    assert "".join(told) == ran.output
    assert (ran.cut, ran.ended) == (0, "")


def test_much_output_is_cut_in_its_middle(runner):
    """A tool that says very much is held in bounded memory: its beginning, its end, and how much is missing."""
    ran = runner.run(
        _python("print('first'); [print('x' * 999) for _ in range(5000)]; print('last')"), timeout=PATIENCE
    )
    assert ran.output.startswith("first\n")
    assert ran.output.endswith("last\n")
    assert f"[… {ran.cut:,} bytes cut …]" in ran.output
    assert len(ran.output) < 140_000
    assert len(ran.stdout) == 5_000_011


def test_there_is_no_input(runner):
    """A tool that asks gets the end of its input, and waits for nobody."""
    assert runner.run(_python("print(repr(input()))"), timeout=PATIENCE).exit_code == 1


def test_a_program_that_is_not_there(runner):
    """A command that cannot be started is exit code 127, as in a shell, and says why."""
    ran = runner.run(("no-such-program",), timeout=PATIENCE)
    assert (ran.exit_code, "No such file" in ran.output) == (127, True)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("command", [("grep", "^Sig[BIC]", "/proc/self/status"), ("ls", "/proc/self/fd")])
def test_a_tool_is_started_like_any_program(runner, command):
    """It inherits no signal that is ignored or blocked, and no file of ours."""
    alone = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    assert runner.run(command, timeout=PATIENCE).stdout == alone.stdout


def test_a_tool_has_no_child_that_it_does_not_know(runner):
    """A tool may wait for whatever child ends; there is none."""
    ran = runner.run(_python("import os; os.wait()"), timeout=PATIENCE)
    assert "ChildProcessError" in ran.output


def test_what_a_tool_leaves_running_ends(runner, tmp_path):
    """A process that a tool started and left is ended with it."""
    code = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        " print(child.pid)"
    )
    ran = runner.run(_python(code), timeout=PATIENCE)
    pid = int(ran.stdout)
    for _ in range(PATIENCE * 20):
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("it is still there")


def test_a_tool_that_ignores_the_wish_to_end(runner):
    """A tool that does not end when asked is killed."""
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    )
    ran = runner.run(_python(code), timeout=1)
    assert (ran.ended, ran.exit_code) == ("timeout", None)


def test_stopped_from_another_thread(runner):
    """Setting `stop` ends what runs."""
    threading.Timer(0.3, runner.stop.set).start()
    assert runner.run(_python("import time; time.sleep(600)"), timeout=PATIENCE).ended == "stopped"


def test_the_environment(runner, monkeypatch, tmp_path):
    """Tools get the caller's environment and ours, but nothing that points git elsewhere, and no password of ours."""
    for name in ("GIT_DIR", "SUPERQODE_SHARE_PASSWORD", "KEPT"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("PYTHONPATH", "theirs")
    fresh = Runner(runner.folder, {"OURS": "set"}, [tmp_path / "first"])
    code = "import os; print(*[os.environ.get(n) for n in ('GIT_DIR', 'SUPERQODE_SHARE_PASSWORD', 'KEPT', 'OURS', 'CI', 'PYTHONPATH')])"
    told = fresh.run(_python(code), timeout=PATIENCE).stdout.split()
    assert told == ["None", "None", "x", "set", "1", f"{tmp_path / 'first'}{os.pathsep}theirs"]


def test_captured_keeps_head_and_tail():
    """Whatever the chunks, what is kept is the exact beginning and end, and the sum is right."""
    for size in (1, 3, 7, 64):
        captured = Captured(head=10, tail=6)
        data = bytes(range(65, 65 + 40))
        for start in range(0, len(data), size):
            captured.add(data[start : start + size])
        assert captured.cut == 40 - 16
        assert captured.text() == f"{data[:10].decode()}\n[… 24 bytes cut …]\n{data[-6:].decode()}"
