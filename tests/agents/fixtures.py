"""The agents as fixtures, installed once, and machines to run them on.

Without `SUPERQODE_TEST_AGENTS=1`, or without npm, such a test is skipped and says so.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agents.machine import Machine
from agents.model import Model, Step
from agents.programs import Programs, cache_folder, obstacle

__all__ = ["agent_programs", "make_machine", "make_model"]


@pytest.fixture(scope="session")
def agent_programs() -> Programs:
    """The six agents, installed where they are not yet."""
    if told := obstacle():
        pytest.skip(told)
    return Programs.installed(cache_folder())


@pytest.fixture
def make_model():
    """Start a model that plays a script (see `Model`); it ends with the test."""
    started: list[Model] = []

    def make(script: dict[str, list[Step]]) -> Model:
        started.append(Model(script))
        return started[-1].__enter__()

    yield make
    for model in started:
        model.__exit__()


@pytest.fixture
def make_machine(agent_programs, tmp_path) -> Callable[[str, Model], Machine]:
    """Make a machine of a name, whose agents ask a model."""

    def make(name: str, model: Model) -> Machine:
        return Machine(name, tmp_path / name / "home", tmp_path / name / "work" / "proj", agent_programs, model)

    return make
