"""Who wrote a save: the user, or the agent whose word is the last."""

from datetime import UTC, datetime

import pytest

from superqode.session import Message, ToolExecution
from superqode.session.store.speakers import LAST_SECOND, author_of, speaker

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
USER = ("Ada Example", "ada@example.invalid")


def said(role, agent=None):
    return Message(role=role, content="x", timestamp=AT, agent_name=agent)


def called(agent=None):
    return ToolExecution(tool_name="bash", arguments={}, result="", success=True, timestamp=AT, agent_name=agent)


@pytest.mark.parametrize(
    ("added", "name"),
    [
        ([], "Ada Example"),
        ([said("assistant", "codex"), said("user")], "Ada Example"),
        ([said("user"), said("assistant", "codex")], "codex"),
        ([said("assistant", "codex"), called()], "codex"),
        ([said("assistant")], "assistant"),
        ([called()], "agent"),
    ],
)
def test_the_last_word_tells_the_author(added, name):
    """A prompt is the user's, all else its agent's, or that of whoever spoke before it; or what it is."""
    assert author_of(added, AT, USER).name == name


def test_who_spoke_last_is_named():
    """The last entry with a name counts; without one there is none."""
    assert speaker([said("assistant", "pi"), said("assistant", "codex"), said("user")]) == "codex"
    assert speaker([said("user")]) == ""


def test_times_that_git_has_no_second_for_are_the_nearest():
    """Before 1970 and behind the last second."""
    assert author_of([], datetime(1900, 1, 1, tzinfo=UTC), USER).seconds == 0
    assert author_of([], datetime.max.replace(tzinfo=UTC), USER).seconds == LAST_SECOND
