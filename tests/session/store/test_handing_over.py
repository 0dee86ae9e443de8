"""A stored session handed over: what is written, what is remembered, and how it is found again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from session.importers.claude_scripts import Script
from superqode.session import MessageRole, Session
from superqode.session.errors import HandoffError, SessionNotFound
from superqode.session.handoff import WRITERS
from superqode.session.store.handing_over import Target, agent_of
from superqode.session.store.ledger import HANDOFFS, Ledger

AGENTS = [writer.name for writer in WRITERS if writer.name != "opencode"]


@pytest.fixture
def project(tmp_path):
    """The folder to go on in."""
    made = tmp_path / "work" / "proj"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def target(tmp_path, project):
    """Codex, on a machine where it was never used."""
    return Target("codex", tmp_path / "home" / ".codex", project)


@pytest.fixture
def session(store):
    """A stored session of another machine."""
    made = Session(id="talk", title="A talk", project_path="/elsewhere/work/proj")
    made.add_message(MessageRole.USER, "look at /elsewhere/work/proj/a.py")
    made.add_message(MessageRole.ASSISTANT, "Looked.")
    store.save(made)
    return made


def _grow(store, session_id="talk", word="more"):
    session = store.load(session_id)
    session.add_message(MessageRole.USER, f"{word}?")
    session.add_message(MessageRole.ASSISTANT, f"{word}.")
    store.save(session)


def _texts(store, session_id):
    return [message.content for message in store.load(session_id).messages]


@pytest.mark.parametrize("agent", AGENTS)
def test_it_is_written_once_and_grows(store, session, tmp_path, project, agent):
    """The first hand-off writes a file, the same again nothing, and a session that grew is added to that file."""
    target = Target(agent, tmp_path / "home", project)
    first = store.hand_over("talk", target)
    (written,) = [file for file in first.files if file["path"].endswith(".jsonl")]
    assert (written["new"], first.project, first.agent) == (True, str(project), agent)
    again = store.hand_over("talk", target)
    assert (again.files, again.command) == ((), first.command)
    _grow(store)
    (added,) = store.hand_over("talk", target).files
    assert (added["path"], added["new"]) == (written["path"], False)
    content = (tmp_path / "home").joinpath(added["path"]).read_text("utf-8")
    assert f"look at {project}/a.py" in content
    assert "/elsewhere" not in content
    assert "more." in content


def test_a_dry_run_does_nothing(store, session, target):
    """It tells what would be written and the command, makes no folder, and remembers nothing."""
    told = store.hand_over("talk", target, dry_run=True)
    done = store.hand_over("talk", target)
    assert told.dry_run
    assert {**told.to_dict(), "dry_run": False, "files": ()} == {**done.to_dict(), "files": ()}
    assert len(told.files) == len(done.files) == 1


def test_the_session_itself_is_not_changed(store, session, target, git):
    """A hand-off is no save: the branch stays where it was."""
    before = git("rev-parse", "talk")
    store.hand_over("talk", target)
    assert git("rev-parse", "talk") == before


def test_what_the_agent_went_on_with_names_its_origin(store, session, target):
    """The agent's file, imported later, becomes a session that belongs to the one that was handed over."""
    done = store.hand_over("talk", target)
    (outcome,) = store.import_sources([target.home]).sessions
    found = store.load(outcome.session_id)
    assert (found.parent_session_id, found.metadata["relation"]) == ("talk", "handoff")
    assert _texts(store, found.id) == [f"look at {target.project}/a.py", "Looked."]
    assert [child.id for child in store.list_sessions(parent="talk")] == [found.id]
    again = store.hand_over(found.id, target)
    assert (again.files, again.command) == ((), done.command)


def test_a_rename_is_followed(store, session, target):
    """Under another id the session is known to the agent as before."""
    first = store.hand_over("talk", target)
    store.rename("talk", "speech")
    assert store.hand_over("speech", target).agent_session_id == first.agent_session_id
    (outcome,) = store.import_sources([target.home]).sessions
    assert store.load(outcome.session_id).parent_session_id == "speech"


def test_a_fork_is_another_session_for_the_agent(store, session, target):
    """What goes on from a fork is not mixed with what goes on from its origin."""
    first = store.hand_over("talk", target)
    store.fork("talk", new_id="fork")
    _grow(store, "fork")
    forked = store.hand_over("fork", target)
    assert forked.agent_session_id != first.agent_session_id
    assert [file["new"] for file in forked.files] == [True]


def test_an_origin_that_is_gone_is_not_named(store, session, target):
    """Where the session that was handed over is deleted, what the agent has stands for itself."""
    store.hand_over("talk", target)
    store.delete("talk")
    (outcome,) = store.import_sources([target.home]).sessions
    assert store.load(outcome.session_id).parent_session_id is None


def test_a_damaged_ledger_keeps_no_import_away(store, session, target, git):
    """A session is imported as one of its own where nothing tells where it came from."""
    store.hand_over("talk", target)
    git("update-ref", "refs/superqode/ledger", git("rev-parse", "talk"))
    (outcome,) = store.import_sources([target.home]).sessions
    assert (outcome.status, store.load(outcome.session_id).parent_session_id) == ("new", None)


def test_opencode_is_handed_an_export(store, session, tmp_path, project):
    """An agent that takes no files is handed one for its import: that is run, and the file, its owner's alone, is gone afterwards."""
    seen = []

    def run(words):
        path = Path(words[2])
        seen.append((words[:2], json.loads(path.read_bytes()), path, path.parent.stat().st_mode & 0o777))

    target = Target("opencode", tmp_path / "data", project, "v/m")
    done = store.hand_over("talk", target, run=run)
    ((words, export, path, mode),) = seen
    assert words == ("opencode", "import")
    assert export["info"]["id"] == done.agent_session_id
    assert export["messages"][0]["info"]["model"] == {"providerID": "v", "modelID": "m"}
    assert done.files == ()
    assert (path.exists(), mode) == (False, 0o700)
    with pytest.raises(HandoffError, match="command of its own"):
        store.hand_over("talk", target)


def test_a_command_that_fails_is_not_remembered(store, session, tmp_path, project):
    """Where the agent's own import fails, the next hand-off is the first one again."""

    def fail(words):
        raise HandoffError("talk", "no")

    target = Target("opencode", tmp_path / "data", project)
    with pytest.raises(HandoffError):
        store.hand_over("talk", target, run=fail)
    assert Ledger(store._made()).names(HANDOFFS) == []


@pytest.mark.parametrize(
    ("session_id", "agent", "error"),
    [("talk", "aider", HandoffError), ("none", "codex", SessionNotFound), ("empty", "codex", HandoffError)],
    ids=["agent", "session", "empty"],
)
def test_what_cannot_be_handed_over_says_so(store, session, tmp_path, project, session_id, agent, error):
    """An agent nobody can hand to, a session that is not there, one with nothing in it: an error of ours."""
    store.save(Session(id="empty"))
    with pytest.raises(error):
        store.hand_over(session_id, Target(agent, tmp_path / "home", project))


def test_the_agent_it_came_from(store, session, target):
    """An imported session knows its agent, by the name the command line has for it; others have none."""
    assert agent_of(store.load("talk")) == ""
    store.hand_over("talk", target)
    (outcome,) = store.import_sources([target.home]).sessions
    assert agent_of(store.load(outcome.session_id)) == "codex"


@pytest.fixture
def transcript(tmp_path):
    """A transcript that Claude Code wrote on another machine, with what only Claude Code understands."""
    script = Script(cwd="/elsewhere/work/proj")
    script.says("look at /elsewhere/work/proj/a.py")
    script.answers({"type": "thinking", "thinking": "hm", "signature": "c2ln"}, "Looked.")
    file = tmp_path / "there" / "projects" / "-elsewhere" / f"{script.envelope['sessionId']}.jsonl"
    file.parent.mkdir(parents=True)
    file.write_bytes(script.bytes())
    return file


def _resumed(store, session_id, tmp_path, project):
    done = store.hand_over(session_id, Target("claude-code", tmp_path / "here", project))
    return done, Path(done.files[0]["path"]).read_text("utf-8")


def test_an_agents_own_session_goes_back_with_all_it_understands(store, transcript, tmp_path, project):
    """From the kept original also signed thoughts go over; the file it was imported from is not needed any more."""
    (outcome,) = store.import_sources([transcript]).sessions
    transcript.unlink()
    done, content = _resumed(store, outcome.session_id, tmp_path, project)
    assert done.receipt["notes"] == ["Carried over from the agent's own transcript."]
    assert '"signature":"c2ln"' in content
    assert f"look at {project}/a.py" in content


def test_a_fork_goes_back_with_its_origins_original(store, transcript, tmp_path, project):
    """A fork that went on has the transcript of what it went on from, and behind it what it got since."""
    (outcome,) = store.import_sources([transcript]).sessions
    store.fork(outcome.session_id, new_id="fork")
    _grow(store, "fork")
    done, content = _resumed(store, "fork", tmp_path, project)
    assert done.receipt["notes"] == ["Carried over from the agent's own transcript."]
    assert '"signature":"c2ln"' in content
    assert "more." in content


def test_what_was_scrubbed_does_not_come_back(store, transcript, tmp_path, project):
    """Without its original the session goes over as it says now."""
    (outcome,) = store.import_sources([transcript]).sessions
    store.scrub(outcome.session_id, secrets=["Looked."])
    _, content = _resumed(store, outcome.session_id, tmp_path, project)
    assert "Looked." not in content


def test_a_damaged_original_is_none(store, transcript, tmp_path, project, git):
    """The session goes over without it."""
    (outcome,) = store.import_sources([transcript]).sessions
    git("update-ref", f"refs/superqode/sources/{outcome.session_id}", git("rev-parse", outcome.session_id))
    _, content = _resumed(store, outcome.session_id, tmp_path, project)
    assert "Looked." in content
    assert "c2ln" not in content
