"""`sessions merge`: what comes in is told, and only done when it is meant."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from superqode.cli.exit_codes import ExitCode
from superqode.session import Session, SessionStore

from .conftest import Cli
from .test_completion import _complete

Save = Callable[..., Session]

KEYS = {
    "session_id",
    "other",
    "status",
    "tip",
    "commits",
    "messages_added",
    "executions_added",
    "entries_removed",
    "entries_taken_back",
    "fields",
    "snapshots",
    "dry_run",
}


@pytest.fixture
def forked(cli: Cli, save: Save) -> Cli:
    """A session, its fork with a message and a snapshot more, and one that has nothing to do with them."""
    save("hello", id="mine")
    save("other", id="stranger")
    with SessionStore(cli.store) as store:
        fork = store.fork("mine", title="Try", new_id="fork")
        fork.add_message("user", "from the fork")
        fork.add_tool_execution("read_file", {"path": "x"}, "", True)
        fork.tags.append("tried")
        fork.create_snapshot("good")
        store.save(fork)
    return cli


def test_what_comes_in_is_told_before_it_does(forked: Cli) -> None:
    """A dry run says what the merge then does, in words and as JSON; a second merge says that all is there."""
    told = forked.run("sessions", "merge", "mine", "fork", "--dry-run").stdout
    assert told == "mine would take in fork: 1 message, 1 tool call, 1 snapshot, changed: tags\n"
    planned = forked.json("sessions", "merge", "mine", "fork", "--dry-run")
    assert set(planned) == KEYS
    assert (planned["status"], planned["dry_run"], planned["tip"]) == ("merged", True, "")
    done = forked.run("sessions", "merge", "mine", "fork").stdout
    assert done.startswith("mine took in fork: 1 message, 1 tool call, 1 snapshot, changed: tags (save ")
    assert forked.run("sessions", "merge", "mine", "fork").stdout == "mine has all of fork already\n"
    assert "from the fork" in forked.run("sessions", "show", "mine").stdout
    forked.run("sessions", "undo", "mine")
    assert "from the fork" not in forked.run("sessions", "show", "mine").stdout


def test_what_was_taken_back_is_told(forked: Cli) -> None:
    """Entries that go because the other undid them are counted."""
    forked.run("sessions", "merge", "mine", "fork")
    forked.run("sessions", "merge", "fork", "mine")
    forked.run("sessions", "undo", "mine")
    told = forked.run("sessions", "merge", "fork", "mine").stdout
    assert "2 taken back" in told


def test_a_merge_that_was_taken_back_is_told(forked: Cli) -> None:
    """Merging again changes nothing, and says that what had come in was taken back, and how it comes in again."""
    forked.run("sessions", "merge", "mine", "fork")
    forked.run("ops", "undo", "--yes")
    told = forked.run("sessions", "merge", "mine", "fork").stdout
    assert told.startswith("mine has all saves of fork already; messages and tool calls of it that were taken back")
    assert "here since: 2. `superqode ops` lists" in told
    assert forked.json("sessions", "merge", "mine", "fork")["entries_taken_back"] == 2
    forked.run("ops", "undo", forked.json("ops")[0]["id"], "--yes")
    assert "from the fork" in forked.run("sessions", "show", "mine").stdout
    assert forked.run("sessions", "merge", "mine", "fork").stdout == "mine has all of fork already\n"


def test_what_holds_no_session_is_told_as_such(forked: Cli, git) -> None:
    """The store's own refs and a tree's id are no sessions, and the session that should take them in is not damaged."""
    forked.run("sessions", "undo", "fork")
    tree = git("rev-parse", "refs/heads/mine^{tree}")
    for other in ("refs/superqode/oplog", "refs/heads/superqode", tree):
        told = forked.run("sessions", "merge", "mine", other, expect=ExitCode.NOT_FOUND)
        assert f"There is no session '{other}'. That holds something else" in told.stderr


def test_a_ref_and_a_commit_may_be_named(forked: Cli) -> None:
    """The whole name of a ref, and the whole id of a commit; anything else is a session."""
    tip = forked.json("sessions", "log", "fork")[0]["commit"]
    assert forked.json("sessions", "merge", "mine", tip, "--dry-run")["messages_added"] == 1
    assert forked.json("sessions", "merge", "mine", "refs/heads/fork", "--dry-run")["messages_added"] == 1
    for missing in ("refs/heads/none", "f" * 40, "nobody"):
        told = forked.run("sessions", "merge", "mine", missing, expect=ExitCode.NOT_FOUND)
        assert missing in told.stderr


def test_sessions_without_a_common_save(forked: Cli) -> None:
    """They are refused with the way to do it all the same."""
    told = forked.run("sessions", "merge", "mine", "stranger", expect=ExitCode.ERROR)
    assert "no save in common" in told.stderr
    assert "--unrelated" in told.stderr
    assert forked.json("sessions", "merge", "mine", "stranger", "--unrelated")["messages_added"] >= 1


def test_saves_back_are_counted_as_git_counts_them(forked: Cli) -> None:
    """The completion of ~N goes along the first parents, though the log shows the saves of both."""
    forked.run("sessions", "merge", "mine", "fork")
    told = _complete("sessions show mine --at ~", SUPERQODE_STORE=str(forked.store))
    found = dict(zip(told[1::3], told[2::3], strict=True))
    subjects = {save["commit"]: save["subject"] for save in forked.json("sessions", "log", "mine")}
    assert len(subjects) > len(found)
    for back, subject in found.items():
        at = forked.json("sessions", "diff", f"mine@{back}", f"mine@{back}")["a"]
        assert subjects[at] == subject
