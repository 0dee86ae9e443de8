"""`create`, `update`, `push`: what goes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from superqode.cli import params
from superqode.cli.asking import can_ask
from superqode.cli.common import says_yes
from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, examples
from superqode.cli.options import json_option, open_store, resolve, session_argument, store_option, wants_json
from superqode.cli.output import emit, emit_json, note, warn
from superqode.cli.progress import progress
from superqode.cli.share.asking import NewPassword, new_password, new_password_options
from superqode.cli.share.options import open_sharing, own_argument, own_arguments, remote_option
from superqode.cli.share.telling import SHARE_DOCUMENT, share_values, tell_masked, tell_sent
from superqode.cli.text import count, line

if TYPE_CHECKING:
    from superqode.session.sharing.manager import SessionSharingManager
    from superqode.session.sharing.models import Preparation, ShareConfig, SharedSession

__all__ = ["create", "push", "update"]

_PRIVATE: Final = "private"
_VISIBILITIES: Final = ("public", "unlisted", _PRIVATE)


@click.command(
    "create",
    cls=Command,
    see=("share update", "share revoke", "remote add", "sessions scan"),
    codes=(ExitCode.REMOTE_FAILED,),
    epilog=examples(
        "superqode share create @latest --expires 7d",
        "superqode share create session-123 --visibility private --generate",
        "superqode share create session-123 --visibility public --remote team",
        "superqode share create @latest | pbcopy",
    ),
)
@session_argument
@click.option(
    "--visibility",
    type=click.Choice(_VISIBILITIES),
    default="unlisted",
    show_default=True,
    help="Who may read it: everybody on the remote, who has the link, or who has link and password.",
)
@new_password_options
@click.option("--expires", metavar="AGE", type=params.lifetime, help="How long it lives, such as 7d (default: never).")
@click.option("--fork/--no-fork", "allow_fork", default=True, help="Allow forks, or ask readers not to.")
@click.option(
    "--history/--no-history", default=True, help="Share messages and tool calls, or only what is around them."
)
@remote_option
@click.option("--no-redact", "redact", is_flag=True, default=True, flag_value=False, help="Leave secrets in clear.")
@json_option(
    "the share as in SharedSession with its state, and passphrase where one was made",
    f"{SHARE_DOCUMENT} + superqode.cli.share.documents:Passphrase~",
)
@store_option
def create(
    *,
    session_id: str,
    visibility: str,
    ask: bool,
    from_stdin: bool,
    generate: bool,
    expires: params.Lifetime | None,
    allow_fork: bool,
    history: bool,
    remote: str | None,
    redact: bool,
) -> None:
    """Share a session and print its link.

    Secrets found in it are masked; what and where is said before anything is sent. The link is the last line
    of the output, and the only one on stdout. Where the remote cannot be reached the share waits for
    `share push`. A password is never taken from the command line; --visibility private asks for one.
    """
    from superqode.session.sharing.manager import SessionSharingManager
    from superqode.session.sharing.models import ShareConfig

    with open_store() as store:
        found = resolve(store, session_id)
        wanted = visibility == _PRIVATE or ask or from_stdin or generate
        secret = new_password(ask=ask, from_stdin=from_stdin, generate=generate) if wanted else None
        config = ShareConfig(
            visibility=visibility,
            allow_fork=allow_fork,
            allow_view_history=history,
            expires_in=expires.span if expires else None,
            password=secret.text if secret else None,
            redact=redact,
        )
        manager = SessionSharingManager(store, remote, interactive=can_ask())
        _preview(manager, found, config, redact=redact)
        if secret is not None and secret.generated and not wants_json():
            _tell_passphrase(secret)
        share = _create(manager, found, config)
    if wants_json():
        made = {"passphrase": secret.text} if secret is not None and secret.generated else {}
        emit_json(share_values(share, links=True) | made)
        return
    tell_sent(share)
    emit(line(share.share_url))


def _create(manager: SessionSharingManager, session_id: str, config: ShareConfig) -> SharedSession:
    """Share; where the remote says no, name the share that is kept here for another try."""
    from superqode.session.errors import RemoteError

    known = {share.id for share in manager.list_shares(session_id)}
    try:
        with progress("Sharing") as drawn:
            return manager.create_share(session_id, config, progress=drawn)
    except RemoteError:
        kept = [share.id for share in manager.list_shares(session_id) if share.id not in known]
        if kept and not wants_json():
            again, drop = f"superqode share push {kept[0]}", f"superqode share revoke {kept[0]}"
            note(f"the share is kept here: `{again}` tries again, `{drop}` forgets it")
        raise


def _preview(manager: SessionSharingManager, session_id: str, config: ShareConfig, *, redact: bool) -> None:
    """Say what is masked before it leaves; where nothing is to be masked, have that confirmed."""
    from dataclasses import replace

    with progress("Looking for secrets") as drawn:
        prepared = manager.preview(session_id, replace(config, redact=True), progress=drawn)
    if not wants_json():
        tell_masked(prepared, redact=redact)
    if not redact and not says_yes():
        _confirm_clear(prepared)


def _confirm_clear(prepared: Preparation) -> None:
    if not can_ask():
        raise click.UsageError("--no-redact sends secrets in clear, and there is nobody to ask: add --yes")
    secrets = count(len(prepared.masked), "known secret") if prepared.masked else "what no rule knows"
    typed = click.prompt(f"Type yes to share it with {secrets} in clear", default="no", show_default=False, err=True)
    if typed.strip().lower() != "yes":
        raise click.Abort


def _tell_passphrase(secret: NewPassword) -> None:
    from superqode.cli.share.passphrase import BITS

    # Before it is sent: nobody could open a share that went out and whose passphrase was never seen.
    warn(f"passphrase ({BITS} random bits, not kept anywhere): {secret.text}")
    note("send it another way than the link")


@click.command(
    "update",
    cls=Command,
    see=("share create", "share show"),
    codes=(ExitCode.REMOTE_FAILED,),
    epilog=examples("superqode share update 01hq", "superqode share update 01hq --expires never --no-fork"),
)
@own_argument
@click.option("--expires", metavar="AGE", type=params.lifetime, help="From now on it lives this long, or `never` ends.")
@click.option("--fork/--no-fork", "allow_fork", default=None, help="Allow forks, or ask readers not to.")
@remote_option
@json_option(
    "the share as in SharedSession with its state, without what opens it",
    SHARE_DOCUMENT,
)
@store_option
def update(named: str, expires: params.Lifetime | None, allow_fork: bool | None, remote: str | None) -> None:
    """Bring a share up to date, or change its terms.

    What the session has become is sent under the same link; only what is new travels.
    """
    terms: dict[str, Any] = {} if expires is None else {"expires_in": expires.span}
    with open_sharing(remote) as manager, progress("Updating") as drawn:
        share = manager.update_share(named, allow_fork=allow_fork, progress=drawn, **terms)
    if wants_json():
        emit_json(share_values(share, links=False))
        return
    tell_sent(share)
    emit(f"{share.id} is at update {share.generation}")


@click.command(
    "push",
    cls=Command,
    see=("share list", "remote add"),
    codes=(ExitCode.REMOTE_FAILED,),
    epilog=examples("superqode share push", "superqode share push 01hq --remote team"),
)
@own_arguments
@remote_option
@json_option(
    "an array of the shares that were sent, as in SharedSession with their state",
    f"{SHARE_DOCUMENT}[]",
)
@store_option
def push(named: Sequence[str], remote: str | None) -> None:
    """Send shares that wait.

    Without a SHARE: all of them.
    """
    with open_sharing(remote) as manager, progress("Sending") as drawn:
        sent = manager.push_shares(named, progress=drawn)
    if wants_json():
        emit_json([share_values(share, links=False) for share in sent])
        return
    for share in sent:
        emit(f"{share.id} is at {line(share.remote)}")
    if not sent:
        note("no share waits")
