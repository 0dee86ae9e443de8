"""A team's Git server with the hooks in place, and somebody who pushes to it with real `git push`."""

import shutil
import subprocess
from pathlib import Path

import pytest

from hooks.envelopes import NO_OBJECT, Repository

HOOKS = Path(__file__).parents[2] / "hooks" / "server"


@pytest.fixture(scope="session")
def _python3(tmp_path_factory) -> str:
    """A folder for PATH where `python3` is the system's, without what a version manager puts before it."""
    told = subprocess.run(
        ["python3", "-c", "import sys; print(sys.executable)"], capture_output=True, text=True, check=True
    )
    folder = tmp_path_factory.mktemp("bin")
    (folder / "python3").symlink_to(told.stdout.strip())
    return str(folder)


class Team:
    """A server, and a repository that pushes to it.

    Args:
        folder: where both are made.
    """

    def __init__(self, folder: Path) -> None:
        self.server = Repository.make(folder / "server.git")
        self.client = Repository.make(folder / "client.git")
        for name in ("pre-receive", "post-receive"):
            shutil.copy(HOOKS / name, self.server.path / "hooks" / name)

    def config(self, name: str, value: str) -> None:
        """Change a setting of the server."""
        self.server.git("config", f"superqode.{name}", value)

    def push(self, *what: str, user: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Push as somebody; the server knows them as gitolite would."""
        named = {"GL_USER": user} if user else {}
        pushed = self.client.git("push", str(self.server.path), *what, check=False, **(named | environment))
        assert "Traceback" not in pushed.stderr, pushed.stderr
        return pushed

    def accepted(self, *what: str, user: str = "", **environment: str) -> str:
        """Push what the server has to take; gives what it said."""
        pushed = self.push(*what, user=user, **environment)
        assert pushed.returncode == 0, pushed.stderr
        return pushed.stderr

    def refused(self, why: str, *what: str, user: str = "", **environment: str) -> str:
        """Push what the server has to refuse, saying why; nothing may have changed."""
        before = self.server.tell("for-each-ref")
        pushed = self.push(*what, user=user, **environment)
        assert pushed.returncode == 1, pushed.stderr
        assert why in pushed.stderr, pushed.stderr
        assert "pre-receive hook declined" in pushed.stderr
        told = [line for line in pushed.stderr.splitlines() if line.startswith("remote: superqode: ")]
        assert told
        assert self.server.tell("for-each-ref") == before
        return pushed.stderr

    def hook(self, name: str, *lines: str) -> subprocess.CompletedProcess[str]:
        """Run a hook as git runs it, with these lines on standard input."""
        command = [str(self.server.path / "hooks" / name)]
        told = "".join(f"{line}\n" for line in lines)
        return subprocess.run(
            command, cwd=self.server.path, input=told, capture_output=True, text=True, check=False, timeout=60
        )

    def deletion(self, ref: str) -> str:
        """The line of a deletion."""
        return f"{self.server.tell('rev-parse', ref)} {NO_OBJECT} {ref}"


@pytest.fixture
def team(tmp_path, monkeypatch, _python3) -> Team:
    """A new server and client."""
    monkeypatch.setenv("PATH", _python3, prepend=":")
    return Team(tmp_path)
