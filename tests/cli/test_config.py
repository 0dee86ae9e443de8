"""One precedence: option, then environment, then file, then default; what is wrong in the file is named with its key."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from superqode.cli import main
from superqode.cli.config import KEYS, ConfigError, read_config
from superqode.cli.exit_codes import ExitCode
from superqode.session import Session, SessionStore

from .conftest import Cli

Save = Callable[..., Session]


@pytest.fixture
def file(home: Path) -> Path:
    """Where the config file is looked for; its folder is there, the file not yet."""
    folder = home / ".superqode"
    folder.mkdir()
    return folder / "config.toml"


def _told(*args: str) -> dict[str, tuple[object, str]]:
    """What `superqode config` tells: value and origin of each key."""
    told = CliRunner().invoke(main, [*args, "config", "--json"])
    assert told.exit_code == ExitCode.OK, told.stderr
    return {entry["key"]: (entry["value"], entry["origin"]) for entry in json.loads(told.stdout)["values"]}


def test_an_option_beats_a_variable_beats_the_file_beats_the_default(
    file: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For each value that all four can set, the stronger one holds, and its origin is told."""
    assert _told()["store"] == (str(home / ".superqode" / "sessions"), "default")
    assert _told()["colour"] == ("auto", "default")
    file.write_text('store = "of-file"\ncolour = "always"\npager = "more"\nquiet = true\n')
    assert _told()["store"] == (str(file.parent / "of-file"), "file")
    assert _told()["colour"] == ("always", "file")
    assert _told()["pager"] == ("more", "file")
    assert _told()["quiet"] == (True, "file")
    monkeypatch.setenv("SUPERQODE_STORE", "/of/environment")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("PAGER", "most")
    assert _told()["store"] == ("/of/environment", "$SUPERQODE_STORE")
    assert _told()["colour"] == ("never", "$NO_COLOR")
    assert _told()["pager"] == ("most", "$PAGER")
    monkeypatch.setenv("SUPERQODE_PAGER", "cat")
    assert _told()["pager"] == ("cat", "$SUPERQODE_PAGER")
    told = _told("--store", "/of/option", "--colour", "--no-quiet")
    assert told["store"] == ("/of/option", "--store")
    assert told["colour"] == ("always", "--colour")
    assert told["quiet"] == (False, "--quiet")


def test_the_store_of_the_file_is_the_one_that_is_used(file: Path) -> None:
    """Commands without --store read and write the store of the file, whose relative path starts at the file."""
    with SessionStore(file.parent / "mine") as store:
        store.save(Session(id="here"))
    file.write_text('store = "mine"\n')
    shown = CliRunner().invoke(main, ["sessions", "list", "--json"])
    assert [item["id"] for item in json.loads(shown.stdout)] == ["here"]


def test_every_key_of_the_table_is_read(file: Path, tmp_path: Path) -> None:
    """A file with everything in it gives a Config with everything in it, and nothing is unknown."""
    file.write_text(
        'store = "~/s"\ncolour = "never"\npager = "less -R"\nquiet = true\n'
        '[agents.gemini]\ncommand = ["gemini", "--experimental-acp"]\n'
        '[tui]\ntheme = "dark"\nagent = "gemini"\n'
        '[qe]\nmode = "quick"\nroles = ["security"]\nagent = "gemini"\ntimeout = 60\n'
        '[rescue]\npaths = ["~/code", "here"]\n'
    )
    found = read_config()
    assert found.unknown == ()
    assert found.agents == {"gemini": ("gemini", "--experimental-acp")}
    assert (found.tui.theme, found.tui.agent) == ("dark", "gemini")
    assert (found.qe.mode, found.qe.roles, found.qe.agent, found.qe.timeout) == ("quick", ("security",), "gemini", 60.0)
    assert found.rescue.paths == (Path.home() / "code", file.parent / "here")
    assert {name.replace("gemini", "NAME") for name in found.origins} == {key.name for key in KEYS}


def test_a_key_nobody_knows_is_told_and_passed_over(file: Path, cli: Cli, save: Save) -> None:
    """The warning names key, file and the nearest known key; the command does its work; programs see no warning."""
    save(id="a")
    file.write_text('color = "always"\n[tui]\nthem = "x"\n[xyzzy]\nplugh = 1\n')
    told = cli.run("sessions", "list")
    assert "nobody knows the key color in" in told.stderr
    assert str(file) in told.stderr
    assert "did you mean colour?" in told.stderr
    assert "did you mean tui.theme?" in told.stderr
    assert "nobody knows the key xyzzy" in told.stderr
    assert told.stdout.splitlines()[1].startswith("a ")
    assert len(cli.json("sessions", "list")) == 1
    assert cli.run("--quiet", "sessions", "list").stderr == ""


@pytest.mark.parametrize(
    ("text", "key", "wanted"),
    [
        ("store = 3", "store", "a path"),
        ('store = ""', "store", "a path"),
        ('colour = "blue"', "colour", "auto"),
        ("pager = []", "pager", "a text"),
        ('quiet = "yes"', "quiet", "true or false"),
        ("tui = 3", "tui", "[tui]"),
        ("[agents]\ngemini = 3", "agents.gemini", "[agents.gemini]"),
        ("[agents.gemini]\ncommand = []", "agents.gemini.command", "a program"),
        ('[agents.gemini]\ncommand = "gemini"', "agents.gemini.command", "a program"),
        ("[qe]\nroles = [1]", "qe.roles", "a list of texts"),
        ("[qe]\ntimeout = true", "qe.timeout", "a number of seconds"),
        ("[qe]\ntimeout = -1", "qe.timeout", "a number of seconds"),
        ('[rescue]\npaths = "x"', "rescue.paths", "a list of paths"),
    ],
)
def test_a_value_of_the_wrong_type_is_an_error_that_names_it(file: Path, text: str, key: str, wanted: str) -> None:
    """File, key and what it has to be; exit code 2, in one line."""
    file.write_text(text)
    shown = CliRunner().invoke(main, ["sessions", "list"])
    assert shown.exit_code == ExitCode.USAGE
    assert len(shown.stderr.splitlines()) == 1
    for part in (str(file), f"key {key}:", wanted):
        assert part in shown.stderr
    shown = CliRunner().invoke(main, ["sessions", "list", "--json"])
    assert json.loads(shown.stderr)["error"]["type"] == "ConfigError"


@pytest.mark.parametrize("content", [b"store =", b"\xff\xfe", b"a = " + b"[" * 100_000, b"#" * 1_100_000])
def test_a_file_that_is_no_config_is_refused_in_one_line(file: Path, content: bytes) -> None:
    """Damage, another encoding, hostile nesting and enormous files: told with the file's name."""
    file.write_bytes(content)
    shown = CliRunner().invoke(main, ["sessions", "list"])
    assert shown.exit_code == ExitCode.USAGE
    assert len(shown.stderr.splitlines()) == 1
    assert str(file) in shown.stderr
    assert "should not have happened" not in shown.stderr


@given(st.binary(max_size=200))
def test_no_file_raises_anything_else(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Whatever bytes stand there: a Config, or a ConfigError."""
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUPERQODE_CONFIG", str(path))
        try:
            read_config()
        except ConfigError as problem:
            assert problem.path == path  # noqa: PT017 - both outcomes are right


def test_the_file_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """$SUPERQODE_CONFIG names it; one that is named and not there is an error, an empty one is none."""
    monkeypatch.setenv("SUPERQODE_CONFIG", str(tmp_path / "mine.toml"))
    told = CliRunner().invoke(main, ["sessions", "list"])
    assert told.exit_code == ExitCode.USAGE
    assert "SUPERQODE_CONFIG" in told.stderr
    (tmp_path / "mine.toml").write_text("")
    assert CliRunner().invoke(main, ["sessions", "list"]).exit_code == ExitCode.OK
    assert CliRunner().invoke(main, ["config", "--path"]).stdout.strip() == str(tmp_path / "mine.toml")


def test_help_and_completion_do_not_read_it(file: Path) -> None:
    """A broken file keeps nobody from help, and a completing shell is told nothing; without a file tomllib stays out."""
    file.write_text("store =")
    assert CliRunner().invoke(main, ["sessions", "list", "--help"]).exit_code == ExitCode.OK
    variables = {"_SUPERQODE_COMPLETE": "zsh_complete", "COMP_WORDS": "superqode sessions show x", "COMP_CWORD": "3"}
    shown = CliRunner().invoke(main, [], prog_name="superqode", env=variables)
    assert (shown.stdout.strip(), shown.stderr) == ("", "")
    file.unlink()
    program = "import sys; from superqode.cli import main\ntry: main(['sessions', 'list'])\nexcept SystemExit: print('tomllib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_colours_are_the_ones_that_were_asked_for(cli: Cli, save: Save, file: Path) -> None:
    """--colour colours a pipe, --no-colour a terminal not, and both beat NO_COLOR and the file, before or after."""
    save("hello", id="a")
    for command in (["--colour", "sessions", "log", "a"], ["sessions", "log", "a", "--color"]):
        assert "\x1b[33m" in cli.run(*command).stdout
    assert "\x1b" not in cli.terminal("sessions", "list", "--no-colour")[1]
    assert "\x1b[" in cli.terminal("sessions", "list", "--colour", NO_COLOR="1")[1]
    file.write_text('colour = "never"\n')
    assert "\x1b" not in cli.terminal("sessions", "list")[1]


def test_quiet_leaves_notes_out_and_nothing_else(cli: Cli, save: Save) -> None:
    """Notes go, before or after the subcommand; data and errors stay."""
    save("hello", id="a")
    assert "no snapshots" in cli.run("sessions", "snapshots", "a").stderr
    assert cli.run("-q", "sessions", "snapshots", "a").stderr == ""
    assert cli.run("sessions", "snapshots", "a", "--quiet").stderr == ""
    assert "hello" in cli.run("sessions", "show", "a", "--quiet").stdout
    assert "superqode: " in cli.run("-q", "sessions", "show", "b", expect=ExitCode.NOT_FOUND).stderr


def test_quiet_still_tells_a_passphrase(cli: Cli, save: Save) -> None:
    """What is told once and nowhere else is no note."""
    save("hello", id="a")
    told = cli.run("-q", "share", "create", "a", "--visibility", "private", "--generate")
    assert "passphrase" in told.stderr


def test_yes_answers_every_question_before_or_after(cli: Cli, save: Save) -> None:
    """Purging, scrubbing and revoking ask; --yes anywhere answers."""
    for place in (0, 3):
        save("hello", id="a")
        cli.run("sessions", "delete", "a")
        words = ["sessions", "purge", "a"]
        cli.run(*words, expect=ExitCode.USAGE)
        words.insert(place, "--yes")
        assert "Forgot 1" in cli.run(*words).stdout


def test_the_pager_is_the_configured_one(cli: Cli, save: Save, file: Path) -> None:
    """The file's pager is used where no variable names another."""
    save("hello", id="a")
    file.write_text("pager = 'sed s/^/FILE:/'\n")
    assert "FILE:" in cli.terminal("sessions", "show", "a", PAGER="")[1]
    assert "MINE:" in cli.terminal("sessions", "show", "a", SUPERQODE_PAGER="sed s/^/MINE:/")[1]


@pytest.mark.parametrize(
    ("variable", "value"),
    [("SUPERQODE_STORE", "~no-such-user/x"), ("PAGER", 'less "'), ("SUPERQODE_PAGER", "less '")],
)
def test_a_variable_that_cannot_be_used_is_named(
    cli: Cli, save: Save, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """One line that names the variable and what it should be, from every command that needs it."""
    save("hello", id="a")
    monkeypatch.setenv(variable, value)
    told = CliRunner().invoke(main, ["sessions", "show", "a", "--store", str(cli.store)])
    assert told.exit_code in (ExitCode.OK, ExitCode.USAGE)
    told = CliRunner().invoke(main, ["config"])
    assert told.exit_code == ExitCode.USAGE
    (line,) = told.stderr.splitlines()
    assert f"${variable}: it has to be" in line
    assert "this should not have happened" not in line


@pytest.mark.parametrize("variable", ["SUPERQODE_STORE", "PAGER", "SUPERQODE_PAGER"])
def test_a_blank_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """As an empty one does."""
    monkeypatch.setenv(variable, "  ")
    assert read_config().origins == {}


def test_a_pager_that_is_no_command_is_refused(file: Path) -> None:
    """A quotation mark that is not closed is told before there is anything to page."""
    file.write_text("pager = 'less \"'\n")
    told = CliRunner().invoke(main, ["config"])
    assert told.exit_code == ExitCode.USAGE
    assert "key pager: it has to be a command" in told.stderr
