"""Help is cheap, complete, and says what the commands themselves say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from superqode.cli import main
from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import LazyGroup

_HEAVY = ("cryptography", "pygit2", "pydantic", "rich", "superqode.session", "json", "shutil.bz2", "pathlib")


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))


def _groups() -> Iterator[LazyGroup]:
    yield main
    yield from (command for _, command in _commands(main) if isinstance(command, LazyGroup))


def test_every_command_has_an_example() -> None:
    """Every command's help shows how it is called, with its own name in the call."""
    for path, command in _commands(main):
        shown = CliRunner().invoke(main, [*path, "--help"])
        assert shown.exit_code == ExitCode.OK
        assert "Example" in shown.stdout, path
        assert f"superqode {' '.join(path)}" in shown.stdout.split("Example")[1], path
        assert command.help, path


def test_the_table_tells_what_the_commands_tell() -> None:
    """The short help that is listed without importing a command is the first line of the command's own help."""
    for group in _groups():
        for name, (_, short) in group.table.items():
            command = group.get_command(click.Context(group), name)
            assert command is not None
            assert (command.help or "").splitlines()[0] == short, name


def test_commands_have_the_names_they_are_listed_under() -> None:
    """Usage lines name a command as the table does."""
    for path, command in _commands(main):
        assert command.name == path[-1]


@pytest.mark.parametrize("args", [["--help"], ["sessions", "--help"], ["share", "--help"], []])
def test_help_imports_nothing_heavy(args: list[str]) -> None:
    """Help loads click and this package's light modules, and none of the libraries that take long to load."""
    program = (
        "import sys, click; before = set(sys.modules)\n"
        "from superqode.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: print(*sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program, *args], capture_output=True, text=True, check=True)
    assert "Exit codes:" in done.stdout
    loaded = done.stderr.split()
    assert "superqode.cli" in loaded
    assert not [name for name in loaded if name.startswith(_HEAVY)]


@pytest.mark.parametrize("args", [[], ["sessions"], ["share"]])
def test_a_group_alone_shows_its_help(args: list[str]) -> None:
    """A group without a command is no error: it shows what there is, and which exit code means what."""
    shown = CliRunner().invoke(main, args)
    assert shown.exit_code == ExitCode.OK
    assert "Commands:" in shown.stdout
    for code in ExitCode:
        assert f"{int(code):>5}  " in shown.stdout


def test_a_misspelt_command_is_told_its_neighbour() -> None:
    """A command that is not there is a usage error that names the one that is spelt nearly so."""
    shown = CliRunner().invoke(main, ["sessions", "lits"])
    assert shown.exit_code == ExitCode.USAGE
    assert "did you mean list?" in shown.stderr
    assert shown.stdout == ""


def test_no_command_takes_a_password_on_the_command_line() -> None:
    """A password on the command line would stand in the process list and the shell's history."""
    for path, command in _commands(main):
        for parameter in command.params:
            if getattr(parameter, "is_flag", False):
                continue  # takes nothing: it means "ask for it"
            for name in parameter.opts:
                assert not name.endswith(("password", "secret", "token", "stdin")), path
