"""Three stores and one remote under random programs: they end equal, and nothing that was acknowledged is gone.

`SUPERQODE_TEST_FULL=1` runs many more, and longer ones.
"""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime, timedelta

import pytest

from servers import CuttingProxy
from session.sync.circle import Machine
from session.sync.programs import KINDS, Program
from superqode.session import clock
from superqode.session.errors import RemoteError, RemoteUnreachable, SyncKeyRotated, SyncKeyUnfinished, WrongSyncKey
from superqode.session.git.repository import Repository
from superqode.session.sync import setup
from superqode.session.sync.sealed import SealedRemote
from superqode.session.sync.session_sync import find_synced

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
class _Rotating(Program):
    """A program in which keys are changed, too; the network ends many a change half way."""

    kinds = (*KINDS, *("rotate",) * 4)

    def whole(self, machine: Machine) -> None:
        """A sync; who is asked for new words takes those of a machine that has them."""
        try:
            machine.sync()
        except SyncKeyRotated:
            self._join_any(machine)

    def _join_any(self, machine: Machine) -> None:
        for other in self.machines:
            with contextlib.suppress(SyncKeyRotated, SyncKeyUnfinished, WrongSyncKey):
                machine.join(setup.key_words(other.store, find_synced(Repository(other.path), None)))
                machine.sync()
                self.log[-1] += f" joined {other.path.name}"
                return

    def rotate(self, machine: Machine) -> None:
        """A new key; now and then the network is gone at a push, or before the note."""
        step, left = self.random.choice(("push", "leave")), self.random.randrange(3)

        def broken(*arguments, **options):
            nonlocal left
            left -= 1
            if left < 0:
                raise RemoteUnreachable("sync", "cut")
            return original(*arguments, **options)

        original = getattr(SealedRemote, step)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(SealedRemote, step, broken)
            try:
                setup.rotate(machine.store, None, keyring=False)
            except (RemoteUnreachable, SyncKeyRotated, SyncKeyUnfinished) as problem:
                self.log[-1] += f" {step} {type(problem).__name__}"

    def check(self) -> None:
        """As ever, and all under one key."""
        for machine in self.machines * 4:
            self.whole(machine)
        assert len({find_synced(Repository(machine.path), None).sync for machine in self.machines}) == 1, self.told()
        super().check()


@pytest.mark.parametrize("seed", range(5000, 5020 if FULL else 5001))
def test_keys_that_are_changed(seed, machine):
    """Whoever changes the key, cut short or beside another: in the end all are under one, and nothing is gone."""
    program = _Rotating(seed, _three(machine))
    program.run(STEPS)
    program.check()


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
