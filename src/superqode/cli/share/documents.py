"""JSON documents of share commands: types of what `--json` prints, for its schemas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ShareState:
    """What a share is up to; what opens an encrypted one is null, unless it was asked for."""

    state: Literal["live", "waits", "expired", "revoked"]
    share_token: str | None
    share_url: str | None


@dataclass(frozen=True, slots=True)
class Passphrase:
    """The passphrase that was made; kept nowhere else."""

    passphrase: str


@dataclass(frozen=True, slots=True)
class PasswordRemoved:
    """The number of the password that was removed."""

    removed: int
