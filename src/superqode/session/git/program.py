"""The `git` program, for what only it can do: packing, bundles, index-pack, and (through `network`) remotes.

Saving and reading never need it. Calls run without hooks, without prompts, with a fixed language, and with nothing of
the caller's `GIT_*` environment that could point them at another repository. What talks to a remote keeps those
variables that carry the user's own credentials, proxies and certificates (`network_environment`).
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, Final

from superqode.session import clock
from superqode.session.errors import GitFailed, GitMissing, StoreLocked

__all__ = [
    "OLDEST",
    "PROTOCOLS",
    "command_line",
    "config_value",
    "configure",
    "end",
    "find_git",
    "git_version",
    "has_version",
    "network_environment",
    "run",
    "run_in",
    "stream",
]

OLDEST: Final = (2, 31)
# All that a remote may speak; above all not `ext`, which runs a command of the URL's choice.
PROTOCOLS: Final = ("file", "git", "http", "https", "ssh")
_VERSION: Final = re.compile(r"git version (\d+)\.(\d+)")
_MESSAGE_MAX: Final = 2000
# Seconds for a process to tidy up after itself.
_GRACE: Final = 2.0
# How the user logs in, and through what; where to find their settings. See git(1), "Environment Variables".
_KEPT: Final = re.compile(
    r"GIT_(?:SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|SSL_\w+|HTTP_\w+|PROXY_\w+"
    r"|CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+))"
)
# What `git config` ends with where the lock is somebody else's (CONFIG_NO_LOCK in git's config.h, as an exit code); and
# how long that is waited for, and between two tries, in seconds.
_CONFIG_LOCKED: Final = 255
_CONFIG_PATIENCE: Final = 5.0
_CONFIG_PAUSE: Final = 0.02
_SSH_PROGRAMS: Final = ("ssh", "ssh.exe")


@cache
def _version(program: str) -> tuple[int, int] | None:
    try:
        told = subprocess.run([program, "version"], capture_output=True, text=True, check=False, timeout=30).stdout
    except OSError:
        return None
    found = _VERSION.match(told)
    return (int(found[1]), int(found[2])) if found else None


def find_git(purpose: str) -> str:
    """The path of a `git` that is new enough.

    Raises:
        GitMissing: there is none.
    """
    program = shutil.which("git")
    if program is None:
        raise GitMissing(purpose)
    version = _version(program)
    if version is None:
        raise GitMissing(purpose, f"{program} does not tell its version")
    if version < OLDEST:
        raise GitMissing(purpose, f"{program} is version {version[0]}.{version[1]}")
    return program


def git_version(purpose: str) -> str:
    """The version of the `git` that is used, as `2.39`; raises as `find_git`."""
    version = _version(find_git(purpose))
    return ".".join(map(str, version or ()))


def has_version(major: int, minor: int) -> bool:
    """Whether there is a `git` at least as new as this."""
    program = shutil.which("git")
    return program is not None and (_version(program) or (0, 0)) >= (major, minor)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


def command_line(repository: Path, settings: Mapping[str, str] | None, *, purpose: str) -> list[str]:
    """How each of our calls of `git` begins: on this repository, without hooks, with these settings.

    Raises:
        GitMissing: there is no git, or an old one.
    """
    command = [find_git(purpose), "--git-dir", str(repository), "-c", "core.hooksPath=/dev/null"]
    for key, value in (settings or {}).items():
        command += ["-c", f"{key}={value}"]
    return command


def run(
    repository: Path,
    arguments: Sequence[str],
    *,
    purpose: str,
    stdin: IO[bytes] | bytes | None = None,
    settings: Mapping[str, str] | None = None,
    keep: Sequence[int] = (),
) -> bytes:
    """Run `git` on a repository; gives its standard output.

    Args:
        repository: the bare repository.
        arguments: the command and its arguments; never anything from outside that could be taken for an option.
        purpose: what it is for, in the words of an error message.
        stdin: bytes or a stream for its standard input.
        settings: configuration for this call only.
        keep: handles of locks that it holds as well, and on after our own death.

    Raises:
        GitMissing: there is no git, or an old one.
        GitFailed: it ended with an error.
    """
    return _finished([*command_line(repository, settings, purpose=purpose), *arguments], arguments[0], stdin, keep)


def configure(repository: Path, *arguments: str, purpose: str) -> None:
    """Change a repository's own settings with `git config`; waits while somebody else changes them.

    Args:
        repository: the bare repository.
        arguments: as for `git config --local`.
        purpose: as for `run`.

    Raises:
        GitMissing: there is no git, or an old one.
        GitFailed: it ended with an error.
        StoreLocked: somebody holds `config.lock` all the time.
    """
    started = clock.monotonic()
    while True:
        try:
            run(repository, ["config", "--local", *arguments], purpose=purpose)
        except GitFailed as problem:
            waited = clock.monotonic() - started
            if problem.code != _CONFIG_LOCKED:
                raise
            if waited > _CONFIG_PATIENCE:
                raise StoreLocked(repository / "config.lock", waited) from problem
        else:
            return
        clock.sleep(_CONFIG_PAUSE)


def run_in(folder: Path, arguments: Sequence[str], *, purpose: str) -> bytes:
    """Run `git` on the work tree that a folder is in; gives its standard output.

    Nothing that the tree's own settings name is run: no hook, no file system monitor.

    Args:
        folder: a folder in somebody's work tree.
        arguments: as for `run`.
        purpose: as for `run`.

    Raises:
        GitMissing: there is no git, or an old one.
        GitFailed: it ended with an error.
    """
    quiet = ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"]
    return _finished([find_git(purpose), "-C", str(folder), *quiet, *arguments], arguments[0], None, ())


def _finished(whole: Sequence[str], command: str, stdin: IO[bytes] | bytes | None, keep: Sequence[int]) -> bytes:
    if isinstance(stdin, bytes):
        done = subprocess.run(whole, input=stdin, capture_output=True, check=False, env=_environment(), pass_fds=keep)
    else:
        given = stdin if stdin is not None else subprocess.DEVNULL
        done = subprocess.run(whole, stdin=given, capture_output=True, check=False, env=_environment(), pass_fds=keep)
    if done.returncode != 0:
        raise GitFailed(command, done.returncode, done.stderr.decode("utf-8", "replace")[-_MESSAGE_MAX:])
    return done.stdout


@contextmanager
def stream(
    repository: Path,
    arguments: Sequence[str],
    *,
    purpose: str,
    stdin: bytes | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[IO[bytes]]:
    """Run `git` and give its standard output while it runs, in bounded memory.

    Read it to its end: a `git` whose output nobody reads any more fails, and that is told as any failure. Where the
    block raises, `git` is killed, and the block's own error goes on.

    Args:
        repository: the bare repository.
        arguments: as for `run`.
        purpose: as for `run`.
        stdin: bytes for its standard input.
        settings: as for `run`.

    Raises:
        GitMissing: there is no git, or an old one.
        GitFailed: it ended with an error; raised at the end of the block.
    """
    whole = [*command_line(repository, settings, purpose=purpose), *arguments]
    # Files beside the pipe: neither a long input nor a long complaint can block, whoever reads or writes first.
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
        given.write(stdin or b"")
        given.seek(0)
        process = subprocess.Popen(
            whole, stdin=given, stdout=subprocess.PIPE, stderr=said, env=_environment(), start_new_session=True
        )
        if process.stdout is None:
            raise AssertionError("it was started with a pipe")
        try:
            yield process.stdout
        except BaseException:
            end(process, group=True)
            raise
        finally:
            process.stdout.close()
            code = process.wait()
        if code != 0:
            said.seek(max(0, said.seek(0, os.SEEK_END) - _MESSAGE_MAX))
            raise GitFailed(arguments[0], code, said.read().decode("utf-8", "replace"))


def end(process: subprocess.Popen[bytes], *, group: bool) -> None:
    """End a process of ours and what it started: first so that it can take its locks away, then for sure.

    Args:
        process: the process.
        group: whether it has a session of its own, so that all in it can go.
    """
    for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        with suppress(ProcessLookupError, PermissionError):
            if group and hasattr(os, "killpg"):
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)


def network_environment(repository: Path, *, interactive: bool, connect_timeout: int = 20) -> dict[str, str]:
    """The environment for a `git` that talks to a remote, with the user's own credentials.

    Args:
        repository: the repository whose settings hold besides the user's; one that is none for the user's alone.
        interactive: whether `git` and ssh may ask the user. Otherwise nothing asks, and nothing waits for an answer.
        connect_timeout: how long ssh tries to connect, in seconds.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or _KEPT.fullmatch(name)}
    allowed = os.environ.get("GIT_ALLOW_PROTOCOL")
    wanted = PROTOCOLS if allowed is None else [name for name in PROTOCOLS if name in allowed.split(":")]
    kept |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_ALLOW_PROTOCOL": ":".join(wanted)}
    options = f"-o ConnectTimeout={connect_timeout} -o ServerAliveInterval=20"
    if not interactive:
        options = f"-o BatchMode=yes {options}"
        # An empty GIT_ASKPASS keeps git from trying core.askPass and SSH_ASKPASS, which open windows.
        kept |= {"GIT_TERMINAL_PROMPT": "0", "SSH_ASKPASS_REQUIRE": "never", "GCM_INTERACTIVE": "never"}
        kept["GIT_ASKPASS"] = kept.get("GIT_ASKPASS", "")
        kept.pop("SSH_ASKPASS", None)
    command = _ssh_command(repository, kept)
    if command:
        kept["GIT_SSH_COMMAND"] = f"{command} {options}"
    return kept


def _ssh_command(repository: Path, environment: Mapping[str, str]) -> str:
    """The ssh command that git would run, if it takes OpenSSH's options; else nothing."""
    found = _ssh_settings(repository, environment)
    command = environment.get("GIT_SSH_COMMAND") or found.get("core.sshcommand", "")
    if not command:
        command = shlex.quote(environment.get("GIT_SSH") or "ssh")
    variant = environment.get("GIT_SSH_VARIANT") or found.get("ssh.variant", "auto")
    try:
        program = re.split(r"[/\\]", shlex.split(command)[0])[-1].lower()
    except (ValueError, IndexError):  # a quote without its twin: git's to complain about
        return ""
    return command if variant == "ssh" or (variant == "auto" and program in _SSH_PROGRAMS) else ""


def _ssh_settings(repository: Path, environment: Mapping[str, str]) -> dict[str, str]:
    asked = ["config", "--null", "--get-regexp", r"^(core\.sshcommand|ssh\.variant)$"]
    done = subprocess.run(
        [find_git("Reaching a remote"), "--git-dir", str(repository), *asked],
        capture_output=True,
        check=False,
        env=dict(environment),
        timeout=30,
    )
    # Each is `key LF value NUL`; the last of a key counts.
    pairs = (entry.partition("\n") for entry in done.stdout.decode("utf-8", "surrogateescape").split("\0") if entry)
    return {key: value for key, _, value in pairs}


def config_value(repository: Path, key: str) -> str | None:
    """A setting as `git` sees it for this repository (its own and the user's), or `None` where unset or without git."""
    program = shutil.which("git")
    if program is None:
        return None
    done = subprocess.run(
        [program, "--git-dir", str(repository), "config", "--get", key],
        capture_output=True,
        check=False,
        env=_environment(),
        timeout=30,
    )
    return done.stdout.decode("utf-8", "replace").rstrip("\n") if done.returncode == 0 else None
