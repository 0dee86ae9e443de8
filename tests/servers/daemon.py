"""`git daemon`: no users, no keys; everybody may read, and write if it was started so."""

from __future__ import annotations

from types import MappingProxyType

from servers.process import Server, program
from servers.user import Access, Trust, Who


class GitDaemon(Server):
    """`git daemon` with or without `git push`.

    Args:
        writable: whether `receive-pack` is enabled.
    """

    title = "git daemon"
    needs = MappingProxyType({"git-daemon": "git"})
    listens = ("git",)

    def __init__(self, *, writable: bool = True) -> None:
        super().__init__()
        self._writable = writable

    def _prepare(self) -> None:
        (self.folder / "repositories").mkdir()

    def _commands(self) -> list[list[str]]:
        daemon = program("git-daemon")
        assert daemon is not None
        options = ["--enable=receive-pack"] if self._writable else []
        return [
            [
                daemon,
                "--reuseaddr",
                "--export-all",
                "--log-destination=stderr",
                "--listen=127.0.0.1",
                f"--port={self.ports['git']}",
                f"--base-path={self.folder / 'repositories'}",
                *options,
            ]
        ]

    def access(self, who: Who, trust: Trust = "right") -> Access:  # noqa: ARG002 - one signature for all servers
        """Everybody is the same: no settings."""
        return Access(who)
