"""`superqode sync key`: the words that the next machine needs, and a new key."""

from __future__ import annotations

import sys
from typing import Final

import click

from superqode.cli.asking import can_ask, confirm
from superqode.cli.completing import complete_remotes
from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, LazyGroup, examples
from superqode.cli.options import json_option, open_store, store_option, wants_json
from superqode.cli.output import emit, emit_json, note
from superqode.cli.progress import waiting

__all__ = ["key", "keyring_option", "read_words", "rotate", "show", "show_words"]

_HERE: Final = "superqode.cli.sync.key"

_COMMANDS: Final = {
    "show": (f"{_HERE}:show", "Print the key's words, for another machine."),
    "rotate": (f"{_HERE}:rotate", "Make a new key, and seal everything anew."),
}
_IN_A_ROW: Final = 6

keyring_option = click.option(
    "--no-keyring", "keyring", is_flag=True, flag_value=False, default=True, help="Keep the key in a file of the store."
)
_remote_argument = click.argument(
    "remote",
    metavar="[REMOTE]",
    required=False,
    shell_complete=complete_remotes,
    help="A remote that this store is synced with (default: the only one).",
)


def show_words(words: str) -> None:
    """Print the words, numbered, so that people can write them down."""
    parts = words.split()
    for start in range(0, len(parts), _IN_A_ROW):
        row = parts[start : start + _IN_A_ROW]
        emit("  " + "  ".join(f"{start + place:>2} {word:<9}" for place, word in enumerate(row, 1)).rstrip())


def read_words(*, from_stdin: bool) -> str:
    """Ask for the words: on a terminal, else only where they come on standard input."""
    if from_stdin:
        return sys.stdin.read(10_000) if sys.stdin is not None else ""
    if not can_ask():
        raise click.UsageError("there is nobody to ask for the words: add --words-stdin", click.get_current_context())
    return str(click.prompt("The key's 24 words", hide_input=True, err=True))


@click.group(cls=LazyGroup, table=_COMMANDS, epilog=examples("superqode sync key show", "superqode sync key rotate"))
@store_option
def key() -> None:
    """Show the key's words, or make a new key.

    Whoever has the words and can read the remote can read every session. Keep them where you keep passwords:
    without a machine that has the key, and without the words, what is on the remote stays closed.
    """


@click.command(
    "show",
    cls=Command,
    see=("sync join", "sync key rotate"),
    codes=(ExitCode.REMOTE_FAILED, ExitCode.WRONG_PASSWORD, ExitCode.NOT_FOUND),
    epilog=examples("superqode sync key show", "superqode sync key show --json | jq -r .words"),
)
@_remote_argument
@json_option("{words}", "superqode.cli.sync.documents:SyncWords")
@store_option
def show(remote: str | None) -> None:
    """Print the key's words, for another machine."""
    from superqode.session.git.repository import Repository
    from superqode.session.sync.session_sync import find_synced
    from superqode.session.sync.setup import key_words

    with open_store(notice=False) as store:
        words = key_words(store, find_synced(Repository(store.path), remote))
    if wants_json():
        emit_json({"words": words})
        return
    show_words(words)


@click.command(
    "rotate",
    cls=Command,
    see=("sync key show", "sync join"),
    codes=(ExitCode.REMOTE_FAILED, ExitCode.WRONG_PASSWORD, ExitCode.NOT_FOUND),
    epilog=examples("superqode sync key rotate"),
)
@_remote_argument
@keyring_option
@json_option("{words}", "superqode.cli.sync.documents:SyncWords")
@store_option
def rotate(*, remote: str | None, keyring: bool) -> None:
    """Make a new key, and seal everything anew.

    What lay under the old one is deleted. For when the words may have been read by others, or a machine was
    lost. Other machines say that they need the new words; `superqode sync join` takes them. What somebody
    fetched before stays readable with the old ones.
    """
    from superqode.session.sync.setup import rotate as give_new_key

    confirm("Make a new key? Every other machine will ask for its words.", "other machines lose their key")
    with open_store(notice=False) as store, waiting("Sealing everything anew"):
        begun = give_new_key(store, remote, keyring=keyring, interactive=can_ask())
    for told in begun.notices:
        note(told)
    if wants_json():
        emit_json({"words": begun.words})
        return
    note("the new key's words, for `superqode sync join` on your other machines:")
    show_words(begun.words)
