"""`superqode share passwords`: who else may open a share."""

from __future__ import annotations

from typing import Final

import click

from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, LazyGroup, examples
from superqode.cli.options import json_option, store_option, wants_json
from superqode.cli.output import Column, emit, emit_json, note, table, warn
from superqode.cli.share.asking import new_password, new_password_options
from superqode.cli.share.options import open_sharing, own_argument, remote_option

__all__ = ["add", "list_", "passwords", "remove"]

_HERE: Final = "superqode.cli.share.passwords"

_COMMANDS: Final = {
    "list": (f"{_HERE}:list_", "List the passwords of a share, not what they are."),
    "add": (f"{_HERE}:add", "Give a share one more password."),
    "remove": (f"{_HERE}:remove", "Take one password of a share away."),
}
_COLUMNS: Final = (Column("NUMBER", right=True), Column("KIND"), Column("LABEL", flexible=True))


@click.group(cls=LazyGroup, table=_COMMANDS, epilog=examples("superqode share passwords list 01hq"))
@store_option
def passwords() -> None:
    """List, add and remove a share's passwords.

    Each password opens the share by itself, together with the link. Removing one keeps out who has not
    opened the share yet; who has could have kept its key, so for a clean cut revoke it and make another.
    """


@click.command(
    "list",
    cls=Command,
    see=("share passwords add", "share passwords remove"),
    epilog=examples("superqode share passwords list 01hq"),
)
@own_argument
@json_option("an array of {number, kind, label}", "superqode.session.sharing.models:PasswordSlot[]")
@store_option
def list_(named: str) -> None:
    """List the passwords of a share, not what they are."""
    with open_sharing() as manager:
        slots = manager.passwords(named)
    if wants_json():
        emit_json([slot.to_dict() for slot in slots])
    elif slots:
        table(_COLUMNS, [(slot.number, slot.kind, slot.label) for slot in slots])
    else:
        note("it has none: it is public")


@click.command(
    "add",
    cls=Command,
    see=("share passwords list", "share create"),
    codes=(ExitCode.REMOTE_FAILED,),
    epilog=examples(
        "superqode share passwords add 01hq --label reviewers --generate", "superqode share passwords add 01hq"
    ),
)
@own_argument
@new_password_options
@click.option("--label", default="", help="What you call it; kept in this store only.")
@remote_option
@json_option(
    "{number, kind, label}, and passphrase where one was made",
    "superqode.session.sharing.models:PasswordSlot + superqode.cli.share.documents:Passphrase~",
)
@store_option
def add(*, named: str, ask: bool, from_stdin: bool, generate: bool, label: str, remote: str | None) -> None:
    """Give a share one more password.

    Asks for it, unless another way to give it is named.
    """
    secret = new_password(ask=ask, from_stdin=from_stdin, generate=generate)
    with open_sharing(remote) as manager:
        slot = manager.add_password(named, secret.text, label)
    if wants_json():
        emit_json(slot.to_dict() | ({"passphrase": secret.text} if secret.generated else {}))
        return
    emit(f"Added password {slot.number}")
    if secret.generated:
        warn(f"passphrase, not kept anywhere: {secret.text}")


@click.command(
    "remove",
    cls=Command,
    see=("share passwords list", "share revoke"),
    codes=(ExitCode.REMOTE_FAILED,),
    epilog=examples("superqode share passwords remove 01hq 1"),
)
@own_argument
@click.argument(
    "number", metavar="NUMBER", type=click.IntRange(min=0), help="Which one, as `passwords list` numbers them."
)
@remote_option
@json_option("{removed}", "superqode.cli.share.documents:PasswordRemoved")
@store_option
def remove(named: str, number: int, remote: str | None) -> None:
    """Take one password of a share away."""
    with open_sharing(remote) as manager:
        manager.remove_password(named, number)
    if wants_json():
        emit_json({"removed": number})
        return
    emit(f"Removed password {number}")
    note("who has opened the share with it could have kept its key; revoke the share and make another for a clean cut")
