"""Sessions that one real agent began go on in another: what reaches the model then tells the whole conversation."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from agents.machine import Machine
from agents.model import Model, Step
from agents.programs import PACKAGES
from agents.protocols import Call as Asked
from agents.protocols import Result
from agents.protocols import Said as Heard
from superqode.session import MessageRole, Session, SessionStore
from superqode.session.handoff.again import items_of
from superqode.session.handoff.neutral import Said, mapped
from superqode.session.handoff.paths import PathMap

SUPERQODE = [str(Path(sys.executable).with_name("superqode"))]
SCRIPT = {
    "BEGIN-7": [
        Step("Let me look. 👀", [("read", "greet.py"), ("shell", "echo ran-it-7 && ls no-such-file")]),
        Step("", [("shell", "python3 greet.py")]),
        Step("It greets you with “Helo”. さようなら"),
    ],
    "GO-ON-1": [Step("The first of what is new.")],
    "GO-ON-2": [Step("The second of what is new.")],
}
PROMPT = "BEGIN-7: what does greet.py do? ありがとう 🙏"


class Begun:
    """A session that a real agent began on its own machine, in a store."""

    def __init__(self, agent, machine):
        self.machine = machine
        machine.start(agent, PROMPT)
        self.store = machine.home / "store"
        with SessionStore(self.store) as store:
            store.import_sources([machine.home])
            (listed,) = [item for item in store.list_sessions() if not item.parent_session_id]
            self.session = store.load(listed.id)

    def expected(self, project):
        """What has to reach a model in another folder, in order."""
        return mapped(items_of(self.session), PathMap(self.session.project_path, str(project)))


@pytest.fixture(scope="module")
def begun(agent_programs, tmp_path_factory):
    """Give the session that an agent began; it begins one when first asked."""
    made = {}
    with Model(SCRIPT) as model:

        def begin(agent):
            if agent not in made:
                root = tmp_path_factory.mktemp(agent)
                machine = Machine(agent, root / "home", root / "here" / "proj", agent_programs, model)
                made[agent] = Begun(agent, machine)
            return made[agent]

        yield begin


def resumed(machine, store, session_id, agent):
    """Hand a session over with the command line, as the machine's user."""
    words = ["sessions", "resume", session_id, "--agent", agent, "--project", str(machine.project)]
    return json.loads(machine.run([*SUPERQODE, *words, "--store", str(store), "--json"], folder=machine.home))


def tells(item, expected):
    """Whether an item that reached the model tells what is expected; agents may put something around texts."""
    if isinstance(expected, Said):
        return isinstance(item, Heard) and item.role == expected.role and expected.text.strip() in item.text
    return isinstance(item, Asked) and (item.name, dict(item.arguments)) == (expected.name, dict(expected.arguments))


def missing(items, expected):
    """Give the first thing expected that did not reach the model in its order; results stand behind their calls."""
    place = 0
    for wanted in expected:
        found = next((number for number in range(place, len(items)) if tells(items[number], wanted)), None)
        if found is None:
            return wanted
        if not isinstance(wanted, Said):
            behind = items[found + 1 :]
            if not any(isinstance(item, Result) and wanted.result.strip() in item.text for item in behind):
                return wanted.result
        place = found + 1
    return None


def times(items, text):
    """How often a text was said or given."""
    return sum(
        text in item.text
        for item in items
        if isinstance(item, Heard | Result) and getattr(item, "role", "") != "system"
    )


@pytest.mark.parametrize("target", PACKAGES)
@pytest.mark.parametrize("source", PACKAGES)
def test_every_agent_goes_on_with_every_agents_session(
    source, target, begun, make_machine, make_model, record_property
):
    """On another machine, the earlier prompts, answers, calls and results reach the model, each once, again and again."""
    record_property("handoff", f"{source} {target}")
    origin = begun(source)
    model = make_model(SCRIPT)
    machine = make_machine("there", model)
    expected = origin.expected(machine.project)
    assert len(expected) >= 6

    first = resumed(machine, origin.store, origin.session.id, target)
    machine.run([*first["headless"], "GO-ON-1: and then?"])
    items = model.asked("there", "GO-ON-1")[-1].heard.items
    assert missing(items, expected) is None
    assert times(items, "BEGIN-7") == 1

    second = resumed(machine, origin.store, origin.session.id, target)
    assert (second["files"], second["prepared"], second["command"]) == ([], [], first["command"])
    machine.run([*second["headless"], "GO-ON-2: and then?"])
    items = model.asked("there", "GO-ON-2")[-1].heard.items
    assert missing(items, expected) is None
    assert [times(items, text) for text in ("BEGIN-7", "GO-ON-1", "The first of what is new.")] == [1, 1, 1]
    assert model.strayed("there") == []

    with SessionStore(origin.store) as store:
        report = store.import_sources([machine.home])
        children = [store.load(found.session_id) for found in report.sessions if found.status == "new"]
        linked = [child for child in children if child.parent_session_id == origin.session.id]
        assert [child.metadata["relation"] for child in linked] == ["handoff"]
        assert any("GO-ON-2" in message.content for message in linked[0].messages)
        for child in children:
            store.delete(child.id)


@pytest.mark.parametrize("target", PACKAGES)
def test_what_a_session_got_since_is_added(target, make_machine, make_model):
    """A second hand-off of a session that grew goes on in the agent's same session, and nothing is told twice."""
    model = make_model(SCRIPT)
    machine = make_machine("there", model)
    store_path = machine.home / "store"
    session = Session(id="grown", title="It grows", project_path=str(machine.project))
    with SessionStore(store_path) as store:
        session.add_message(MessageRole.USER, "PART-ONE: begin")
        session.add_message(MessageRole.ASSISTANT, "Begun, says part one.")
        store.save(session)
    first = resumed(machine, store_path, "grown", target)
    with SessionStore(store_path) as store:
        session = store.load("grown")
        session.add_message(MessageRole.USER, "PART-TWO: more")
        session.add_message(MessageRole.ASSISTANT, "")
        session.add_tool_execution("shell", {"command": "ls two"}, "two-listed", success=True)
        session.add_message(MessageRole.ASSISTANT, "More, says part two.")
        store.save(session)
    second = resumed(machine, store_path, "grown", target)
    assert second["agent_session_id"] == first["agent_session_id"]
    machine.run([*second["headless"], "GO-ON-1: and then?"])
    items = model.asked("there", "GO-ON-1")[-1].heard.items
    assert missing(items, items_of(session)) is None
    told = ("PART-ONE", "Begun, says part one.", "PART-TWO", "More, says part two.", "two-listed")
    assert [times(items, text) for text in told] == [1] * len(told)
