"""A new machine for the README's blocks: an empty home that git finds the team's server from, and `superqode`."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from servers.repositories import bare_repository

__all__ = ["OWN", "TEAM", "Machine", "make_machines"]

TEAM: Final = "git@example.com:team/sessions.git"
"""How the README calls the team's server; here it is a bare repository beside the machines."""
OWN: Final = "git@example.com:me/sessions.git"
"""How it calls the repository of one's own; here it is another one beside the machines."""

# What a shell leaves behind for the next block: the variables that the README uses.
_KEEP: Final = '\nprintf "%s" "${link:-}" > "$KEPT"\n'


@dataclass(frozen=True, slots=True)
class Machine:
    """A home, and shells in it.

    Attributes:
        home: the home; shells begin there.
        kept: where shells keep the link of a share, for the other machine too.
    """

    home: Path
    kept: Path

    def run(self, program: list[str], folder: Path | None = None) -> str:
        """Run a program, in the home or in another folder; gives its standard output."""
        environment = os.environ | {
            "HOME": str(self.home),
            "KEPT": str(self.kept),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        done = subprocess.run(
            program, cwd=folder or self.home, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, f"{program[-1]}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def shell(self, block: str, folder: Path | None = None) -> str:
        """Run a block of shell, in the home or in another folder; it stops at the first command that fails."""
        before = 'link=$(cat "$KEPT" 2>/dev/null || true)\n'
        return self.run(["bash", "-euo", "pipefail", "-c", before + block + _KEEP], folder)

    def python(self, block: str) -> str:
        """Run Python."""
        return self.run([sys.executable, "-c", block])


def make_machines(folder: Path) -> tuple[Machine, Machine]:
    """Make two machines that reach two Git servers by the names of `TEAM` and `OWN`."""
    servers = {TEAM: bare_repository(folder / "team.git"), OWN: bare_repository(folder / "own.git")}
    made = []
    for name in ("one", "two"):
        home = folder / name
        home.mkdir()
        known = (f'[url "{server}"]\n\tinsteadOf = {url}\n' for url, server in servers.items())
        (home / ".gitconfig").write_text("".join(known))
        made.append(Machine(home, folder / "link"))
    return made[0], made[1]
