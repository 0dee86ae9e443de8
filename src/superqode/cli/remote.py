"""`superqode remote`: where shares travel to; the store keeps them as ordinary Git remotes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from superqode.cli.completing import complete_remotes
from superqode.cli.lazy import Command, LazyGroup, examples
from superqode.cli.options import json_option, open_store, store_option, wants_json
from superqode.cli.output import Column, emit, emit_json, note, table
from superqode.cli.text import line

if TYPE_CHECKING:
    from pathlib import Path

    from superqode.session.git.remotes import RemoteInfo

__all__ = ["add", "default", "list_", "remote", "remove"]

_COMMANDS: Final = {
    "add": ("superqode.cli.remote:add", "Name a Git remote to share through."),
    "list": ("superqode.cli.remote:list_", "List the remotes this store knows."),
    "remove": ("superqode.cli.remote:remove", "Forget a remote; nothing is deleted there."),
    "default": ("superqode.cli.remote:default", "Show or choose the remote that is used when none is named."),
}
_COLUMNS: Final = (Column("NAME", style="cyan"), Column("URL", flexible=True), Column("DEFAULT"))


@click.group(
    cls=LazyGroup,
    table=_COMMANDS,
    epilog=examples(
        "superqode remote add team git@github.com:team/shares.git",
        "superqode remote add team https://git.example/team/shares.git",
        "superqode remote add server ssh://me@server.example:2222/srv/shares.git",
        "superqode remote add folder /mnt/team/shares.git",
        "superqode remote default team",
    ),
)
@store_option
def remote() -> None:
    """Say where shares travel to.

    Any Git repository will do that you and your readers can reach; one for shares alone is best. On a host
    such as GitHub make a private repository; in a shared folder, `git init --bare /mnt/team/shares.git`. Git
    itself connects, with your own keys and credential helpers; keep passwords out of URLs.
    """


@contextmanager
def _store_folder(*, make: bool = False) -> Iterator[Path]:
    """The store's folder; with `make`, also where nothing was saved yet."""
    from superqode.session.git.repository import Repository, is_store
    from superqode.session.store.hooks import install_hooks

    with open_store(create=make) as store:
        if make and not is_store(store.path):
            Repository.create(store.path, finish=install_hooks)
        yield store.path


def _known(path: Path) -> list[RemoteInfo]:
    from superqode.session.git.remotes import list_remotes
    from superqode.session.git.repository import is_store

    return list_remotes(path) if is_store(path) else []


def _plain(found: RemoteInfo) -> dict[str, Any]:
    """A remote as JSON values: never with credentials."""
    return {"name": found.name, "url": found.shown, "default": found.default}


@click.command(
    "add",
    cls=Command,
    see=("remote list", "remote default", "share create"),
    epilog=examples(
        "superqode remote add team git@github.com:team/shares.git",
        "superqode remote add folder /mnt/team/shares.git --default",
    ),
)
@click.argument("name", metavar="NAME", help="What you call it: letters, digits, dots, dashes, underscores.")
@click.argument("url", metavar="URL", help="https://…, ssh://…, git://…, file://…, user@host:path, or a folder.")
@click.option("--default", "chosen", is_flag=True, help="Use it when no remote is named; the first one is anyway.")
@json_option("{name, url, default}", "RemoteShown")
@store_option
def add(name: str, url: str, chosen: bool) -> None:
    """Name a Git remote to share through.

    URL is https://…, ssh://…, git://…, file://…, user@host:path, or a folder. Nothing is sent yet.
    """
    from superqode.session.git.remotes import add_remote

    with _store_folder(make=True) as path:
        added = add_remote(path, name, url, default=chosen)
        known = _known(path)
    if wants_json():
        emit_json(_plain(added))
        return
    emit(f"Added {line(added.name)}: {line(added.shown)}{' (default)' if added.default else ''}")
    if not added.default:
        stays = next((f"{line(one.name)} stays the default" for one in known if one.default), "none is the default yet")
        note(f"{stays}; `superqode remote default {line(added.name)}` makes this one it")
    if added.url != added.shown:
        note("the URL holds credentials, which stand in the store's config in clear; a credential helper is safer")


@click.command(
    "list",
    cls=Command,
    see=("remote add", "doctor"),
    epilog=examples("superqode remote list", "superqode remote list --json"),
)
@json_option("an array of {name, url, default}; URLs without credentials", "RemoteShown[]")
@store_option
def list_() -> None:
    """List the remotes this store knows."""
    with _store_folder() as path:
        found = _known(path)
    if wants_json():
        emit_json([_plain(one) for one in found])
    elif found:
        table(_COLUMNS, [(one.name, one.shown, "default" if one.default else "") for one in found])
    else:
        note("there are none; `superqode remote add NAME URL` adds one")


@click.command(
    "remove", cls=Command, see=("remote list", "share revoke"), epilog=examples("superqode remote remove team")
)
@click.argument("name", metavar="NAME", shell_complete=complete_remotes, help="A remote of this store.")
@json_option("{removed}", "RemoteRemoved")
@store_option
def remove(name: str) -> None:
    """Forget a remote; nothing is deleted there.

    Shares on it stay; revoke them first, where they are to go.
    """
    from superqode.session.errors import NoDefaultRemote
    from superqode.session.git.remotes import remotes_for_shares, remove_remote

    with _store_folder() as path:
        _named(path, name)
        remove_remote(path, name)
        left = remotes_for_shares(path)
    if wants_json():
        emit_json({"removed": name})
        return
    emit(f"Removed {line(name)}; what is there stays there")
    if left and not any(one.default for one in left):
        note(f"{NoDefaultRemote([one.name for one in left]).reason}; `superqode remote default NAME` chooses one")


@click.command(
    "default",
    cls=Command,
    see=("remote list", "remote add"),
    epilog=examples("superqode remote default", "superqode remote default team"),
)
@click.argument(
    "name",
    metavar="[NAME]",
    required=False,
    shell_complete=complete_remotes,
    help="The remote to use from now on; without it, the present one is shown.",
)
@json_option("{name, url, default}, or null where there is none", "RemoteShown?")
@store_option
def default(name: str | None) -> None:
    """Show or choose the remote that is used when none is named.

    An only remote is the default without being chosen, and stays it when another is added.
    """
    from superqode.session.git.remotes import set_default

    with _store_folder() as path:
        if name is not None:
            _named(path, name)
            set_default(path, name)
        chosen = next((one for one in _known(path) if one.default), None)
    if wants_json():
        emit_json(_plain(chosen) if chosen else None)
    elif chosen:
        emit(f"{line(chosen.name)}: {line(chosen.shown)}")
    else:
        note("there is none; `superqode remote default NAME` chooses one")


def _named(path: Path, name: str) -> None:
    """See that a remote of this name is known, also where there is no store yet; raises RemoteNotFound."""
    from superqode.session.errors import RemoteNotFound

    known = [one.name for one in _known(path)]
    if name not in known:
        from superqode.session.git.remote_urls import clean_url

        raise RemoteNotFound(clean_url(name)[:200], known)
