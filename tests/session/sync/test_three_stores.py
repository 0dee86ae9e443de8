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
