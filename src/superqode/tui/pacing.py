"""Something that is drawn again and again as it grows, without the drawing taking all the time there is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from superqode.session import clock

__all__ = ["Paced"]

# How often something is drawn anew at most, in seconds: no eye sees more.
_FRAME: Final = 0.06
# How many times as long as the last drawing took nothing is drawn: it takes a fifth of the time at most.
_REST: Final = 4


class Paced:
    """Draws a little after it is asked to, however often that is; what takes long to draw is drawn more rarely.

    Args:
        draw: draws.
    """

    def __init__(self, draw: Callable[[], None]) -> None:
        self._draw = draw
        self._waiting: asyncio.TimerHandle | None = None
        self._rest = _FRAME

    def ask(self) -> None:
        """Have it drawn soon."""
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().call_later(self._rest, self._now)

    def drop(self) -> None:
        """Draw nothing of what was asked for."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _now(self) -> None:
        self._waiting = None
        begun = clock.monotonic()
        self._draw()
        self._rest = max(_FRAME, _REST * (clock.monotonic() - begun))
