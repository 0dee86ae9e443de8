"""How a user gets at a server: settings of the user's own git, which a test puts into its empty home."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Who = Literal["alice", "bob", "stranger", "nobody"]
Trust = Literal["right", "unknown", "other"]


@dataclass(frozen=True)
class Access:
    """One user's settings for one server.

    Attributes:
        who: the user's name.
        settings: git's settings: `core.sshCommand`, or `http.sslCAInfo` and `credential.helper`.
    """

    who: str
    settings: dict[str, str] = field(default_factory=dict)

    def use(self, home: Path) -> None:
        """Write the settings into a home's `.gitconfig`, in place of those that were there."""
        file = home / ".gitconfig"
        file.unlink(missing_ok=True)
        for key, value in self.settings.items():
            subprocess.run(["git", "config", "--file", str(file), key, value], check=True, timeout=60)

    @property
    def ssh_command(self) -> str:
        """The command for `GIT_SSH_COMMAND`."""
        return self.settings["core.sshCommand"]
