"""Every `--json` document is what its schema says: each command is run, and nothing is printed that no schema names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from superqode.cli import main
from superqode.cli.exit_codes import ExitCode
from superqode.cli.schemas import ERROR, commands, document_of, schema
from superqode.session import Session, SessionStore

from .conftest import Cli
from .sharing import TOKEN, bare

_DOCUMENTS = {" ".join(path): document for path, command in commands(main) if (document := document_of(command))}


# They print their document and go on; their own tests read it.
_ENDLESS = {"serve"}


def _strict(made: Any) -> Any:
    """The schema, but with every object closed: a field that no schema names is a fault here."""
    if isinstance(made, list):
        return [_strict(one) for one in made]
    if not isinstance(made, dict):
        return made
    closed = {key: _strict(value) for key, value in made.items()}
    return closed | ({"additionalProperties": False} if "properties" in made and made.get("type") == "object" else {})


def _check(document: Any, named: str, title: str) -> None:
    made = _strict(schema(named, title))
    jsonschema.Draft202012Validator.check_schema(made)
    jsonschema.Draft202012Validator(made, format_checker=jsonschema.FormatChecker()).validate(document)


@pytest.fixture
def filled(cli: Cli) -> Cli:
    """A store with a conversation that has everything: calls, tags, a fork, a snapshot, a secret, an old branch."""
    session = Session(id="a", title="First", tags=["x"], project_path="/p")
    with SessionStore(cli.store) as store:
        session.add_message("user", f"my token is {TOKEN}")
        store.save(session)
        session.add_message(
            "assistant", "ok", agent_name="codex", tool_calls=[{"id": "c1"}], metadata={"usage": {"input": 3}}
        )
        session.add_tool_execution("bash", {"command": "ls"}, "no", success=False, agent_name="codex")
        session.create_snapshot("Before")
        session.add_message("tool", "no", tool_call_id="c1")
        store.save(session)
        store.fork("a", new_id="b", title="Other")
        for name in ("c", "d", "e"):
            store.save(Session(id=name, title=name))
    return cli


def _calls(cli: Cli, folder: Path) -> Iterator[tuple[str, list[object], str]]:
    """Calls in an order in which each finds what it needs: the command, its words, and what is typed."""
    (point,) = [one["id"] for one in cli.json("sessions", "snapshots", "a")]
    transcript = folder / "exported.json"
    cli.run("sessions", "export", "a", "-o", transcript)
    (Path.home() / ".claude").mkdir()  # as if that agent had been used here
    for command, words in {
        "sessions list": [],
        "sessions search": ["token"],
        "sessions tree": [],
        "sessions stats": [],
        "sessions show": ["a"],
        "sessions log": ["a"],
        "sessions diff": ["a", "b"],
        "sessions import": [transcript],
        "sessions rescue": ["--agent", "codex", "--path", transcript],
        "sessions resume": ["a", "--agent", "claude-code", "--project", folder, "--dry-run"],
        "sessions reimport": ["--all"],
        "sessions new": ["--title", "New"],
        "sessions edit": ["c", "--title", "Edited"],
        "sessions fork": ["a", "--id", "f"],
        "sessions merge": ["a", "f"],
        "sessions rename": ["d", "dd"],
        "sessions snapshot": ["a", "Now"],
        "sessions snapshots": ["a"],
        "sessions restore": ["a", point],
        "sessions undo": ["a"],
        "sessions redo": ["a"],
        "sessions delete": ["c", "dd"],
        "sessions undelete": ["c"],
        "sessions trash": [],
        "sessions purge": ["dd", "--yes"],
        "sessions prune": ["--older-than", "1d", "--dry-run"],
        "sessions scan": ["a"],
        "sessions scrub": ["a", "--rule", "github-token", "--dry-run"],
        "sessions verify": [],
        "sessions repair": ["--dry-run"],
        "sessions maintain": [],
        "sessions backup": [folder / "all.backup"],
        "ops": [],
        "remote add": ["team", bare(folder / "team.git")],
        "remote list": [],
        "remote default": [],
        "hooks status": [],
        "hooks install": ["--server", folder / "team.git"],
        "hooks remove": ["--server", folder / "team.git"],
        "config": [],
        "doctor": ["--remotes"],
    }.items():
        yield command, list(words), ""
    yield "sessions restore-backup", [folder / "all.backup", "--store", folder / "restored"], ""
    yield from _quality(folder)
    yield from _sharing(cli)
    yield "ops undo", ["--dry-run"], ""
    yield from _syncing(cli, bare(folder / "own.git"), folder)
    yield "remote remove", ["team"], ""


def _quality(folder: Path) -> Iterator[tuple[str, list[object], str]]:
    """Runs that pass."""
    project = folder / "shop"
    project.mkdir()
    (project / "works.py").write_text("works = True\n")
    call: list[object] = [project, "--role", "smoke_tester"]
    yield "qe run", call, ""
    yield "qe report", [], ""
    yield "qe compare", ["@latest", "@latest"], ""


def _sharing(cli: Cli) -> Iterator[tuple[str, list[object], str]]:
    made = cli.json("share", "create", "a", "--visibility", "private", "--generate")
    _check(made, _DOCUMENTS["share create"], "share create")
    secret = made["passphrase"] + "\n"
    yield "share create", ["e", "--visibility", "public"], ""
    yield "share list", ["--all"], ""
    yield "share show", [made["id"], "--link"], ""
    yield "share open", [made["share_url"], "--password-stdin"], secret
    yield "share fork", [made["share_url"], "--password-stdin"], secret
    yield "share update", [made["id"]], ""
    yield "share push", [], ""
    yield "share passwords list", [made["id"]], ""
    yield "share passwords add", [made["id"], "--generate"], ""
    yield "share passwords remove", [made["id"], "1"], ""
    yield "share revoke", [made["id"], "--yes"], ""
    yield "share prune", [], ""


def _syncing(cli: Cli, remote: Path, folder: Path) -> Iterator[tuple[str, list[object], str]]:
    yield "sync init", [remote, "--no-keyring"], ""
    yield "sync run", [], ""
    yield "sync status", [], ""
    yield "sync key show", [], ""
    yield "sync key rotate", ["--no-keyring", "--yes"], ""
    words = cli.json("sync", "key", "show", "sync")["words"]
    yield "sync join", [remote, "--no-keyring", "--words-stdin", "--store", folder / "joined"], words
    yield "sync leave", ["sync", "--yes"], ""


def test_every_document_is_what_its_schema_says(filled: Cli, tmp_path: Path) -> None:
    """Every command that has --json is run on a real store and its document validated, with nothing left over."""
    ran = set()
    for command, words, typed in _calls(filled, tmp_path):
        arguments = [*command.split(" "), *map(str, words), "--json"]
        done = CliRunner().invoke(main, arguments, input=typed, env={"SUPERQODE_STORE": str(filled.store)})
        assert done.exit_code == ExitCode.OK, (command, done.stderr)
        _check(json.loads(done.stdout), _DOCUMENTS[command], command)
        ran.add(command)
    assert _DOCUMENTS.keys() - ran == _ENDLESS, "each command with --json is to be run here"


@pytest.mark.parametrize(
    "words",
    [
        ["sessions", "show", "nope"],
        ["sessions", "list", "--bogus"],
        ["share", "open", "nonsense"],
        ["sessions", "import", "/nowhere"],
    ],
)
def test_errors_are_what_their_schema_says(cli: Cli, words: list[str]) -> None:
    """An error is one document on stderr, whatever went wrong; its exit code is the process's."""
    done = CliRunner().invoke(main, ["--store", str(cli.store), *words, "--json"])
    document = json.loads(done.stderr)
    _check(document, ERROR, "error")
    assert done.stdout == ""
    assert document["error"]["exit_code"] == done.exit_code != 0


def test_the_schema_of_a_command_is_printed(cli: Cli) -> None:
    """`superqode schema` names the commands, prints what the test validates with, and guesses what was meant."""
    listed = cli.run("schema").stdout.split("\n")
    assert set(_DOCUMENTS) | {"error"} == set(filter(None, listed))
    printed = json.loads(cli.run("schema", "sessions", "list").stdout)
    assert printed == schema(_DOCUMENTS["sessions list"], "superqode sessions list")
    assert "sessions list" in cli.run("schema", "sessions", "lits", expect=ExitCode.USAGE).stderr


def test_alternatives_parts_and_nulls_become_one_schema() -> None:
    """The small language of `json_option`: joined parts, optional ones, arrays, or null, alternatives."""
    joined = schema("Named + Renamed~", "t")
    assert joined["required"] == ["id"]
    assert set(joined["properties"]) == {"id", "new_id", "left"}
    assert schema("Named[]", "t")["items"]["required"] == ["id"]
    assert schema("Named?", "t")["anyOf"][1] == {"type": "null"}
    assert len(schema("Named | Node", "t")["anyOf"]) == 2
