"""What grows is drawn again and again, and leaves time for everything else."""

from __future__ import annotations

import asyncio

import pytest

from superqode.session import clock
from superqode.tui.pacing import Paced


class _Loop:
    """Stands for the event loop: remembers what waits, and for how long."""

    def __init__(self) -> None:
        self.waiting = []

    def call_later(self, delay, call):
        self.waiting.append((delay, call))
        return self

    def cancel(self):
        self.waiting.clear()

    def go_on(self):
        """Let what waits come; gives how long it had to."""
        [(delay, call)] = self.waiting
        self.waiting.clear()
        call()
        return delay


@pytest.fixture
def loop(monkeypatch):
    """The loop that anything asks for."""
    made = _Loop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: made)
    return made


@pytest.fixture
def costs(monkeypatch):
    """What each drawing takes, in seconds; time stands still otherwise."""
    taken = []
    monkeypatch.setattr(clock, "monotonic", lambda: sum(taken))
    return taken


def test_what_takes_long_to_draw_is_drawn_rarely(loop, costs):
    """After a drawing there is four times as long without one, and never less than a frame."""
    drawings = iter((0.001, 0.5, 0.001, 0.0))
    paced = Paced(lambda: costs.append(next(drawings)))
    waited = []
    for _ in range(4):
        paced.ask()
        paced.ask()
        waited.append(loop.go_on())

    assert waited == pytest.approx([0.06, 0.06, 2.0, 0.06])


def test_nothing_is_drawn_that_was_dropped(loop, costs):
    """What was dropped does not come any more; what is asked for after that does."""
    paced = Paced(lambda: costs.append(1))
    paced.ask()
    paced.drop()
    assert loop.waiting == []
    paced.ask()
    loop.go_on()
    assert costs == [1]
