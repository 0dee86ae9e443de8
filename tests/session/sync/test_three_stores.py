"""Three stores and one remote under random programs: they end equal, and nothing that was acknowledged is gone.

`SUPERQODE_TEST_FULL=1` runs many more, and longer ones.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest

from servers import CuttingProxy
from session.sync.circle import Machine
from session.sync.programs import Program
from superqode.session import clock
from superqode.session.errors import RemoteError

FULL = os.environ.get("SUPERQODE_TEST_FULL") == "1"
STEPS = 120 if FULL else 45
SEEDS = range(60 if FULL else 4)


def _three(machine, **options) -> list[Machine]:
    machines = [machine(name) for name in ("anvil", "brook", "cedar")]
    words = machines[0].begin(**options)
    machines[0].sync()
    for other in machines[1:]:
        other.join(words) if words else other.begin(**options)
        other.sync()
    return machines


@pytest.mark.parametrize("seed", SEEDS)
def test_random_programs(seed, machine):
    """Edits, forks, snapshots, restores, renames, deletions, purges and syncs in any order."""
    program = Program(seed, _three(machine))
    program.run(STEPS)
    program.check()


# Years apart, and one that runs backwards.
_SKEWS = (timedelta(0), timedelta(days=9 * 365), timedelta(days=-7 * 365))


class _Skewed(Program):
    """A program in which each machine has a clock of its own, years from the others'."""

    def run(self, steps: int) -> None:
        """Take so many steps, each by the clock of its machine."""
        start, ticks = datetime(2026, 11, 22, 10, tzinfo=UTC), 0
        clocks = {machine.path: skew for machine, skew in zip(self.machines, _SKEWS, strict=True)}

        def pick(machines):
            nonlocal ticks
            chosen = original(machines)
            if machines is self.machines:
                ticks += 1
                forth = -ticks if clocks[chosen.path] < timedelta(0) else ticks
                clock.set_clock(lambda: start + clocks[chosen.path] + timedelta(seconds=forth))
            return chosen

        original = self.random.choice
        self.random.choice = pick
        try:
            super().run(steps)
        finally:
            clock.set_clock(None)
            del self.random.choice


@pytest.mark.parametrize("seed", range(1000, 1030 if FULL else 1002))
def test_clocks_that_are_years_apart(seed, machine):
    """Whose clock is wrong, stands still for an action or runs backwards, loses nothing and ends as the others."""
    program = _Skewed(seed, _three(machine))
    program.run(STEPS)
    program.check()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2000, 2020 if FULL else 2002))
def test_syncs_that_are_killed(seed, machine):
    """Kill -9 at any moment of a sync: the next ones bring everything together."""
    program = Program(seed, _three(machine), kills=40 if FULL else 4)
    program.run(STEPS)
    program.check()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3000, 3020 if FULL else 3002))
def test_networks_that_break(seed, tmp_path, git_daemon):
    """Connections cut after any number of bytes, either way: the next syncs bring everything together."""
    served = git_daemon.repository()
    machines = [Machine(tmp_path / name, served.url) for name in ("anvil", "brook", "cedar")]
    words = machines[0].begin()
    machines[0].sync()
    for other in machines[1:]:
        other.join(words)
    broken = 0

    def cut(one: Machine, limit: int) -> None:
        nonlocal broken
        way = {"sent": limit} if limit % 3 else {"answered": limit}
        with CuttingProxy(served.port, then="recover" if limit % 2 else "close", **way) as proxy:
            config = one.path / "config"
            before = config.read_text()
            config.write_text(before.replace(served.url, served.through(proxy.port)))
            try:
                one.sync()
            except RemoteError:
                broken += 1
            finally:
                config.write_text(config.read_text().replace(served.through(proxy.port), served.url))

    program = Program(seed, machines, cut=cut)
    program.run(STEPS)
    program.check()
    for one in machines:
        one.store.close()
