"""A team for the tests of sharing: a bare repository between an owner's store and a reader's, and a real terminal."""

from __future__ import annotations

import subprocess
from pathlib import Path

import terminal

from .conftest import Cli

# Made up, in the shape of a real one: what redaction must find.
TOKEN = "ghp_" + "R4nd0mL3tt3rs4ndD1g1tsF0rTh1sT3stX9zQ"[:36]


def bare(path: Path) -> Path:
    """Make a bare repository, as a host has it."""
    subprocess.run(["git", "init", "--quiet", "--bare", str(path)], check=True)
    return path


class Team:
    """An owner whose default remote is `team`, and a reader who has nothing but git."""

    def __init__(self, folder: Path) -> None:
        self.remote = bare(folder / "team.git")
        self.owner = Cli(folder / "owner")
        self.reader = Cli(folder / "reader")
        self.owner.run("remote", "add", "team", self.remote)

    def refs(self) -> list[str]:
        """The refs of the remote."""
        told = subprocess.run(
            ["git", "-C", str(self.remote), "for-each-ref", "--format=%(refname)"],
            capture_output=True,
            text=True,
            check=True,
        )
        return told.stdout.split()

    def share(self, *args: object, given: str | None = None) -> str:
        """Share with some options; gives the link, which is all there is on stdout."""
        told = self.owner.run("share", "create", *args, given=given)
        (link,) = told.stdout.splitlines()
        return link


def converse(cli: Cli, *args: object, answers: list[tuple[str, bytes]]) -> tuple[int, str]:
    """Run a command on a terminal, answering each prompt when it stands there; its exit code and what was seen."""
    return terminal.converse(
        cli._command(args, before=terminal.TAKE_TERMINAL), answers, {"COLUMNS": "100", "LINES": "50", "PAGER": "cat"}
    )
