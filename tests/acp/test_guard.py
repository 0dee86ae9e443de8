"""The guard beside a program: it does nothing while it is held, and ends the program when it is let go."""

from __future__ import annotations

import subprocess
import sys

import pytest

from superqode.acp.guard import Guard

from .scripted import ALARM

UP = "import signal, sys, time\n{}\nprint('up', flush=True)\ntime.sleep(600)"


def _start(guard, *command):
    program = subprocess.Popen(
        guard.command(command), stdout=subprocess.PIPE, text=True, start_new_session=True, pass_fds=guard.passed
    )
    return program, guard.started()


@pytest.mark.parametrize(
    ("manners", "code"),
    [
        ("", -15),
        ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))", 7),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", -9),
    ],
)
def test_a_program_is_asked_to_end_then_made_to(manners, code):
    """It is our child, has time to tidy up, and ends at last."""
    guard = Guard()
    program, problem = _start(guard, sys.executable, "-c", UP.format(manners))
    assert problem == ""
    assert program.stdout is not None
    assert program.stdout.readline() == "up\n"
    with pytest.raises(subprocess.TimeoutExpired):
        program.wait(0.2)
    guard.let_go()
    assert program.wait(ALARM) == code
    program.stdout.close()


def test_a_program_that_is_none(tmp_path):
    """Why it cannot become the program is told, and the guard is no reason to wait."""
    for name, reason in (("no-such-program", "No such file"), (str(tmp_path), "Permission denied")):
        guard = Guard()
        program, problem = _start(guard, name)
        assert reason in problem
        assert program.communicate(timeout=ALARM)[0] == ""
        assert program.returncode == 127
        guard.let_go()
