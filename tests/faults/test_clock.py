"""Clocks that jump, by hours and by centuries, forward and back, and clocks of processes that disagree."""

from __future__ import annotations

import os
import random

import pytest

from superqode.session import SessionStore

from . import processes
from .life import Life, texts
from .tally import Blocked, Lost

GROUP = "clock jumps"
LIVES = 100 if processes.FULL else 5
# In hours: a summer time, a wrong day, a lost battery, a wrong century.
JUMPS = (-1, 1, -24, 30 * 24, 100 * 24, -400 * 24, -480_000, 300_000)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(LIVES))
def test_a_life_with_a_jumping_clock(seed, store_path, still_clock, git, tally):
    """However the clock jumps between any two steps: all is there, histories stay in order, and maintenance takes nothing."""
    dice = random.Random(seed)
    life = Life(dice)
    with SessionStore(store_path) as store:
        for turn in range(12):
            jump = dice.choice(JUMPS)
            with tally.fault(f"seed {seed}, turn {turn}: {jump} hours"):
                if 1980 < (still_clock.moment.year + jump / 8766) < 2200:
                    still_clock.advance(hours=jump)
                for _ in range(3):
                    told = life.step(store)
                    if told:
                        raise Blocked(told)
                if turn % 4 == 3:
                    assert store.maintain().skipped == ()
                life.check(store)
                for row in store.list_sessions():
                    times = [save.saved_at for save in store.history(row.id)]
                    assert times == sorted(times, reverse=True)
        assert store.verify().ok
    git.fsck()


@pytest.mark.skipif(os.name != "posix", reason="workers are told their clock by POSIX means")
def test_processes_whose_clocks_disagree(start, store, store_path, saved, tally):
    """Processes years apart save one session in turns and at once: every entry is there once, each writer's in order."""
    saved("s", 1)
    offsets = (0, -40_000, 70_000)
    writers = [
        start("save", store_path, "s", f"w{number}", 15, env=dict(os.environ) | {"SUPERQODE_TEST_CLOCK": str(hours)})
        for number, hours in enumerate(offsets)
    ]
    acknowledged = [writer.end() for writer in writers]
    said = texts(store.load("s"))
    for told in acknowledged:
        with tally.fault(told[0]):
            if [text for text in said if text in set(told)] != told:
                raise Lost(set(told) - set(said))
    assert len(said) == 1 + 3 * 15
    times = [save.saved_at for save in store.history("s")]
    assert times == sorted(times, reverse=True)
    store.maintain()
    assert texts(store.load("s")) == said
