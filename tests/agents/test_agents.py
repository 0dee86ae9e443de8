"""The agents run here as they are, and talk to nobody but the scripted model."""

from __future__ import annotations

import pytest

from agents.model import Step
from agents.programs import PACKAGES
from agents.protocols import Result, Said

SCRIPT = {
    "BEGIN-7": [
        Step("Let me look.", [("read", "greet.py"), ("shell", "echo ran-it")]),
        Step("It says Helo. さようなら"),
    ]
}


@pytest.mark.parametrize("agent", PACKAGES)
def test_an_agent_does_what_the_script_says(agent, make_machine, make_model):
    """A prompt reaches the model, its calls are carried out, and the last request tells of both results."""
    model = make_model(SCRIPT)
    machine = make_machine("one", model)
    assert "It says Helo. さようなら" in machine.start(agent, "BEGIN-7: what is in greet.py?")
    items = model.asked("one", "BEGIN-7")[-1].heard.items
    results = [item.text for item in items if isinstance(item, Result)]
    assert len(results) == 2
    assert 'print("Helo, you")' in results[0]
    assert "ran-it" in results[1]
    assert Said("assistant", "Let me look.") in items
    assert model.strayed("one") == []
