"""`show`, `log`, `diff`: reading a session."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from superqode.cli.exit_codes import ExitCode
from superqode.session import Session, SessionStore

from .conftest import HOSTILE, Cli

Save = Callable[..., Session]

RECORD_KEYS = {
    "commit",
    "parents",
    "saved_at",
    "subject",
    "author",
    "messages",
    "executions",
    "messages_added",
    "executions_added",
    "session_id",
    "restores",
    "action",
    "snapshots",
}


@pytest.fixture
def worked(cli: Cli, save: Save) -> Session:
    """A session with messages and two tool calls, one of which failed."""
    session = save("Fix it", "Reading…\nfirst", id="session-123", title="Work")
    session.add_tool_execution("read_file", {"path": "a.py"}, "line one\nline two", True, duration_ms=45)
    session.add_tool_execution("bash", {"cmd": "x" * 500}, "boom", False)
    session.add_message("tool", "tool says " + "y" * 500, tool_call_id="c1")
    with SessionStore(cli.store) as store:
        store.save(session)
    return session


@pytest.mark.usefixtures("worked")
def test_show_reads_like_a_conversation(cli: Cli) -> None:
    """Roles, agents, texts, and each tool call as one line that says whether it worked."""
    rows = cli.run("sessions", "show", "session-123").stdout.splitlines()
    assert rows[0] == "session-123  Work"
    assert rows[1].startswith("3 messages, 2 tool calls")
    assert [row for row in rows if row.startswith("user  ")]
    assert [row for row in rows if row.startswith("assistant (codex)  ")]
    assert rows[rows.index("Reading…") + 1] == "first"
    assert "  → read_file a.py  ok  45 ms" in rows
    (failed,) = [row for row in rows if "→ bash" in row]
    assert failed.endswith("…  failed")
    assert len(failed) < 150
    assert "line one" not in rows


@pytest.mark.usefixtures("worked")
def test_show_tools_shows_everything(cli: Cli) -> None:
    """With --tools, arguments, results and tool messages are whole."""
    shown = cli.run("sessions", "show", "session-123", "--tools").stdout
    assert "    line one\n    line two" in shown
    assert "x" * 500 in shown
    assert "y" * 500 in shown


@pytest.mark.usefixtures("worked")
def test_show_the_last_entries_only(cli: Cli) -> None:
    """--last N shows N entries and says how many it left out."""
    shown = cli.run("sessions", "show", "@latest", "--last", 2).stdout
    assert "… 3 earlier entries" in shown
    assert "Fix it" not in shown
    assert "→ bash" in shown
    cli.run("sessions", "show", "@latest", "--last", 0, expect=ExitCode.USAGE)


def test_show_as_it_was(cli: Cli, worked: Session) -> None:
    """--at takes a number of saves back, a commit's beginning, or a snapshot."""
    first = cli.run("sessions", "log", worked.id, "--oneline").stdout.splitlines()[-2].split()[0]
    made = cli.run("sessions", "snapshot", worked.id, "Now").stdout.strip()
    for revision, messages in (("~1", 2), (first, 1), (made, 3)):
        assert len(cli.json("sessions", "show", worked.id, "--at", revision)["messages"]) == messages
    for revision in ("~99", "ffffffff", "nope", "--", "../x", "x" * 300):
        cli.run("sessions", "show", worked.id, f"--at={revision}", expect=ExitCode.NOT_FOUND)


def test_show_as_json_is_the_session(cli: Cli, worked: Session) -> None:
    """The document is `Session.to_dict()`: reading it back gives the session."""
    assert Session.from_dict(cli.json("sessions", "show", worked.id)) == worked


@pytest.mark.usefixtures("worked")
def test_ids_by_beginning_and_latest(cli: Cli, save: Save) -> None:
    """A beginning that fits one session names it; one that fits several is refused with their names."""
    assert "session-123" in cli.run("sessions", "show", "sess").stdout
    save(id="session-124")
    told = cli.run("sessions", "show", "session-12", expect=ExitCode.NOT_FOUND)
    assert "session-123" in told.stderr
    assert "session-124" in told.stderr
    assert "session-124" in cli.run("sessions", "show", "@latest").stdout


@pytest.mark.parametrize("hostile", ["../x", "-x", "a.lock", "x" * 300, "refs/heads/x", "@", "", "a\x1b[2J", "\udcff"])
def test_ids_that_are_none_are_not_found(cli: Cli, save: Save, hostile: str) -> None:
    """Whatever is given for an id, the answer is one clean line and a code of ours."""
    save(id="a")
    told = cli.run("sessions", "show", "--", hostile, expect=ExitCode.NOT_FOUND)
    assert told.stderr.startswith("superqode: ")
    assert len(told.stderr.splitlines()) == 1
    assert "\x1b" not in told.stderr


def test_log_tells_the_saves(cli: Cli, worked: Session) -> None:
    """Newest first, with author, time, subject, counts and snapshots; --limit and --oneline shorten it."""
    made = cli.run("sessions", "snapshot", worked.id, "Now").stdout.strip()
    told = cli.run("sessions", "log", worked.id).stdout
    assert told.count("\nAuthor: ") == 4
    assert f"(snapshot {made})" in told.splitlines()[0]
    assert "messages 3 (+1) · tool calls 2 (+2)" in told
    short = cli.run("sessions", "log", worked.id, "--oneline", "--limit", 2).stdout.splitlines()
    assert len(short) == 2
    saves = cli.json("sessions", "log", worked.id)
    assert len(saves) == 4
    assert all(set(save) == RECORD_KEYS for save in saves)
    assert short[0].split()[0] == saves[0]["commit"][:12]


def test_diff_tells_what_changed(cli: Cli, worked: Session) -> None:
    """Alone: the last save; with a revision: since then; with another session: between the two."""
    last = cli.run("sessions", "diff", worked.id).stdout
    assert "2 entries are the same" in last
    assert "+ " in last
    assert 'read_file {"path": "a.py"}' in last
    assert "Fix it" not in last
    assert "user: Fix it" in cli.run("sessions", "diff", f"{worked.id}@~3").stdout
    fork = cli.run("sessions", "fork", worked.id, "--title", "Other", "--at", "~1").stdout.strip()
    between = cli.run("sessions", "diff", worked.id, fork).stdout
    assert '~ title  "Work" → "Other"' in between
    assert "- call-" in between
    assert "no difference" in cli.run("sessions", "diff", worked.id, f"{worked.id}@~0").stderr
    found = cli.json("sessions", "diff", "@latest@~0", worked.id)
    assert set(found) == {"a", "b", "common", "changes"}
    assert all(set(change) == {"kind", "name", "before", "after"} for change in found["changes"])


def test_diff_tells_of_another_order(cli: Cli, save: Save) -> None:
    """What was moved past others is no difference in what was said, and one in what it means: it is told."""
    session = save("one", "two", id="a")
    session.messages[:] = session.messages[::-1]
    with SessionStore(cli.store) as store:
        store.save(session)
    assert f"> {session.messages[0].id}  from place 2 to 1" in cli.run("sessions", "diff", "a").stdout


def test_diff_of_a_first_save_is_empty(cli: Cli, save: Save) -> None:
    """A session of one save has nothing before it, and that is no error."""
    save(id="a")
    assert "no difference" in cli.run("sessions", "diff", "a").stderr


def test_a_branch_with_an_at_sign_is_itself(cli: Cli, save: Save) -> None:
    """A branch of plain git's whose name has an `@` is found by its whole name."""
    session = save("hello", id="a")
    tip = cli.json("sessions", "list")[0]["tip"]
    (cli.store / "refs" / "heads" / "me@home").write_text(tip + "\n")
    assert "hello" in cli.run("sessions", "show", "me@home").stdout
    assert cli.json("sessions", "diff", "me@home", session.id)["changes"] == []


def test_a_hostile_message_stays_text(cli: Cli, save: Save) -> None:
    """Nothing a message, agent, tool or result holds reaches the terminal as a control, however it is shown."""
    session = save(HOSTILE, HOSTILE, id="a")
    session.add_message("assistant", "x", agent_name=HOSTILE)
    session.add_tool_execution(HOSTILE, {HOSTILE: HOSTILE}, HOSTILE, True, agent_name=HOSTILE)
    session.add_message("user", "lone \udcff surrogate")
    with SessionStore(cli.store) as store:
        store.save(session)
    for command in (["show", "a"], ["show", "a", "--tools"], ["log", "a"], ["diff", "a"], ["diff", "a@~2"]):
        shown = cli.process("sessions", *command)
        assert shown.returncode == ExitCode.OK
        assert not set(shown.stdout) & set("\x1b\x07\x9b\u202e\r\udcff"), command


def test_output_survives_an_old_encoding(cli: Cli, save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where stdout cannot hold a character, an escape stands for it; JSON is ASCII anyway."""
    save("说明", id="a")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    assert "\\u8bf4\\u660e" in cli.process("sessions", "show", "a").stdout
    assert cli.process("sessions", "show", "a", "--json").stdout.isascii()
