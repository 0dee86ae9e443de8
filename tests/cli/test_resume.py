"""`sessions resume`: what people see, what is written where, and what happens where something is missing."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from superqode.cli.exit_codes import ExitCode
from superqode.session import MessageRole, Session, SessionStore

from .sharing import Team, converse

# Stands for an agent's program: says where it was started and with what, and ends with a code of its own.
PROGRAM = """#!/bin/sh
printf '%s\\n' "$PWD" "$@" >> "$HOME/started"
[ "$1 $2" = "debug config" ] && echo '{"model": "local/one"}' && exit 0
[ "$1" = import ] && cp "$2" "$HOME/imported.json" && exit 0
exit 7
"""
VARIABLES = ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME", "XDG_DATA_HOME", "PI_CODING_AGENT_DIR", "QWEN_HOME")


@pytest.fixture(autouse=True)
def programs(tmp_path, monkeypatch):
    """A machine on which nothing but what a test puts into this folder is installed, and no agent's variables."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "bin"
    folder.mkdir()
    git = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    (folder / "git").symlink_to(git)
    for name in ("sh", "cp"):
        (folder / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def install(programs):
    """Put an agent's program there."""

    def put(name):
        (programs / name).write_text(PROGRAM, "utf-8")
        (programs / name).chmod(0o755)

    return put


@pytest.fixture
def project(tmp_path):
    """The session's project, with a name that a shell would take apart."""
    made = tmp_path / "work" / "my proj"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def session(cli, project):
    """A session in the store."""
    made = Session(id="talk", title="A talk", project_path=str(project))
    made.add_message(MessageRole.USER, f"look at {project}/a.py")
    made.add_message(MessageRole.ASSISTANT, "Looked.", metadata={"thinking": ["hm"]})
    made.add_tool_execution("read", {"path": "a.py"}, "x = 1", success=True)
    with SessionStore(cli.store) as store:
        store.save(made)
    return made


def _started(home):
    return (home / "started").read_text("utf-8").splitlines()


def test_it_says_what_goes_over_and_what_to_do_next(cli, session, home, install, project):
    """Counts, the file, what stays behind, and a command to copy that works from any folder."""
    install("claude")
    shown = cli.run("sessions", "resume", "talk", "--agent", "claude-code").stdout
    (written,) = (home / ".claude" / "projects").glob("*/*.jsonl")
    assert "Handed talk over to Claude Code: 1 prompt, 1 answer, 1 call, 1 result" in shown
    assert str(written) in shown
    assert "left out: 1 thoughts" in shown
    command = shown.strip().splitlines()[-1].strip()
    assert command == f"cd {shlex.quote(str(project))} && claude --resume {written.stem}"
    assert written.stat().st_mode & 0o777 == 0o600


def test_in_the_project_itself_the_command_is_bare(cli, session, install, project, monkeypatch):
    """Somebody who stands in the project need not go there."""
    install("codex")
    monkeypatch.chdir(project)
    shown = cli.run("sessions", "resume", "talk", "--agent", "codex").stdout
    assert shown.strip().splitlines()[-1].strip().startswith("codex resume ")


def test_json_is_the_whole_result(cli, session, home, install, project):
    """Programs get ids, both commands, files, and the receipt; the same again has no files."""
    install("codex")
    first = cli.json("sessions", "resume", "talk", "--agent", "codex")
    assert first.keys() == {
        "session_id",
        "agent",
        "agent_session_id",
        "project",
        "command",
        "headless",
        "files",
        "prepared",
        "receipt",
        "dry_run",
    }
    assert (first["project"], first["command"]) == (str(project), ["codex", "resume", first["agent_session_id"]])
    assert first["receipt"]["kept"] == {"answers": 1, "calls": 1, "prompts": 1, "results": 1}
    (file,) = first["files"]
    assert (Path(file["path"]).stat().st_size, file["new"]) == (file["bytes"], True)
    again = cli.json("sessions", "resume", "talk", "--agent", "codex")
    assert (again["files"], again["command"]) == ([], first["command"])
    assert "has all of it already" in cli.run("sessions", "resume", "talk", "--agent", "codex").stdout


def test_a_dry_run_leaves_no_trace(cli, session, home, install):
    """It shows the file and the command, and makes nothing."""
    install("pi")
    shown = cli.run("sessions", "resume", "talk", "--agent", "pi", "--dry-run").stdout
    assert "Would hand talk over to Pi" in shown
    assert ".jsonl" in shown
    assert not (home / ".pi").exists()


def test_run_starts_the_agent_and_ends_as_it_ends(cli, session, home, install, project):
    """The agent is started in the project with the session's id, and its exit code is the command's."""
    install("qwen")
    process = cli.process("sessions", "resume", "talk", "--agent", "qwen", "--run")
    (written,) = (home / ".qwen" / "projects").glob("*/chats/*.jsonl")
    assert process.returncode == 7, process.stderr
    assert _started(home) == [str(project), "--resume", written.stem]


def test_ctrl_c_is_the_agents(cli, session, programs):
    """A typed Ctrl-C reaches the agent, which decides what it means; its exit code is handed on all the same."""
    (programs / "codex").write_text("#!/bin/sh\ntrap 'exit 9' INT\necho ready\nread line\n", "utf-8")
    (programs / "codex").chmod(0o755)
    resume = ("sessions", "resume", "talk", "--agent", "codex", "--run")
    code, seen = converse(cli, *resume, answers=[("ready", b"\x03")])
    assert code == 9, seen


def test_opencode_imports_with_the_model_that_is_set_up(cli, session, home, install, project):
    """Its own import is run in the project; the model is the one its settings name, or the one named here."""
    install("opencode")
    done = cli.json("sessions", "resume", "talk", "--agent", "opencode")
    export = json.loads((home / "imported.json").read_text("utf-8"))
    assert export["messages"][0]["info"]["model"] == {"providerID": "local", "modelID": "one"}
    assert done["prepared"] == [["opencode", "import", "<export.json>"]]
    assert done["command"] == ["opencode", "--session", export["info"]["id"]]
    cli.run("sessions", "fork", "talk")
    cli.run("sessions", "resume", "@latest", "--agent", "opencode", "--model", "their/two")
    export = json.loads((home / "imported.json").read_text("utf-8"))
    assert export["messages"][0]["info"]["model"] == {"providerID": "their", "modelID": "two"}


def test_an_imported_session_goes_on_where_it_came_from(cli, session, home, install):
    """Without --agent it is the agent that wrote it; in its own folder that needs no file."""
    install("codex")
    first = cli.json("sessions", "resume", "talk", "--agent", "codex")
    cli.run("sessions", "import", home / ".codex")
    child = cli.json("sessions", "list", "--parent", "talk")[0]["id"]
    again = cli.json("sessions", "resume", child)
    assert (again["agent"], again["files"], again["command"]) == ("codex", [], first["command"])


def test_the_agents_own_variable_names_its_folder(cli, session, home, install, tmp_path, monkeypatch):
    """Who keeps an agent's things elsewhere finds the session there."""
    install("gemini")
    monkeypatch.setenv("GEMINI_CLI_HOME", str(tmp_path / "elsewhere"))
    cli.run("sessions", "resume", "talk", "--agent", "gemini")
    assert list((tmp_path / "elsewhere" / ".gemini" / "tmp").glob("*/chats/*.jsonl"))
    assert not (home / ".gemini").exists()


def test_a_variable_that_moves_sessions_is_named(cli, session, install, monkeypatch):
    """Pi then asks whether to fork a session that it has by its id elsewhere (seen in 0.73): the user is told before."""
    install("pi")
    monkeypatch.setenv("PI_CODING_AGENT_SESSION_DIR", "/elsewhere")
    assert "PI_CODING_AGENT_SESSION_DIR is set" in cli.run("sessions", "resume", "talk", "--agent", "pi").stderr


def test_a_project_of_another_machine_becomes_the_current_folder(cli, session, home, install, tmp_path, monkeypatch):
    """It is said where it goes on, and the paths in it are that folder's."""
    install("claude")
    with SessionStore(cli.store) as store:
        moved = store.load("talk")
        moved.project_path = "/nowhere/on/this/machine"
        moved.add_message(MessageRole.USER, "and /nowhere/on/this/machine/b.py")
        moved.add_message(MessageRole.ASSISTANT, "Fine.")
        store.save(moved)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    result = cli.run("sessions", "resume", "talk", "--agent", "claude-code")
    assert f"/nowhere/on/this/machine is not on this machine: it goes on in {here}" in result.stderr
    (written,) = (home / ".claude" / "projects").glob("*/*.jsonl")
    assert f"and {here}/b.py" in written.read_text("utf-8")


def test_the_whole_receipt_is_a_line_each(cli, session, install):
    """--receipt lists everything that was left out or changed."""
    install("codex")
    shown = cli.run("sessions", "resume", "talk", "--agent", "codex", "--receipt").stdout
    assert "  left out: 1 thoughts\n" in shown


@pytest.mark.parametrize(
    ("args", "told", "code"),
    [
        ((), "name one with --agent claude-code|codex|gemini|opencode|pi|qwen", ExitCode.USAGE),
        (("--agent", "codex"), "never used here", ExitCode.ERROR),
        (("--agent", "opencode", "--model", "a/b"), "never used here", ExitCode.ERROR),
        (("--agent", "aider"), "'aider' is not one of", ExitCode.USAGE),
        (("--agent", "codex", "--project", "/no/such"), "does not exist", ExitCode.USAGE),
        (("--agent", "codex", "--run", "--json"), "leave --dry-run and --json out", ExitCode.USAGE),
    ],
    ids=["no agent", "never used", "no opencode", "unknown", "no project", "run and json"],
)
def test_what_is_missing_is_named_with_what_to_do(cli, session, args, told, code):
    """Each mistake has a message that says how to go on, and nothing is written."""
    result = cli.run("sessions", "resume", "talk", *args, expect=code)
    assert told in result.stderr


def test_a_program_that_is_missing_is_a_note_or_an_error(cli, session, home):
    """Where the agent's folder is there, the session is written and the program asked for; --run needs it first."""
    (home / ".codex").mkdir()
    result = cli.run("sessions", "resume", "talk", "--agent", "codex", "--run", expect=ExitCode.ERROR)
    assert "npm install -g @openai/codex" in result.stderr
    assert not (home / ".codex" / "sessions").exists()
    result = cli.run("sessions", "resume", "talk", "--agent", "codex")
    assert "codex is not on PATH here" in result.stderr
    assert "codex resume" in result.stdout


def test_an_import_that_fails_is_told_as_the_agent_tells_it(cli, session, home, programs):
    """The words of its own import reach the user, with the code it ended with."""
    (programs / "opencode").write_text("#!/bin/sh\necho 'no such key' >&2\nexit 3\n", "utf-8")
    (programs / "opencode").chmod(0o755)
    result = cli.run("sessions", "resume", "talk", "--agent", "opencode", expect=ExitCode.ERROR)
    assert "`opencode import` failed with exit code 3: no such key" in result.stderr


def test_an_empty_session_has_nothing_to_hand_over(cli, home, install):
    """It says so, with the session's id."""
    install("codex")
    name = cli.run("sessions", "new").stdout.strip()
    result = cli.run("sessions", "resume", name, "--agent", "codex", expect=ExitCode.ERROR)
    assert f"Session {name} cannot be handed over: it has no prompts, answers or calls" in result.stderr


def test_hostile_names_reach_no_terminal(cli, home, install, project):
    """What a session holds is shown as text."""
    install("codex")
    made = Session(id="odd", title="\x1b]0;owned\x07", project_path=str(project))
    made.add_message(MessageRole.USER, "\x1b[2J")
    made.add_message(MessageRole.ASSISTANT, "ok")
    with SessionStore(cli.store) as store:
        store.save(made)
    assert "\x1b" not in cli.run("sessions", "resume", "odd", "--agent", "codex").stdout


def test_shared_here_and_resumed_there(session, install, project, tmp_path, monkeypatch):
    """A share, forked on another machine, goes on there in another agent, with that machine's paths and no other."""
    install("codex")
    team = Team(tmp_path)
    with SessionStore(team.owner.store) as store:
        store.save(session)
    link = team.share("talk")
    there = tmp_path / "there"
    (there / "checkout").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(there))
    monkeypatch.chdir(there / "checkout")
    project.rmdir()  # the owner's folder is on the owner's machine
    name = team.reader.run("share", "fork", link).stdout.strip()
    done = json.loads(team.reader.run("sessions", "resume", name, "--agent", "codex", "--json").stdout)
    written = Path(done["files"][0]["path"])
    assert written.is_relative_to(there / ".codex")
    content = written.read_text("utf-8")
    assert f"look at {there}/checkout/a.py" in content
    assert str(project) not in content
    assert done["project"] == str(there / "checkout")
