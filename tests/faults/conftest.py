"""What the fault tests share: processes beside the test, waiting without time, faults at one call."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from superqode.session import Session, SessionStore, clock

from . import processes
from .tally import Tally


@pytest.fixture(autouse=True)
def tally(request):
    """The faults of this test, for the table of `python tests/faults`; a test that counts none is one fault itself."""
    counted = Tally()
    yield counted
    request.node.user_properties.append(("faults", {"group": request.module.GROUP, "counts": counted.counts}))


@pytest.fixture
def start():
    """Start a worker: `start("save", store_path, …)`; what still runs at the end is killed."""
    with processes.workers() as starting:
        yield starting


@pytest.fixture
def no_waiting(monkeypatch):
    """Let the library's waiting pass at once; give it a function to call at each pause."""
    passed = [0.0]
    beside: list[Callable[[], object]] = []

    def sleep(seconds: float) -> None:
        passed[0] += seconds
        for action in beside:
            action()

    monkeypatch.setattr(clock, "monotonic", lambda: passed[0])
    monkeypatch.setattr(clock, "sleep", sleep)
    return beside.append


@pytest.fixture
def fail_call(monkeypatch):
    """Make a function fail: `fail_call(os, "rename", OSError(…), when=lambda path, *_: …, after=True)`.

    `when` looks at the arguments; `after` lets the call do its work first; it fails `times` times.
    """

    def arrange(place, name, problem, *, when=lambda *_: True, after=False, times=1):
        real = getattr(place, name)
        left = [times]

        def failing(*arguments, **options):
            if left[0] > 0 and when(*arguments):
                left[0] -= 1
                if after:
                    real(*arguments, **options)
                raise problem
            return real(*arguments, **options)

        monkeypatch.setattr(place, name, failing)

    return arrange


@pytest.fixture
def saved(store) -> Callable[..., Session]:
    """Make a session with some messages, one save each."""

    def make(session_id: str = "s", messages: int = 2) -> Session:
        session = Session(id=session_id, title=f"Title of {session_id}")
        for number in range(messages):
            session.add_message("user", f"{session_id} {number}")
            store.save(session)
        return session

    return make


@pytest.fixture
def contents(store_path) -> Callable[[str], list[str]]:
    """What a session's messages say, as a store opened just now reads them."""

    def read(session_id: str) -> list[str]:
        with SessionStore(store_path) as fresh:
            return [message.content for message in fresh.load(session_id).messages]

    return read


@pytest.fixture
def locks(store_path) -> Callable[[], list[Path]]:
    """The lock files that stand in the store."""
    return lambda: [*store_path.glob("*.lock"), *(store_path / "refs").rglob("*.lock")]


@pytest.fixture
def make_disk(tmp_path):
    """Give what mounts a disk for a `with` block: by options of tmpfs, or by a block size, as ext4 of 8 MiB in a file."""
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")

    @contextmanager
    def make(options: str | int) -> Iterator[Path]:
        place = tmp_path / "disk"
        place.mkdir(exist_ok=True)
        if isinstance(options, int):
            image = tmp_path / "image"
            with image.open("wb") as file:
                file.truncate(8 << 20)
            # No room is kept for root, who would find it never full.
            _or_skip("mkfs.ext4", "-q", "-F", "-m", "0", "-b", str(options), str(image))
            _or_skip("mount", "-o", "loop", str(image), str(place))
        else:
            _or_skip("mount", "-t", "tmpfs", "-o", options, "none", str(place))
        try:
            yield place
        finally:
            subprocess.run(["umount", "-l", str(place)], check=True)

    return make


def _or_skip(*command: str) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"this machine lets nobody mount a small disk: {done.stderr.strip()}")


@pytest.fixture
def small_disk(make_disk):
    """A disk of one MiB, where the machine lets us mount one."""
    with make_disk("size=1m") as place:
        yield place
