"""The agents as npm has them, each in a folder of its own below one cache, with a Node that all of them take."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["PACKAGES", "Programs", "cache_folder", "obstacle"]

# The agent's name on our command line → its package. Each brings a program, named in `PROGRAMS`.
PACKAGES: Final = {
    "claude-code": "@anthropic-ai/claude-code",
    "codex": "@openai/codex",
    "gemini": "@google/gemini-cli",
    "opencode": "opencode-ai",
    "pi": "@mariozechner/pi-coding-agent",
    "qwen": "@qwen-code/qwen-code",
}
PROGRAMS: Final = {name: name for name in PACKAGES} | {"claude-code": "claude"}
# The oldest Node that all six take; the package brings the program.
_NODE: Final = "node@22"
_PATIENCE: Final = 600


def cache_folder() -> Path:
    """Where the agents are installed, once for all runs: `SUPERQODE_TEST_AGENTS_CACHE`, or in the user's cache."""
    named = os.environ.get("SUPERQODE_TEST_AGENTS_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named) if named else Path(base, "superqode-test-agents")


def obstacle() -> str:
    """Say why the agents cannot be had here; empty where they can."""
    if not os.environ.get("SUPERQODE_TEST_AGENTS"):
        return "the real agents run with SUPERQODE_TEST_AGENTS=1 only"
    return "" if shutil.which("npm") else "npm is missing (Debian: npm)"


@dataclass(frozen=True)
class Programs:
    """The installed agents.

    Attributes:
        folder: below which each stands in a folder named like it.
    """

    folder: Path

    @classmethod
    def installed(cls, folder: Path) -> Programs:
        """Install what is not there yet: the newest of each, which takes a minute once."""
        programs = cls(folder)
        for name, package in {
            "node": _NODE,
            **{name: f"{package}@latest" for name, package in PACKAGES.items()},
        }.items():
            if not programs.of(name).exists():
                programs._install(name, package)
        return programs

    def of(self, name: str) -> Path:
        """Give the path of an agent's program."""
        return self.folder / name / "node_modules" / ".bin" / PROGRAMS.get(name, name)

    @property
    def path(self) -> str:
        """What `PATH` is for somebody who has all of them."""
        folders = [str(self.of(name).parent) for name in ("node", *PACKAGES)]
        return os.pathsep.join([*folders, os.environ["PATH"]])

    def version(self, name: str) -> str:
        """Say which version of an agent is there."""
        told = subprocess.run(
            [self.of(name), "--version"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            env={"PATH": self.path},
        )
        return next(word for word in f"{told.stdout} {told.stderr}".split() if word[0].isdigit())

    def _install(self, name: str, package: str) -> None:
        room = self.folder / name
        room.mkdir(parents=True, exist_ok=True)
        words = ["npm", "install", "--prefix", str(room), "--no-audit", "--no-fund", package]
        path = os.pathsep.join([str(self.of("node").parent), os.environ["PATH"]])
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, timeout=_PATIENCE, env={**os.environ, "PATH": path}
        )
        assert done.returncode == 0, done.stderr[-2000:]
