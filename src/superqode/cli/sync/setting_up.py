"""`init`, `join`, `leave`, `status`: with whom this store is synced."""

from __future__ import annotations

import click

from superqode.cli.asking import can_ask, confirm
from superqode.cli.completing import complete_remotes
from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, examples
from superqode.cli.options import json_option, open_store, store_option, wants_json
from superqode.cli.output import Column, emit, emit_json, note, table
from superqode.cli.progress import waiting
from superqode.cli.sync.key import keyring_option, read_words, show_words
from superqode.cli.text import line
from superqode.cli.times import ago

__all__ = ["init", "join", "leave", "status"]

_COLUMNS = (
    Column("REMOTE", style="cyan"),
    Column("URL", flexible=True),
    Column("MODE"),
    Column("KEY"),
    Column("LAST SYNC"),
    Column("WAITING", right=True),
)

_remote_argument = click.argument(
    "remote",
    metavar="REMOTE",
    shell_complete=complete_remotes,
    help="A remote's name, or https://…, ssh://…, user@host:path, or a folder; without a name it is called sync.",
)


@click.command(
    "init",
    cls=Command,
    see=("sync join", "sync key show"),
    codes=(ExitCode.REMOTE_FAILED,),
    epilog=examples(
        "superqode sync init git@github.com:me/sessions.git",
        "superqode sync init /mnt/backup/sessions.git",
        "superqode sync init ssh://home.example/srv/sessions.git --plain",
    ),
)
@_remote_argument
@click.option("--plain", is_flag=True, help="In clear, so that `git log` works there: for a remote of yours alone.")
@click.option("--again", is_flag=True, help="Begin although there is a sync already, here or on the remote.")
@keyring_option
@json_option(
    "{remote, mode}, and words where it has a key",
    "superqode.cli.sync.documents:SyncBegun + superqode.cli.sync.documents:SyncWords~",
)
@store_option
def init(*, remote: str, plain: bool, again: bool, keyring: bool) -> None:
    """Begin with a remote, on the first machine.

    Nothing is sent before `superqode sync`. The remote is any Git repository, empty or not. The key's 24 words
    are printed once: they are all that the next machine needs, and all that anybody needs. The key goes into
    the system's keyring where the package `keyring` is installed and has one, else into a file in the store
    that only you may read.
    """
    from superqode.session.sync.setup import begin

    if plain:
        confirm(
            f"Everybody who can read {line(remote)} will read every session, with whatever secrets were said. Go on?",
            "sessions would lie there in clear",
        )
    with open_store(create=True, notice=False) as store, waiting("Asking the remote"):
        begun = begin(store, remote, plain=plain, again=again, keyring=keyring, interactive=can_ask())
    if wants_json():
        mode = {"remote": begun.remote, "mode": "plain" if plain else "sealed"}
        emit_json(mode if plain else mode | {"words": begun.words})
        return
    if plain:
        emit(f"Set up {line(begun.remote)}, in clear; `superqode sync` begins")
        return
    emit(f"Set up {line(begun.remote)}; `superqode sync` begins. The words of its key:")
    show_words(begun.words)
    note("write them down: whoever has them and the remote can read everything, and without them nobody can")


@click.command(
    "join",
    cls=Command,
    see=("sync init", "sync key show"),
    codes=(ExitCode.REMOTE_FAILED, ExitCode.WRONG_PASSWORD),
    epilog=examples(
        "superqode sync join git@github.com:me/sessions.git",
        "cat words | superqode sync join git@github.com:me/sessions.git --words-stdin",
    ),
)
@_remote_argument
@click.option("--words-stdin", "from_stdin", is_flag=True, help="Read the words from standard input.")
@keyring_option
@json_option("{remote, mode}", "superqode.cli.sync.documents:SyncBegun")
@store_option
def join(*, remote: str, from_stdin: bool, keyring: bool) -> None:
    """Join from another machine, with the key's words.

    Nothing is taken before `superqode sync`. On the first machine `superqode sync key show` prints the words.
    They are asked for, never given on the command line. A plain remote has no key: use `sync init --plain` on
    each machine.
    """
    from superqode.session.sync.setup import join as join_sync

    words = read_words(from_stdin=from_stdin)
    with open_store(create=True, notice=False) as store, waiting("Asking the remote"):
        begun = join_sync(store, remote, words, keyring=keyring, interactive=can_ask())
    if wants_json():
        emit_json({"remote": begun.remote, "mode": "sealed"})
        return
    emit(f"Joined {line(begun.remote)}; `superqode sync` brings everything here")


@click.command(
    "leave",
    cls=Command,
    see=("sync status", "remote remove"),
    epilog=examples("superqode sync leave home --yes"),
)
@click.argument("remote", metavar="REMOTE", shell_complete=complete_remotes, help="A remote that is synced with.")
@json_option("{left}", "superqode.cli.sync.documents:SyncLeft")
@store_option
def leave(remote: str) -> None:
    """Sync no more with a remote; nothing is deleted.

    What lies there stays, and so does everything here; this machine forgets the key.
    """
    from superqode.session.git.repository import Repository
    from superqode.session.sync.session_sync import find_synced
    from superqode.session.sync.setup import leave as leave_sync

    confirm("Forget this machine's key? Its words bring it back.", "the key is forgotten here")
    with open_store(notice=False) as store:
        target = find_synced(Repository(store.path), remote)
        leave_sync(store, target)
    if wants_json():
        emit_json({"left": target.name})
        return
    emit(f"Left {line(target.name)}; what is there stays there")


@click.command(
    "status",
    cls=Command,
    see=("sync run", "sync init"),
    epilog=examples("superqode sync status", "superqode sync status --json"),
)
@json_option("an array of what is known, as in SyncStatus", "superqode.session.sync.results:SyncStatus[]")
@store_option
def status() -> None:
    """Show how this store stands with its remotes.

    Nobody is asked: what others pushed since is not counted.
    """
    from superqode.session.git.repository import is_store
    from superqode.session.sync.session_sync import synced_remotes
    from superqode.session.sync.setup import status as state_of

    with open_store(notice=False) as store:
        found = [state_of(store, remote) for remote in synced_remotes(store.path)] if is_store(store.path) else []
    if wants_json():
        emit_json([one.to_dict() for one in found])
        return
    if not found:
        note("this store is synced with nothing; `superqode sync init REMOTE` begins")
        return
    rows = [
        (one.remote, one.url, one.mode, one.key, ago(one.synced_at) if one.synced_at else "never", f"{one.waiting:,}")
        for one in found
    ]
    table(_COLUMNS, rows)
