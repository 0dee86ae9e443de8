"""Real sessions of every agent, handed over to each agent and imported again: the same conversation."""

from __future__ import annotations

import pytest

from session.importers import truth
from superqode.session.handoff.again import begins_with, items_of
from superqode.session.handoff.neutral import mapped, same_items
from superqode.session.handoff.paths import PathMap

from . import scenes

AGENTS = ["claude-code", "codex", "gemini-cli", "qwen-code", "opencode", "pi", "aider", "acp-claude"]
FOLDERS = [folder for agent in AGENTS for folder in truth.folders(agent)]
OWN = [folder for agent in sorted(scenes.BY_FORMAT) for folder in truth.folders(agent)]


def _spoken(folder):
    return [found for found in scenes.imported_folder(folder) if items_of(found[0])]


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("name", scenes.NAMES)
def test_every_agents_sessions_go_over_whole(name, folder):
    """Prompts, answers, calls and results of a session of any agent are the same in what the writer wrote."""
    for session, _, _ in _spoken(folder):
        handoff = scenes.hand(name, session, project=session.project_path or scenes.PROJECT)
        assert handoff.receipt.added == {}
        assert scenes.said(scenes.back(name, handoff)) == scenes.said(session)


@pytest.mark.parametrize("name", scenes.NAMES)
def test_sessions_of_the_old_store_go_over_whole(name):
    """So are the sessions that superqode 2.25 kept, also where a message alone tells of a call."""
    folder = truth.TRANSCRIPTS / "superqode" / "2.25.0"
    if not folder.is_dir():
        pytest.skip("the recorded transcripts are not beside this checkout (../shared/data/transcripts)")
    for session, _, _ in _spoken(folder):
        again = scenes.back(name, scenes.hand(name, session))
        assert begins_with(items_of(again), items_of(session))


@pytest.mark.parametrize("folder", OWN)
def test_an_agents_own_transcript_goes_back_to_it(folder):
    """With the original at hand it is the same, too; the agent's own thoughts stay where they may be sent again."""
    for session, source, agent in _spoken(folder):
        writer = scenes.BY_FORMAT[agent].name
        project = session.project_path or scenes.PROJECT
        handoff = scenes.hand(writer, session, original=source, project=project)
        again = scenes.back(writer, handoff)
        assert scenes.said(again) == scenes.said(session)
        assert again.id != session.id
        carried = "Carried over from the agent's own transcript." in handoff.receipt.notes
        if carried and writer != "codex":
            thoughts = [message.metadata.get("thinking") for message in session.messages]
            assert [message.metadata.get("thinking") for message in again.messages] == thoughts
        assert carried or "written anew" in handoff.receipt.notes[0]


@pytest.mark.parametrize("name", scenes.NAMES)
@pytest.mark.parametrize("folder", truth.folders("claude-code") + truth.folders("codex") + truth.folders("opencode"))
def test_the_projects_folder_is_this_machines(name, folder):
    """On another machine only the project's path differs, and none of the old ones is left."""
    for session, source, agent in _spoken(folder):
        original = source if scenes.BY_NAME[name].format == agent else None
        handoff = scenes.hand(name, session, original=original, project=scenes.ELSEWHERE)
        items = mapped(items_of(session), PathMap(session.project_path, scenes.ELSEWHERE))
        again = scenes.back(name, handoff)
        assert same_items(items_of(again), items)
        texts, calls = scenes.said(again)
        assert not session.project_path or session.project_path not in str((texts, calls))


@pytest.mark.parametrize("name", scenes.NAMES)
@pytest.mark.parametrize("folder", truth.folders("codex"))
def test_what_goes_over_is_what_really_happened(name, folder):
    """The prompts and answers written are those of the server's own record."""
    known = truth.expected(folder)
    sessions = [session for session, _, _ in _spoken(folder) if session.metadata.get("relation") != "subagent"]
    newest = max(sessions, key=lambda session: session.updated_at)
    again = scenes.back(name, scenes.hand(name, newest))
    assert [message.content for message in again.messages if message.role == "user"] == known["prompts"]
    assert truth.texts(again, "assistant") == known["assistant_texts"]


@pytest.mark.parametrize("name", scenes.NAMES)
def test_a_hand_off_is_a_session_like_any_other(name):
    """Handed from each agent to the next and so once around, a session still says the same."""
    session = scenes.small()
    wanted = scenes.said(scenes.back(name, scenes.hand(name, session)))
    for other in [*scenes.NAMES, name]:
        session = scenes.back(other, scenes.hand(other, session))
    assert scenes.said(session) == wanted
