"""Agent roles: a real agent process in the sandbox, its turn kept, its findings taken only as asked, nothing allowed."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import pytest

from superqode.qe import QESession, Verdict, read_run
from superqode.qe.agents import prompt_for, read_answer
from superqode.qe.roles import AGENT_ROLES
from superqode.session.models.severity import METADATA_KEY

from .conftest import every_byte

SCRIPTED = Path(__file__).parents[1] / "acp" / "scripted_agent.py"
GOOD = {"severity": "high", "rule": "sql-injection", "message": "built from input", "file": "app.py", "line": 2}


def _answer(*findings):
    return f"I looked.\n\n```json\n{json.dumps({'findings': list(findings)})}\n```\n"


@pytest.fixture
def ask(project, store, monkeypatch):
    """Runs a role with an agent that does what a script says, a line a deed."""
    folder = project({"app.py": "import os\nquery = 'SELECT ' + input()\n"}, committed=True)

    def run(*deeds, seconds=60.0, **options):
        monkeypatch.setattr("superqode.qe.agents.prompt_for", lambda _role: "\n".join(deeds))
        command = (sys.executable, str(SCRIPTED))
        qe = QESession(folder, store=store, roles=["security_tester"], agent=command, timeout=seconds, **options)
        return folder, qe, qe.run()

    return run


def test_the_prompt_asks_for_what_is_read():
    """The example in each prompt is itself a valid answer, and the prompt names the role's own faults."""
    for role, looked_for in AGENT_ROLES.items():
        assert len(read_answer(prompt_for(role)).drafts) == 1
        assert looked_for in prompt_for(role)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("I found nothing.", "no block of JSON"),
        ("```json\n{}\n```", "findings: Field required"),
        ("```json\nnot json\n```", "Invalid JSON"),
        (_answer(GOOD | {"severity": "awful"}), "severity"),
        (_answer(GOOD | {"command": "rm -rf /"}), "Extra inputs are not permitted"),
        (_answer(GOOD | {"line": "2"}), "line"),
        (_answer(GOOD | {"message": "x" * 9000}), "at most 2000"),
        (_answer(*[GOOD] * 201), "at most 200"),
    ],
)
def test_other_answers_break_the_role(answer, said):
    """An answer that is not exactly as asked is told, and none of it is taken."""
    reading = read_answer(answer)
    assert said in reading.broke
    assert reading.drafts == ()


def test_the_last_block_counts():
    """An agent may show other blocks before."""
    assert [draft.message for draft in read_answer(f"{_answer()}\n{_answer(GOOD)}").drafts] == ["built from input"]


@hypothesis.given(st.text(max_size=80) | st.text(max_size=60).map(lambda text: f"```json\n{text}\n```"))
def test_no_answer_breaks_the_reader(answer):
    """Whatever an agent says, it is read or refused."""
    reading = read_answer(answer)
    assert reading.broke or reading.drafts is not None


def test_an_agent_finds_something(ask):
    """Its findings are the role's, in the project's files; its turn is in the session under the role's name."""
    findings = [GOOD, GOOD | {"file": "../../etc/passwd", "severity": "low"}]
    _, qe, run = ask("read app.py", f"text {json.dumps(_answer(*findings))}")
    assert [(one.severity, one.rule, one.place, one.tool) for one in run.findings] == [
        ("high", "sql-injection", "app.py:2", "scripted"),
        ("low", "sql-injection", "", "scripted"),
    ]
    assert run.findings[0].evidence == "query = 'SELECT ' + input()"
    assert run.verdict is Verdict.FAILED
    assert run.roles[0].notes == ["scripted: 2 found"]
    said = [message for message in qe.session.messages if message.agent_name == "security_tester"]
    assert "query = 'SELECT '" in said[0].content


def test_what_it_wants_to_do_is_refused(ask):
    """A call that edits is refused, a file that it writes is not served, and the session names no file as changed."""
    folder, qe, run = ask("call c1 app.py", "ask c1", "write app.py broken", f"say {json.dumps({'findings': []})}")
    before = every_byte(folder)
    session = qe.session
    told = " ".join(message.content for message in session.messages)
    assert '"optionId": "no"' in told
    assert (session.files_modified, session.files_created) == ([], [])
    assert every_byte(folder) == before
    assert run.verdict is Verdict.INCOMPLETE
    turn = [entry for entry in session.timeline if entry.metadata.get(METADATA_KEY, {}).get("kind") == "turn"]
    assert {entry.metadata[METADATA_KEY]["agent"] for entry in turn} == {"scripted"}
    assert {entry.agent_name for entry in turn} == {None, "security_tester"}


def test_an_agent_that_dies_breaks_only_its_role(ask):
    """What it said before is kept, the role is incomplete, and says why."""
    _, qe, run = ask("say before", "die 7")
    assert [role.outcome for role in run.roles] == ["incomplete"]
    assert "7" in run.roles[0].notes[0]
    assert any(message.content == "before" for message in qe.session.messages)
    assert read_run(qe.session) == run


def test_an_agent_that_takes_for_ever_is_ended(ask):
    """Its turn is cancelled when the time of the role is over, and what it said is kept."""
    _, qe, run = ask("say thinking", "hang", seconds=1.0)
    assert "finish the turn" in run.roles[0].notes[0]
    assert any(message.content == "thinking" for message in qe.session.messages)


SILENT = (sys.executable, "-c", "import time; time.sleep(600)")


def test_an_agent_that_never_begins(project, store):
    """The role's time holds while its agent starts, too."""
    qe = QESession(project({"a.py": ""}), store=store, roles=["security_tester"], agent=SILENT, timeout=1.0)
    began = time.monotonic()
    run = qe.run()
    assert time.monotonic() - began < 30  # an agent's own start may take 60
    assert run.roles[0].outcome == "incomplete"
    assert "begin a session" in run.roles[0].notes[0]


def test_stopping_while_an_agent_starts(project, store):
    """`stop` is heard while an agent has not begun yet."""
    qe = QESession(project({"a.py": ""}), store=store, roles=["security_tester"], agent=SILENT)
    threading.Timer(1.0, qe.stop).start()
    began = time.monotonic()
    run = qe.run()
    assert time.monotonic() - began < 30
    assert run.verdict is Verdict.INCOMPLETE
    assert run.roles[0].notes[0].endswith(": stopped")


def test_an_agent_that_is_not_there(project, store):
    """A command that cannot be started is told, and the run goes on."""
    run = QESession(
        project({"a.py": ""}), store=store, roles=["security_tester", "lint_tester"], agent="no-such-agent"
    ).run()
    assert "no-such-agent" in run.roles[0].notes[0]
    assert [role.outcome for role in run.roles] == ["incomplete", "passed"]


@pytest.mark.parametrize(("deed", "seconds"), [("hang", 0), ("hang", 1), ("deaf", 1)])
def test_stopping_while_an_agent_works(project, store, monkeypatch, deed, seconds):
    """`stop` ends an agent's turn, too, whenever it comes, and an agent that does not listen."""
    monkeypatch.setattr("superqode.qe.agents.prompt_for", lambda _role: f"say on it\n{deed}")
    monkeypatch.setattr("superqode.qe.agents._LOOKS_MAX", 5)
    qe = QESession(project({"a.py": ""}), store=store, roles=["security_tester"], agent=(sys.executable, str(SCRIPTED)))
    threading.Timer(seconds, qe.stop).start()
    assert qe.run().verdict is Verdict.INCOMPLETE
