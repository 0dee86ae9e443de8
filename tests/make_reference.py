"""Make the reference pages of the command line: `COMMANDS.md` and `schemas.json` in `src/superqode/cli`.

    python tests/make_reference.py

Everything in them comes from the commands themselves; `tests/cli/test_reference.py` sees that they are true.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path

import click

from superqode.cli import main
from superqode.cli.config import KEYS
from superqode.cli.environment import VARIABLES
from superqode.cli.exit_codes import _MEANINGS
from superqode.cli.lazy import Command
from superqode.cli.schemas import ERROR, commands, document_of, schema

HERE = Path(__file__).resolve().parents[1] / "src" / "superqode" / "cli"
_EVERYWHERE = ("store", "quiet", "yes", "colour")


def schemas() -> str:
    """The schema of every command's document, and of errors, by the words of the command."""
    found = {" ".join(path): document_of(command) for path, command in commands(main)}
    made = {name: schema(document, f"superqode {name}") for name, document in found.items() if document}
    return json.dumps(made | {"error": schema(ERROR, "superqode error")}, indent=1, sort_keys=True) + "\n"


def page() -> str:
    """The reference page."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield "# The commands of superqode\n"
    yield "Made by `python tests/make_reference.py` from the commands themselves: change those, not this page."
    yield "`superqode COMMAND --help` tells the same.\n"
    yield "## Options of every command\n"
    yield "Before or after the subcommand; the innermost wins.\n"
    yield from _options([option for option in main.params if option.name in _EVERYWHERE])
    for path, command in commands(main):
        yield from _command(path, command)
    yield "## Exit codes\n"
    yield "| code | meaning |\n|---:|---|"
    yield from (f"| {int(code)} | {meaning} |" for code, meaning in _MEANINGS.items())
    yield "\n## Environment\n"
    yield "| variable | what for |\n|---|---|"
    yield from (f"| `{name}` | {_cell(what)} |" for name, what in VARIABLES.items())
    yield "\n## Config file\n"
    yield "TOML, `$SUPERQODE_CONFIG` or `~/.superqode/config.toml`. An option comes before a variable, that before the file,"
    yield "the file before the default.\n"
    yield "| key | values | default | option | variables | what |\n|---|---|---|---|---|---|"
    for key in KEYS:
        cells = f"`{key.name}`", key.shown, key.default, key.option, ", ".join(key.variables), key.what
        yield "| " + " | ".join(_cell(cell) for cell in cells) + " |"
    yield "\n## JSON\n"
    yield "With `--json` a command prints one document on stdout; where it fails, an error on stderr. `schemas.json` beside"
    yield "this page, and `superqode schema COMMAND`, have the JSON Schema (2020-12) of each. Fields keep their names and"
    yield "meanings; new ones may come.\n"
    yield "| command | document |\n|---|---|"
    for path, command in commands(main):
        if document_of(command):
            names = re.sub(r"[\w.]+:", "", str(document_of(command)))  # without their modules
            yield f"| `{' '.join(path)}` | {_cell(names)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _command(path: tuple[str, ...], command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=f"superqode {' '.join(path)}")
    yield f"{'#' * min(len(path) + 1, 4)} superqode {' '.join(path)}\n"
    yield f"    {' '.join(command.get_usage(context).removeprefix('Usage: ').split())}\n"
    yield inspect.cleandoc(command.help or "") + "\n"
    if isinstance(command, click.Group):
        yield "| command | what |\n|---|---|"
        yield from (f"| `{name}` | {_cell(short)} |" for name, (_, short) in getattr(command, "table", {}).items())
        yield ""
    arguments = [parameter for parameter in command.params if isinstance(parameter, click.Argument)]
    if arguments:
        yield "| argument | what |\n|---|---|"
        yield from (
            f"| `{_cell(one.make_metavar(context))}` | {_cell(getattr(one, 'help', None) or '')} |" for one in arguments
        )
        yield ""
    yield from _options([option for option in command.params if option.name not in _EVERYWHERE], context)
    told, _, rest = (command.epilog or "").partition("Example:\n")
    if told.strip() or rest:
        yield f"```sh\n{inspect.cleandoc(rest.partition(chr(10) * 2)[0])}\n```\n"
    more = re.split(r"^(?:Environment|Exit codes):$", rest.partition("\n\n")[2], flags=re.MULTILINE)[0].strip("\n")
    if more:
        yield f"```text\n{more}\n```\n"
    if isinstance(command, Command):
        yield f"Exit codes: {', '.join(str(int(code)) for code in command.codes)}.\n"
        if command.see:
            yield "See also: " + ", ".join(f"`superqode {name}`" for name in command.see) + ".\n"


def _options(parameters: list[click.Parameter], context: click.Context | None = None) -> Iterator[str]:
    context = context or click.Context(main)
    records = [one.get_help_record(context) for one in parameters if isinstance(one, click.Option) and not one.hidden]
    if any(records):
        yield "| option | what |\n|---|---|"
        yield from (f"| `{_cell(record[0])}` | {_cell(record[1])} |" for record in records if record)
        yield ""


if __name__ == "__main__":
    (HERE / "COMMANDS.md").write_text(page(), "utf-8")
    (HERE / "schemas.json").write_text(schemas(), "utf-8")
