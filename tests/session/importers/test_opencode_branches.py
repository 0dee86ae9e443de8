"""opencode: sub-agents, forks, and what a person took back."""

from __future__ import annotations

import pytest

from . import folders
from .opencode_scripts import OPENCODE, START, Talk, database, imported, text, tool


def forked():
    """Give a session and a fork of it, which has the same messages under other ids."""
    origin = Talk("one", START).user("first").assistant(text("1"), tool("c1"))
    fork = Talk("two", START + 60_000, title="A title (fork #1)").user("first").assistant(text("1"), tool("c1"))
    return origin, fork.user("more")


@pytest.mark.parametrize("old", [False, True])
def test_a_fork_among_small_files_names_the_session_it_was_made_of(old):
    """Messages older than their session were taken over, from the session that begins with them."""
    files = {}
    for talk in (*forked(), Talk("other", START + 70_000, parentID="ses_one").user("kid")):
        files |= talk.files(old=old)
    sessions = {found.session.id: found.session for found in folders.run(OPENCODE, folders.of(files))[0]}
    assert sessions["opencode-ses_two"].parent_session_id == "opencode-ses_one"
    assert sessions["opencode-ses_two"].metadata["relation"] == "fork"
    assert sessions["opencode-ses_one"].parent_session_id is None
    assert sessions["opencode-ses_other"].metadata["relation"] == "subagent"


def test_a_fork_in_a_database_names_the_session_it_was_made_of(tmp_path):
    """As among small files; a fork of a fork names the first of them."""
    origin, fork = forked()
    again = Talk("three", START + 90_000).user("first").assistant(text("1"))
    connection = database(tmp_path / "opencode.db", origin, fork, again)
    sessions = {found.session.id: found.session for found in folders.run(OPENCODE, folders.at(tmp_path))[0]}
    connection.close()
    assert {name: session.parent_session_id for name, session in sessions.items()} == {
        "opencode-ses_one": None,
        "opencode-ses_two": "opencode-ses_one",
        "opencode-ses_three": "opencode-ses_one",
    }


def test_a_fork_alone_is_known_for_a_fork():
    """An export of a fork does not tell of what; that it is one stands there."""
    session = imported(forked()[1])
    assert (session.parent_session_id, session.metadata["relation"]) == (None, "fork")


@pytest.mark.parametrize(
    ("revert", "kept", "files"),
    [
        ({"messageID": "msg_one0003"}, 2, []),
        ({"messageID": "msg_one0004"}, 3, []),
        ({"messageID": "msg_one0004", "partID": "prt_one00040002"}, 4, []),
        ({"messageID": "msg_one0001"}, 0, []),
    ],
    ids=["from a prompt", "from an answer", "from a call", "everything"],
)
def test_what_was_taken_back_is_a_session_of_its_own(revert, kept, files):
    """The conversation ends where it was taken back to; the whole of it hangs on it as a branch."""
    written = tool("c2", "write", input={"filePath": "/p/a"})
    talk = Talk(revert=revert).user("1").assistant(text("a")).user("2").assistant(text("b"), written)
    (main, branch), errors = folders.run(OPENCODE, [folders.one(talk.export)])
    assert errors == []
    assert (len(main.session.timeline), len(branch.session.timeline)) == (kept, 5)
    assert (main.session.files_created, branch.session.files_created) == (files, ["a"])
    assert branch.session.parent_session_id == main.session.id
    first = branch.session.timeline[kept].id
    assert branch.session.metadata["first_own_entry"] == first
    assert branch.session.id.endswith(f"-branch-{first}")


def test_a_place_to_go_back_to_that_is_not_there_changes_nothing():
    """Where the message is gone, opencode went on and removed it."""
    (only,), _ = folders.run(OPENCODE, [folders.one(Talk(revert={"messageID": "msg_x"}).user("1").export)])
    assert len(only.session.timeline) == 1
