"""Repositories on the server's side, made and looked at with plain git and none of the caller's settings."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


def clean_environment(home: Path) -> dict[str, str]:
    """What a server's processes see: a PATH, their own home, and nothing of the test's or the user's settings."""
    return {
        "PATH": os.pathsep.join([os.environ["PATH"], "/usr/local/sbin", "/usr/sbin", "/sbin"]),
        "HOME": str(home),
        "USER": "server",
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
    }


def server_git(repository: Path, *arguments: str) -> str:
    """Run git on a server's repository, which must succeed; gives its standard output without the last newline."""
    done = subprocess.run(
        ["git", "--git-dir", str(repository), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=clean_environment(repository),
    )
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout.removesuffix("\n")


def bare_repository(path: Path, settings: Mapping[str, str] | None = None) -> Path:
    """Make an empty bare repository, with these settings in its configuration; gives its path."""
    path.mkdir(parents=True)
    server_git(path, "-c", "init.defaultBranch=main", "init", "--quiet", "--bare", "--template=")
    for key, value in (settings or {}).items():
        server_git(path, "config", key, value)
    return path


def install_hook(repository: Path, name: str, script: str | Path) -> Path:
    """Put an executable hook into a repository: its text, or a file to copy. A hook that is there stays and is told."""
    hook = repository / "hooks" / name
    hook.parent.mkdir(exist_ok=True)
    text = script.read_text("utf-8") if isinstance(script, Path) else script
    with hook.open("x", encoding="utf-8") as file:
        file.write(text)
    hook.chmod(0o755)
    return hook


def refs_of(repository: Path) -> dict[str, str]:
    """All refs of a repository with their object ids."""
    lines = server_git(repository, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return dict(line.split(" ") for line in lines)
