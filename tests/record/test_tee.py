"""The tee with real processes: bytes, signals, exit codes, and what happens when one of the three dies."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from superqode.session import SessionStore, clock
from superqode.session.errors import StoreNotFound

from .recorder import AGENT, ALARM, RECORD, Recorder

PYTHON = sys.executable
CAT = (PYTHON, "-c", "import os\nwhile data := os.read(0, 1 << 16): os.write(1, data)")


@pytest.fixture
def place(tmp_path):
    """Where the store is."""
    return tmp_path / "store"


def python(code):
    """Give the command of an agent that is a few lines of Python."""
    return (PYTHON, "-c", code)


def stored(place):
    """Give the sessions that are stored; the index would trust what it read while the tests' clock stands still."""
    with SessionStore(place, create=False) as store:
        return [
            store.load(branch.name)
            for branch in sorted((place / "refs/heads").glob("acp-*"))
            if branch.suffix != ".lock"
        ]


def comes(ask):
    """Give what a question comes to once it is not empty; an alarm rings where it stays so."""
    until = clock.monotonic() + ALARM
    while clock.monotonic() < until:
        if told := ask():
            return told
        clock.sleep(0.02)
    return pytest.fail("it never came")


def stored_texts(place):
    """Give what is stored as said, of all sessions; nothing while there is no store."""
    try:
        return [message.content for session in stored(place) for message in session.messages]
    except StoreNotFound:
        return []


def keeper_of(recorder):
    """Give the process that keeps what a recorder passes."""
    pid = recorder.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()
    return next(int(child) for child in children if os.getsid(int(child)) == int(child))


# -- bytes ----------------------------------------------------------------------------------------------------


def test_a_client_whose_pipes_never_wait(place):
    """Where a client has set its pipes to never wait, everything passes all the same, and they stay as they were."""
    data = random.Random(7).randbytes(1_000_000)
    theirs, asked = os.pipe()
    answered, ours = os.pipe()
    for end in (theirs, ours):
        os.set_blocking(end, False)
    process = subprocess.Popen([*RECORD, "--store", str(place), "--", *CAT], stdin=theirs, stdout=ours)

    def ask():
        clock.sleep(1.0)  # it finds nothing to read
        with os.fdopen(asked, "wb") as pipe:
            pipe.write(data)

    asking = threading.Thread(target=ask)
    asking.start()
    clock.sleep(2.0)  # and no room to write
    assert (os.get_blocking(theirs), os.get_blocking(ours)) == (False, False)
    os.close(ours)
    with os.fdopen(answered, "rb") as pipe:
        assert pipe.read() == data
    asking.join(ALARM)
    os.close(theirs)
    assert process.wait(ALARM) == 0


@pytest.mark.parametrize("size", [1, 70_000, 3_000_000])
def test_any_bytes_pass_as_they_are(place, size):
    """Binary garbage of any length, with few line ends or many, comes back the same."""
    data = random.Random(size).randbytes(size)
    with Recorder(place, CAT) as recorder:
        back, told = recorder.process.communicate(data, timeout=ALARM)
    assert back == data
    assert (told, recorder.process.returncode) == (b"", 0)


def test_a_byte_passes_at_once(place):
    """Nothing waits for the end of a line, in either direction."""
    with Recorder(place, CAT) as recorder:
        for byte in (b"{", b"\xff", b"\0"):
            recorder.say(byte)
            assert recorder.process.stdout.read(1) == byte


def test_both_directions_are_independent(place):
    """A client that only talks, and an agent that does too, do not wait for each other."""
    flood = python(
        "import os, threading\nthreading.Thread(target=lambda: os.write(1, b'a' * 2_000_000)).start()\nwhile os.read(0, 65536): pass"
    )
    with Recorder(place, flood) as recorder:
        writing = threading.Thread(target=recorder.say, args=[b"b" * 2_000_000])
        writing.start()
        heard = 0
        while heard < 2_000_000:
            heard += len(recorder.process.stdout.read1(65536))
        writing.join(ALARM)
        assert recorder.end() == (0, "")


def test_a_keeper_that_stands_still_holds_nobody_up(place):
    """The conversation goes on, and all of it is stored once the keeper goes on."""
    with Recorder(place) as recorder:
        session = recorder.begin()
        keeper = keeper_of(recorder)
        os.kill(keeper, signal.SIGSTOP)
        texts = [f"{number} " + "x" * 100_000 for number in range(20)]
        for text in texts:
            assert recorder.prompt(session, f"say {text}") == {"stopReason": "end_turn"}
        os.kill(keeper, signal.SIGCONT)
        assert recorder.end() == (0, "")
    assert stored_texts(place)[1::2] == texts


# -- how it ends ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "told"), [("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 128 + 9)]
)
def test_the_exit_code_is_the_agents(place, code, told):
    """A number as it is, a signal as shells tell it."""
    with Recorder(place, python(code)) as recorder:
        assert recorder.end() == (told, "")


def test_stderr_is_the_agents(place):
    """What the agent writes there comes through as it is."""
    with Recorder(place, python("import sys; sys.stderr.write('a warning')")) as recorder:
        assert recorder.end() == (0, "a warning")


def test_what_an_agent_says_last_comes_through(place):
    """Much output right before the end is not cut off."""
    with Recorder(place, python("import os; os.write(1, b'x' * 60_000); os._exit(3)")) as recorder:
        assert recorder.process.communicate(timeout=ALARM)[0] == b"x" * 60_000
        assert recorder.process.returncode == 3


def test_a_client_that_reads_late_gets_it_all(place):
    """Though the agent has ended long before."""
    with Recorder(place, python("import os\nfor _ in range(20): os.write(1, b'x' * 10_000)")) as recorder:
        clock.sleep(2.5)
        assert recorder.process.communicate(timeout=ALARM)[0] == b"x" * 200_000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_signals_go_to_the_agent(place, number):
    """The agent decides what a signal means; the recorder ends as it does, with everything saved."""
    trap = f"import signal, sys, time\nsignal.signal({int(number)}, lambda *_: sys.exit(40 + {int(number)}))\n"
    with Recorder(place, python(trap + "print('ready', flush=True)\ntime.sleep(60)")) as recorder:
        assert recorder.line() == b"ready\n"
        recorder.process.send_signal(number)
        assert recorder.end() == (40 + number, "")


def test_a_client_that_goes_ends_the_agent(place):
    """The agent's input ends, as without the recorder, and the turn that was going on is stored."""
    with Recorder(place) as recorder:
        session = recorder.begin()
        recorder.begin_turn(session, "say half", "call c1 a.txt", "hang")
        recorder.line()
        recorder.line()
        recorder.process.stdin.close()
        recorder.process.stdout.close()
        assert recorder.process.wait(ALARM) == 0
    (kept,) = stored(place)
    assert [message.content for message in kept.messages] == ["say half\ncall c1 a.txt\nhang", "half"]
    assert kept.messages[-1].metadata["interrupted"] is True
    assert kept.tool_executions[0].metadata["unfinished"] is True


def test_an_agent_that_only_writes_learns_that_nobody_reads(place):
    """Its pipe breaks, as without the recorder."""
    writer = python("import os\nwhile True: os.write(1, b'x' * 4096)")
    with Recorder(place, writer) as recorder:
        recorder.process.stdout.read(10)
        recorder.process.stdout.close()
        assert recorder.process.wait(ALARM) == 1


# -- kill -9 --------------------------------------------------------------------------------------------------


def test_a_killed_agent_leaves_what_it_said(place):
    """The recorder ends with its signal, and the session has the turn as far as it came."""
    with Recorder(place) as recorder:
        session = recorder.begin()
        recorder.prompt(session, "say first")
        recorder.begin_turn(session, "say half", "deaf")
        recorder.line()
        os.kill(int(session.rsplit("-", 1)[1]), signal.SIGKILL)
        assert recorder.end() == (128 + signal.SIGKILL, "")
    assert stored_texts(place) == ["say first", "first", "say half\ndeaf", "half"]


def test_a_killed_recorder_leaves_what_was_said(place):
    """Killed in the middle of a turn, everything that had passed is stored, and the agent's input ends."""
    with Recorder(place) as recorder:
        session = recorder.begin()
        recorder.prompt(session, "say first")
        recorder.begin_turn(session, "say half", "hang")
        recorder.line()
        recorder.process.kill()
        recorder.process.wait(ALARM)
        assert comes(lambda: len(texts := stored_texts(place)) == 4 and texts) == [
            "say first",
            "first",
            "say half\nhang",
            "half",
        ]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(30 if os.environ.get("SUPERQODE_TEST_FULL") == "1" else 3))
def test_whenever_the_recorder_is_killed_what_had_passed_is_stored(place, number):
    """At random moments of a long conversation: the answers that the client had heard are all there."""
    with Recorder(place) as recorder:
        session = recorder.begin()
        killer = threading.Timer(random.Random(number).random() / 3, recorder.process.kill)
        killer.start()
        heard = 0
        with suppress(BrokenPipeError):
            while True:
                recorder.begin_turn(session, f"say {heard}")
                if not (recorder.line() and recorder.line()):
                    break
                heard += 1
                clock.sleep(0.01)  # as fast as nobody talks, yet not faster than turns can be saved
        killer.join()
    wanted = [str(said) for said in range(heard)]
    assert comes(lambda: stored_texts(place)[1::2][:heard] == wanted)


def test_a_killed_keeper_is_told_once_and_the_conversation_goes_on(place):
    """The traffic never notices; people read it on stderr, one line. What was saved before is there."""
    with Recorder(place) as recorder:
        session = recorder.begin()
        recorder.prompt(session, "say kept")
        comes(lambda: stored_texts(place))
        os.kill(keeper_of(recorder), signal.SIGKILL)
        for _ in range(3):
            assert recorder.prompt(session, "say lost") == {"stopReason": "end_turn"}
        code, told = recorder.end()
    assert code == 0
    assert told.count("\n") == 1
    assert "not everything that is said is recorded" in told
    assert stored_texts(place) == ["say kept", "kept"]


# -- trouble with the store -----------------------------------------------------------------------------------


def test_a_broken_store_is_told_once_and_the_conversation_goes_on(tmp_path):
    """However many turns there are."""
    broken = tmp_path / "store"
    broken.write_text("no store", "utf-8")
    with Recorder(broken) as recorder:
        session = recorder.begin()
        for _ in range(3):
            assert recorder.prompt(session, "say x") == {"stopReason": "end_turn"}
        code, told = recorder.end()
    assert code == 0
    assert told.count("\n") == 1
    assert f"{broken} is no session store" in told


def test_a_log_that_cannot_be_written_is_told_and_the_session_is_recorded(place, tmp_path):
    """The log is a copy; without it the rest goes on."""
    with Recorder(place, AGENT, "--log", tmp_path / "none" / "log") as recorder:
        session = recorder.begin()
        recorder.prompt(session, "say x")
        code, told = recorder.end()
    assert (code, told.count("\n")) == (0, 1)
    assert "not logged" in told
    assert stored_texts(place) == ["say x", "x"]


def test_a_command_that_is_none_is_an_error(place):
    """Named, with exit code 1, and no store is made for it."""
    with Recorder(place, ("no-such-agent",)) as recorder:
        code, told = recorder.end()
    assert (code, told.count("\n")) == (1, 1)
    assert "'no-such-agent' cannot be started: No such file" in told
    assert not place.exists()
