"""The `git` program, for what only it can do: packing, bundles, index-pack, later the network.

Saving and reading never need it. Calls run without hooks, without prompts, with a fixed language, and with nothing of
the caller's `GIT_*` environment that could point them at another repository.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Final

from superqode.session.errors import GitFailed, GitMissing

__all__ = ["OLDEST", "config_value", "find_git", "run"]

OLDEST: Final = (2, 31)
_VERSION: Final = re.compile(r"git version (\d+)\.(\d+)")
_MESSAGE_MAX: Final = 2000


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


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


def run(
    repository: Path,
    arguments: Sequence[str],
    *,
    purpose: str,
    stdin: IO[bytes] | bytes | None = None,
    settings: Mapping[str, str] | None = None,
) -> bytes:
    """Run `git` on a repository; gives its standard output.

    Args:
        repository: the bare repository.
        arguments: the command and its arguments; never anything from outside that could be taken for an option.
        purpose: what it is for, in the words of an error message.
        stdin: bytes or a stream for its standard input.
        settings: configuration for this call only.

    Raises:
        GitMissing: there is no git, or an old one.
        GitFailed: it ended with an error.
    """
    program = find_git(purpose)
    command = [program, "--git-dir", str(repository), "-c", "core.hooksPath=/dev/null"]
    for key, value in (settings or {}).items():
        command += ["-c", f"{key}={value}"]
    whole = [*command, *arguments]
    if isinstance(stdin, bytes):
        done = subprocess.run(whole, input=stdin, capture_output=True, check=False, env=_environment())
    else:
        given = stdin if stdin is not None else subprocess.DEVNULL
        done = subprocess.run(whole, stdin=given, capture_output=True, check=False, env=_environment())
    if done.returncode != 0:
        raise GitFailed(arguments[0], done.returncode, done.stderr.decode("utf-8", "replace")[-_MESSAGE_MAX:])
    return done.stdout


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
