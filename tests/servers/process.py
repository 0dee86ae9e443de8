"""What all servers have in common: programs, ports, a temporary folder, logs, a start that is sure and a sure end."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from servers.repositories import bare_repository, clean_environment, install_hook, refs_of
from servers.user import Access, Trust, Who

_PATIENCE = 10.0  # seconds until a server that does not answer counts as failed; it takes well under one
_ATTEMPTS = 3  # a free port may be taken by somebody else before the server has it
_LOG_SHOWN = 4000  # characters of each log in an error


class ServerFailed(AssertionError):
    """A server did not start; the message has its logs."""


def program(name: str) -> str | None:
    """The path of a program, also where only root's PATH has it, or among git's own."""
    inside = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True, timeout=60).stdout
    places = [os.environ["PATH"], "/usr/local/sbin", "/usr/sbin", "/sbin", inside.strip()]
    return shutil.which(name, path=os.pathsep.join(places))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _accepts(address: tuple[str, int] | str) -> bool:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as probe:
        probe.settimeout(1)
        return probe.connect_ex(address) == 0


def _descendants(process: int) -> list[int]:
    """A process' children and theirs; empty where there is no /proc."""
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text("ascii").split()):
                found += [child, *_descendants(child)]
    return found


@dataclass(frozen=True)
class Served:
    """A repository on a server.

    Attributes:
        path: where the server keeps it.
        url: what a client calls it.
        port: the server's port, for a proxy before it.
    """

    path: Path
    url: str
    port: int

    def through(self, port: int) -> str:
        """The URL by way of another port, such as a proxy's."""
        return self.url.replace(f":{self.port}/", f":{port}/")

    def hook(self, name: str, script: str | Path) -> Path:
        """Install a hook, by its text or from a file."""
        return install_hook(self.path, name, script)

    def refs(self) -> dict[str, str]:
        """The refs that the server has now, with their object ids."""
        return refs_of(self.path)


class Server(ABC):
    """A Git server on loopback: `with GitDaemon() as server: …`, or `start` and `stop`.

    Its ports stay the same when it is killed and started again, and so do its repositories until it is stopped.
    """

    title: ClassVar[str]
    needs: ClassVar[Mapping[str, str]]  # program → Debian package
    listens: ClassVar[Sequence[str]]  # the names of its ports, the one of `url` first

    def __init__(self) -> None:
        self.ports: dict[str, int] = {}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._count = 0

    # -- what each server says about itself -----------------------------------------------------------------------

    @abstractmethod
    def _prepare(self) -> None:
        """Fill the new folder with what stays: keys, passwords, folders."""

    @abstractmethod
    def _commands(self) -> list[list[str]]:
        """Write what depends on the ports, and give the commands to run in the foreground."""

    @abstractmethod
    def access(self, who: Who, trust: Trust = "right") -> Access:
        """The settings of a user, who knows the server, does not, or takes it for another."""

    def _url(self, name: str) -> str:
        return f"{self.listens[0]}://127.0.0.1:{self.ports[self.listens[0]]}/{name}"

    def _make(self, name: str, settings: Mapping[str, str]) -> Path:
        return bare_repository(self.folder / "repositories" / f"{name}.git", settings)

    @classmethod
    def obstacles(cls) -> list[str]:
        """Why this server cannot run here: programs that are missing, each with its package."""
        return [
            f"there is no {name} (Debian: {package})" for name, package in cls.needs.items() if program(name) is None
        ]

    # -- what tests use -------------------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """Everything the server has; short, because the path of a Unix socket must be."""
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="git-server-")
        return Path(self._temporary.name)

    def repository(self, name: str = "", settings: Mapping[str, str] | None = None) -> Served:
        """A new empty repository, under a name that was never used unless one is given."""
        self._count += 1
        name = name or f"sessions{self._count}"
        return Served(self._make(name, settings or {}), self._url(name), self.ports[self.listens[0]])

    def nowhere(self) -> str:
        """The URL of a repository that is not there."""
        return self._url("not-here")

    def logs(self) -> str:
        """The ends of all logs."""
        return "\n".join(
            f"--- {log.name}\n{log.read_text('utf-8', 'replace')[-_LOG_SHOWN:]}"
            for log in sorted((self.folder / "log").iterdir())
        )

    def start(self) -> Self:
        """Start, and come back when the server answers.

        Raises:
            ServerFailed: it does not.
        """
        first = not self.ports
        if first:
            (self.folder / "log").mkdir()
            self._prepare()
        for _ in range(_ATTEMPTS):
            if first:
                self.ports = {name: _free_port() for name in self.listens}
            self._processes = [self._spawn(command) for command in self._commands()]
            if self._answers():
                return self
            self.kill()
        raise ServerFailed(f"{self.title} does not start:\n{self.logs()}")

    def kill(self) -> None:
        """End it at once, with all it started, as a crash would."""
        for process in self._processes:
            family = _descendants(process.pid)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            for member in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(member, signal.SIGKILL)
            process.wait()
        self._processes = []

    def stop(self) -> None:
        """End it and remove all it had."""
        self.kill()
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None
        self.ports = {}

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- inside ---------------------------------------------------------------------------------------------------

    def _spawn(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        # setpriv lets the kernel end the server should the test process be killed before it can.
        tied = [setpriv, "--pdeathsig", "TERM"] if (setpriv := program("setpriv")) else []
        with (self.folder / "log" / f"{Path(command[0]).name}.log").open("ab") as log:
            return subprocess.Popen(
                [*tied, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=clean_environment(self.folder),
                start_new_session=True,
            )

    def _sockets(self) -> list[tuple[str, int] | str]:
        """Where the server must accept connections before it counts as started."""
        return [("127.0.0.1", port) for port in self.ports.values()]

    def _answers(self) -> bool:
        """Whether every socket accepts a connection while all processes live."""
        deadline = time.monotonic() + _PATIENCE
        waiting = self._sockets()
        while waiting and time.monotonic() < deadline:
            if any(process.poll() is not None for process in self._processes):
                return False
            waiting = [address for address in waiting if not _accepts(address)]
            time.sleep(0.01)
        return not waiting and all(process.poll() is None for process in self._processes)
