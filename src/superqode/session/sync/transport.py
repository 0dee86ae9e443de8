"""What a sync asks of a remote, sealed or in clear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from superqode.session.git.landing import Landing
from superqode.session.sync.seen import Pushed, Seen
from superqode.session.sync.state import State
from superqode.session.sync.view import View

__all__ = ["Transport"]


class Transport(Protocol):
    """How a remote is looked at, taken from and pushed to; see `SealedRemote`."""

    def look(self, state: State) -> Seen:
        """Find out what the remote holds."""

    def land(self, landing: Landing, known: Mapping[str, str], /) -> dict[str, str]:
        """Take what is there and not here into a landing; gives what is known from then on."""

    def push(self, seen: Seen, view: View, *, compact: bool = False) -> Pushed:
        """Push what changed since the remote was looked at."""

    def has_others(self) -> bool:
        """Whether another sync lies there, too."""
