"""`superqode schema`: the JSON Schema of what a command prints with `--json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import click

from superqode.cli.lazy import Command, examples
from superqode.cli.options import store_option
from superqode.cli.output import emit, emit_json

__all__ = ["schema"]

_ERROR = "error"


def _complete(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    from superqode.cli.schemas import commands, document_of

    given = tuple(ctx.params.get("words") or ())
    root = cast("click.Group", ctx.find_root().command)
    paths = [path for path, command in commands(root) if document_of(command)]
    following = {path[len(given)] for path in paths if len(path) > len(given) and path[: len(given)] == given}
    return sorted(word for word in following if word.startswith(incomplete))


@click.command(
    "schema",
    cls=Command,
    see=("sessions list",),
    storeless=True,
    epilog=examples(
        "superqode schema", "superqode schema sessions list", "superqode schema error > superqode-error.schema.json"
    ),
)
@click.argument(
    "words",
    metavar="[COMMAND]...",
    nargs=-1,
    shell_complete=_complete,
    help="A command, such as sessions list; error for what is printed where one fails.",
)
@store_option
@click.pass_context
def schema(ctx: click.Context, words: Sequence[str]) -> None:
    """Print the JSON Schema of what a command prints with --json.

    Without a COMMAND: the commands that have one. A field keeps its name and meaning; new ones may come, so
    readers pass over what they do not know.
    """
    from superqode.cli import schemas

    root = cast("click.Group", ctx.find_root().command)
    known = {path: document for path, command in schemas.commands(root) if (document := schemas.document_of(command))}
    if not words:
        emit("\n".join([*(" ".join(path) for path in known), _ERROR]))
        return
    document = schemas.ERROR if tuple(words) == (_ERROR,) else known.get(tuple(words))
    if document is None:
        from difflib import get_close_matches

        near = get_close_matches(" ".join(words), [" ".join(path) for path in known], 1)
        guess = f"; did you mean {near[0]}?" if near else "; `superqode schema` lists those that have one"
        raise click.UsageError(f"no command {' '.join(words)!r} has JSON output{guess}", ctx)
    emit_json(schemas.schema(document, f"superqode {' '.join(words)}"))
