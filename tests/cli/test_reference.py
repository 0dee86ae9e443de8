"""The reference pages say what the commands say; a changed field, option or exit code is seen here."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import make_reference
from superqode import cli
from superqode.cli import main
from superqode.cli.environment import VARIABLES
from superqode.cli.lazy import Command
from superqode.cli.schemas import commands, document_of

_RENEW = "python tests/make_reference.py renews it"
_SOURCE = Path(cli.__file__).parent
_ALL = [pytest.param(path, command, id=" ".join(path)) for path, command in commands(main)]


def test_the_page_of_commands_is_true() -> None:
    """COMMANDS.md is what the commands tell now."""
    assert (_SOURCE / "COMMANDS.md").read_text("utf-8") == make_reference.page(), _RENEW


def test_the_schemas_are_pinned() -> None:
    """A field that is renamed, dropped or changes its type fails here: programs read it. Adding one is renewing it."""
    assert (_SOURCE / "schemas.json").read_text("utf-8") == make_reference.schemas(), _RENEW


@pytest.mark.parametrize(("path", "command"), _ALL)
def test_every_option_and_argument_has_help(path: tuple[str, ...], command: click.Command) -> None:
    """Nothing can be given to a command that its help does not explain."""
    assert command.help, path
    for parameter in command.params:
        told = getattr(parameter, "help", None)
        assert told, f"{' '.join(path)} {parameter.name}"
        assert told.rstrip().endswith((".", ")")), f"{' '.join(path)} {parameter.name}: a sentence"


@pytest.mark.parametrize(("path", "command"), _ALL)
def test_every_command_names_its_document(path: tuple[str, ...], command: click.Command) -> None:
    """Whatever has --json has a type for what it prints (see `superqode.cli.schemas`)."""
    assert document_of(command) != "", path


def _examples(command: click.Command) -> Iterator[str]:
    told = (command.epilog or "").partition("Example:\n")[2]
    yield from (line.strip() for line in told.partition("\n\n")[0].splitlines())


def _superqode(example: str) -> Iterator[list[str]]:
    """The calls of superqode in an example, which may have pipes, redirections and substitutions around them."""
    for part in re.split(r"[|;]|\$\(|\)\"?", re.sub(r"'[^']*'", lambda quoted: quoted[0].replace("|", " "), example)):
        words = shlex.split(part.partition(">")[0].replace('eval "', "")) if "superqode" in part else []
        if words and words[0] == "superqode":
            yield words[1:]


@pytest.mark.parametrize(("path", "command"), _ALL)
def test_every_example_parses(path: tuple[str, ...], command: click.Command, tmp_path: Path) -> None:
    """Each example calls superqode with words that the command line takes; one of them calls this very command."""
    called = [words for example in _examples(command) for words in _superqode(example)]
    assert called, path
    assert any(tuple(words[: len(path)]) == path or len(path) < 2 for words in called), path
    for words in called:
        _parse(main, words)


def _parse(group: click.Command, words: list[str]) -> None:
    """Parse words as the command line would, but for files that only the example has."""
    context = click.Context(group, info_name="superqode")
    while isinstance(context.command, click.Group):
        name, command, words = context.command.resolve_command(context, words) if words else (None, None, [])
        if command is None:
            return
        context = click.Context(command, info_name=name, parent=context)
    parser = context.command.make_parser(context)
    options, rest, order = parser.parse_args(list(words))
    assert not rest, words
    for parameter in order:
        given = options.get(parameter.name)
        # A file of an example is not there, and a link is not read.
        if isinstance(given, str | list | tuple) and not isinstance(parameter.type, click.Path):
            parameter.type_cast_value(context, given)


@pytest.mark.parametrize(("path", "command"), _ALL)
def test_what_to_read_on_is_there(path: tuple[str, ...], command: click.Command) -> None:
    """Every command named under "See also" exists."""
    known = {" ".join(found) for found, _ in commands(main)}
    if isinstance(command, Command):
        assert set(command.see) <= known, path


def test_every_variable_that_is_read_is_told() -> None:
    """No environment variable is read that help does not list, and none is listed that nobody reads."""
    read = set()
    for file in _SOURCE.rglob("*.py"):
        if file.name == "environment.py":
            continue
        constants = {
            node.value for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Constant)
        }
        read |= {text for text in constants if isinstance(text, str) and re.fullmatch(r"[A-Z][A-Z_]{3,}", text)}
    assert set(VARIABLES) <= read
    assert {name for name in read if name.startswith("SUPERQODE_")} <= set(VARIABLES)
