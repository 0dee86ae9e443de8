"""`list`, `show`, `revoke`, `prune`: shares that are out, and their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from superqode.cli.asking import can_ask, confirm
from superqode.cli.completing import complete_ids
from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, examples
from superqode.cli.ops import hint
from superqode.cli.options import json_option, open_store, resolve, store_option, wants_json
from superqode.cli.output import emit, emit_json, note, table, warn
from superqode.cli.progress import waiting
from superqode.cli.share.asking import password_options, with_password
from superqode.cli.share.options import link_argument, open_sharing, own_argument, remote_option
from superqode.cli.share.telling import SHARE_COLUMNS, SHARE_DOCUMENT, share_lines, share_row, share_values
from superqode.cli.text import count, line

if TYPE_CHECKING:
    from superqode.session import SessionStore
    from superqode.session.sharing.manager import SessionSharingManager
    from superqode.session.sharing.models import SharedSession

__all__ = ["list_", "prune", "revoke", "show"]

_DEFAULT = ""


@click.command(
    "list",
    cls=Command,
    see=("share show", "share create"),
    codes=(ExitCode.REMOTE_FAILED, ExitCode.NOT_FOUND),
    epilog=examples(
        "superqode share list",
        "superqode share list --session @latest --links",
        "superqode share list --remote team",
    ),
)
@click.option("--session", "session_id", metavar="ID", shell_complete=complete_ids, help="Only of this session.")
@click.option(
    "--remote",
    "remote",
    metavar="[NAME|URL]",
    is_flag=False,
    flag_value=_DEFAULT,
    help="A remote's public shares instead of yours (alone: of `remote default`).",
)
@click.option("--all", "everything", is_flag=True, help="Revoked and expired ones too.")
@click.option("--links", is_flag=True, help="Print links, too: whoever reads them can open the shares.")
@json_option(
    "an array of shares as in SharedSession with their state; what opens them only with --links",
    f"{SHARE_DOCUMENT}[]",
)
@store_option
def list_(session_id: str | None, remote: str | None, everything: bool, links: bool) -> None:
    """List shares: yours, or a remote's public ones.

    Revoked and expired ones are left out without --all.
    """
    from superqode.session.git.remotes import remotes_for_shares
    from superqode.session.sharing.manager import SessionSharingManager

    with open_store(create=remote is not None) as store:
        manager = SessionSharingManager(store, remote or None, interactive=can_ask())
        found = _session_id(store, session_id) if session_id else None
        with waiting("Asking the remote"):
            listed = manager.list_shares(found, remote=remote is not None)
        nowhere = remote == _DEFAULT and not remotes_for_shares(store.path)
    shares = [share for share in listed if everything or not (share.is_expired or share.revoked_at)]
    if wants_json():
        emit_json([share_values(share, links=links) for share in shares])
        return
    if nowhere:
        note("no remote is set to share through; `superqode remote add NAME URL` adds one")
        return
    if not shares:
        left_out = f" ({len(listed)} revoked or expired: --all)" if listed else ""
        note(f"there are no shares{left_out}")
        return
    table(SHARE_COLUMNS, [share_row(share) for share in shares])
    if links:
        emit("\n".join(line(share.share_url) for share in shares))


def _session_id(store: SessionStore, given: str) -> str:
    """Resolve an id; a share outlives its session, whose whole id is then taken as it is."""
    from superqode.session.errors import AmbiguousId, SessionNotFound

    try:
        return resolve(store, given)
    except AmbiguousId:
        raise
    except SessionNotFound:
        return given


@click.command(
    "show",
    cls=Command,
    see=("share list", "share open"),
    codes=(ExitCode.REMOTE_FAILED, ExitCode.WRONG_PASSWORD),
    epilog=examples("superqode share show 01hq", "superqode share show 01hq --link | pbcopy"),
)
@link_argument
@password_options
@remote_option
@click.option("--link", "links", is_flag=True, help="Print the link alone: whoever reads it can open the share.")
@json_option(
    "the share as in SharedSession with its state; what opens it only with --link",
    SHARE_DOCUMENT,
)
@store_option
def show(*, link: str, ask: bool, from_stdin: bool, remote: str | None, links: bool) -> None:
    """Tell about a share: of what, for whom, how long.

    LINK is any share's link, or the beginning of the id of one of yours. What opens it is not printed without
    --link, since what is on a screen or in a log is read by others.
    """
    with open_sharing(remote, create=True) as manager:
        share = _own(manager, link) or with_password(
            lambda password: manager.get_share(link, password), ask=ask, from_stdin=from_stdin
        )
    if wants_json():
        emit_json(share_values(share, links=links))
    elif links:
        emit(line(share.share_url))
    else:
        emit("\n".join(share_lines(share)))


def _own(manager: SessionSharingManager, named: str) -> SharedSession | None:
    """One's own share as the ledger has it, which needs no password and knows revoked ones; `None` where it is none."""
    share_id = named.strip().rpartition("#")[2].partition(".")[0]
    found = [share for share in manager.list_shares() if share_id and share.id.startswith(share_id)]
    return found[0] if len(found) == 1 else None


@click.command(
    "revoke",
    cls=Command,
    see=("share prune", "share list"),
    codes=(ExitCode.REMOTE_FAILED,),
    epilog=examples("superqode share revoke 01hq --yes"),
)
@own_argument
@remote_option
@json_option(
    "the share as in SharedSession with its state",
    SHARE_DOCUMENT,
)
@store_option
def revoke(named: str, remote: str | None) -> None:
    """Take a share back, as far as that goes.

    It is deleted on the remote and its link leads nowhere. What somebody fetched before stays with them, and
    the host may keep the bytes for a while. It asks first, and without a terminal it refuses unless --yes is
    given. `superqode ops undo` brings it back, under the same link, as long as the store remembers it.
    """
    with open_sharing(remote) as manager:
        confirm("Delete this share on its remote and here?", "revoking makes its link lead nowhere")
        with waiting("Revoking"):
            share = manager.revoke_share(named)
    if wants_json():
        emit_json(share_values(share, links=False))
        return
    emit(f"Revoked {share.id}")
    note("who fetched it has it still, and the host may keep its bytes for a while; change what must stay secret")
    hint()


@click.command(
    "prune",
    cls=Command,
    see=("share revoke", "share list"),
    codes=(ExitCode.REMOTE_FAILED, ExitCode.NOT_FOUND, ExitCode.PARTLY),
    epilog=examples("superqode share prune", "superqode share prune --all"),
)
@click.option("--all", "all_owners", is_flag=True, help="Expired shares of others on the remote, too.")
@remote_option
@json_option("{pruned: [id, …], failed: {id: reason}}", "superqode.session.sharing.models:PruneResult")
@store_option
@click.pass_context
def prune(ctx: click.Context, all_owners: bool, remote: str | None) -> None:
    """Delete expired shares, here and on the remote.

    Exit code 3 where some could not be deleted.
    """
    with open_sharing(remote) as manager, waiting("Pruning"):
        done = manager.prune(all_owners=all_owners)
    if wants_json():
        emit_json(done.to_dict())
    else:
        for share_id, reason in done.failed.items():
            warn(f"{share_id}: {reason}")
        emit(f"Deleted {count(len(done.pruned), 'expired share')}")
    ctx.exit(ExitCode.PARTLY if done.failed else ExitCode.OK)
