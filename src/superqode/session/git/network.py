"""One run of the `git` program against a remote: its progress told, its silence bounded, its words kept.

Nothing here knows what the words mean (`remote_failures` does). Whatever goes wrong, or whatever the caller's functions
raise, no process of ours stays behind: the whole process group goes.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import IO, Final

from superqode.session import clock
from superqode.session.git import program

__all__ = ["NO_REPOSITORY", "PATIENCE", "Ended", "Progress", "run"]

# Done, of how many, and git's word for what; both numbers are 0 while only the word is known.
Progress = Callable[[int, int, str], None]

# Where there is no repository only the user's own settings count, not those of a repository we happen to stand in.
NO_REPOSITORY: Final = Path(os.devnull)
PATIENCE: Final = 60.0
# Somebody looks for a password or a hardware key meanwhile.
_PATIENCE_WITH_PEOPLE: Final = 300.0

_TICK: Final = 0.05
_PIECE: Final = 65_536
_GRACE: Final = 2.0
# A server can say as much as it likes; the last words are the ones that explain.
_LINES_KEPT: Final = 200
_LINE_MAX: Final = 1000
_STEP: Final = re.compile(
    r"(?:remote: )?(?P<what>(?:Enumerating|Counting|Compressing|Writing|Receiving|Unpacking) objects"
    r"|Finding sources|Getting sizes|Resolving deltas|Checking connectivity|Checking objects|Processing changes)"
    r":\s+(?:\d+% \((?P<done>\d{1,12})/(?P<of>\d{1,12})\)|\d+)"
)
_CHATTER: Final = re.compile(r"(?:remote: )?(?:Total \d+ \(delta|Delta compression using|hint: )")
_SETTINGS: Final = {
    "protocol.version": "2",
    "color.ui": "false",
    "color.push": "false",
    "color.remote": "false",
    "color.transport": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    # A server may not send us on to other places for packs (gitprotocol-v2: bundle-uri, packfile-uris).
    "transfer.bundleURI": "false",
    "fetch.uriProtocols": "",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run of `git` ended.

    Attributes:
        code: its exit code; minus the signal's number where one ended it.
        lines: what it and the server said, line by line, without progress and control characters.
        waited: seconds of silence after which it was killed; 0 where it ended by itself.
        reached: how far it came: git's word for each step, with done and total.
    """

    code: int
    lines: tuple[str, ...]
    waited: float
    reached: Mapping[str, tuple[int, int]]


class _Words:
    """What git says on standard error, cut into lines, with progress told apart."""

    def __init__(self, progress: Progress | None) -> None:
        self.lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self.reached: dict[str, tuple[int, int]] = {}
        self._progress = progress
        self._rest = b""

    def add(self, data: bytes) -> None:
        *whole, rest = re.split(rb"[\r\n]", self._rest + data)
        for line in whole:
            self._line(line)
        self._rest = rest[:_LINE_MAX]

    def end(self) -> None:
        self._line(self._rest)
        self._rest = b""

    def _line(self, raw: bytes) -> None:
        text = "".join(letter for letter in raw[:_LINE_MAX].decode("utf-8", "replace") if letter.isprintable()).rstrip()
        step = _STEP.match(text)
        if step is not None:
            numbers = (int(step["done"] or 0), int(step["of"] or 0))
            self.reached[step["what"]] = numbers
            if self._progress is not None:
                self._progress(*numbers, step["what"])
        elif text and not _CHATTER.match(text):
            self.lines.append(text)


def run(
    arguments: Sequence[str],
    *,
    purpose: str,
    repository: Path = NO_REPOSITORY,
    interactive: bool = False,
    patience: float = PATIENCE,
    settings: Mapping[str, str] | None = None,
    output: Callable[[bytes], None] | None = None,
    progress: Progress | None = None,
    watch: Callable[[], int] | None = None,
) -> Ended:
    """Run `git` against a remote, whatever comes of it.

    Args:
        arguments: the command and its arguments; never anything from outside that could be taken for an option.
        purpose: what it is for, in the words of an error message.
        repository: the repository, or `NO_REPOSITORY`.
        interactive: whether git and ssh may ask on the terminal. Then patience is at least five minutes.
        patience: seconds without a word and without growth after which it is killed.
        settings: configuration for this call only.
        output: is given standard output, piece by piece.
        progress: is told how far it is.
        watch: is asked every few hundredths of a second for a number; a number that changes is a sign of life.

    Raises:
        GitMissing: there is no git, or an old one.
        Exception: what `output`, `progress` and `watch` raise; git is killed then.
    """
    patience = max(patience, _PATIENCE_WITH_PEOPLE) if interactive else patience
    low_speed = {"http.lowSpeedLimit": "1", "http.lowSpeedTime": str(max(1, int(patience)))}
    whole = program.command_line(repository, _SETTINGS | low_speed | dict(settings or {}), purpose=purpose)
    process = subprocess.Popen(
        [*whole, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=program.network_environment(repository, interactive=interactive),
        # A session of its own has no terminal to ask on. A password can only be typed to our own group.
        start_new_session=not interactive,
    )
    if process.stdout is None or process.stderr is None:
        raise AssertionError("it was started with pipes")
    words = _Words(progress)
    pieces: Queue[tuple[bool, bytes]] = Queue(16)
    over = Event()
    for stream, is_output in ((process.stdout, True), (process.stderr, False)):
        Thread(target=_pump, args=(stream, is_output, pieces, over), daemon=True).start()
    ended = False
    try:
        waited = _listen(process, pieces, words, output or _ignore, watch, patience)
        ended = waited == 0
    finally:
        over.set()
        if not ended:
            program.end(process, group=not interactive)
        code = process.wait()
    words.end()
    return Ended(code, tuple(words.lines), waited, words.reached)


def _ignore(_: bytes) -> None:
    pass


def _pump(stream: IO[bytes], is_output: bool, pieces: Queue[tuple[bool, bytes]], over: Event) -> None:
    """Hand a pipe's bytes on; an empty piece is its end. The thread owns the pipe, so that nobody closes it in use."""
    with stream:
        while True:
            data = os.read(stream.fileno(), _PIECE)
            while not over.is_set():
                with suppress(Full):
                    pieces.put((is_output, data), timeout=_TICK)
                    break
            if not data:
                return


def _listen(
    process: subprocess.Popen[bytes],
    pieces: Queue[tuple[bool, bytes]],
    words: _Words,
    output: Callable[[bytes], None],
    watch: Callable[[], int] | None,
    patience: float,
) -> float:
    """Take in what git says until it ends; gives the seconds of silence, if there were too many."""
    alive_at = looked_at = clock.monotonic()
    seen = 0
    open_pipes = 2
    while open_pipes:
        try:
            is_output, data = pieces.get(timeout=_TICK)
        except Empty:
            # A helper that stays (a credential cache) may hold the pipes: git's own end counts.
            if process.poll() is not None and clock.monotonic() - alive_at > _GRACE:
                return 0
        else:
            alive_at = clock.monotonic()
            open_pipes -= not data
            (output if is_output else words.add)(data)
        now = clock.monotonic()
        if watch is not None and now - looked_at >= _TICK:
            looked_at = now
            before, seen = seen, watch()
            alive_at = now if seen != before else alive_at
        if now - alive_at > patience:
            return patience
    return _outlast(process, patience)


def _outlast(process: subprocess.Popen[bytes], patience: float) -> float:
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        return patience
    return 0
