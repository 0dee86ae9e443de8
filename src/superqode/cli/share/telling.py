"""What is printed of a share, and what is kept back: what opens it, unless it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from superqode.cli.options import open_store
from superqode.cli.output import Column, note
from superqode.cli.text import count, line
from superqode.cli.times import local

if TYPE_CHECKING:
    from superqode.session.sharing.models import Preparation, SharedSession
    from superqode.session.store.results import SecretPlace

__all__ = [
    "PLACE_COLUMNS",
    "SHARE_COLUMNS",
    "SHARE_DOCUMENT",
    "place_row",
    "share_lines",
    "share_row",
    "share_values",
    "state",
    "tell_masked",
    "tell_sent",
    "who_reads",
]

SHARE_DOCUMENT: Final = "superqode.session.sharing.models:SharedSession + superqode.cli.share.documents:ShareState"
"""What `share_values` gives, as `superqode.cli.schemas` reads it."""
SHARE_COLUMNS: Final = (
    Column("ID", style="cyan"),
    Column("SESSION", flexible=True, spare=1),
    Column("TITLE", flexible=True),
    Column("READERS"),
    Column("EXPIRES"),
    Column("STATE"),
)
PLACE_COLUMNS: Final = (
    Column("SESSION", style="cyan"),
    Column("RULE"),
    Column("WHERE", flexible=True),
    Column("SINCE", style="dim"),
    Column("TIMES", right=True),
    Column("MARK", style="dim"),
)

_SHOWN: Final = 20
_COMMIT_SHOWN: Final = 12


def state(share: SharedSession) -> str:
    """What a share is up to: `revoked`, `expired`, `waits` (for `share push`) or `live`."""
    if share.revoked_at is not None:
        return "revoked"
    if share.is_expired:
        return "expired"
    return "waits" if share.pending else "live"


def who_reads(share: SharedSession) -> str:
    """Who can open a share, in a word or two."""
    if not share.sealed:
        return "public"
    return "link + password" if share.has_password else "link"


def share_values(share: SharedSession, *, links: bool) -> dict[str, Any]:
    """Give a share as plain JSON values, with its `state`.

    Without `links`, token and URL of an encrypted share are null: listings end up in logs and on screens, and
    whoever reads a link there can open the share.
    """
    values = {**share.to_dict(), "state": state(share)}
    if share.sealed and not links:
        values |= {"share_token": None, "share_url": None}
    return values


def share_row(share: SharedSession) -> tuple[object, ...]:
    """Give the cells of `SHARE_COLUMNS`."""
    expires = local(share.expires_at) if share.expires_at else "never"
    return share.id, share.session_id, share.title, who_reads(share), expires, state(share)


def share_lines(share: SharedSession) -> list[str]:
    """Give a share as lines for people, without what opens it."""
    told = [
        ("share", share.id),
        ("session", f"{share.session_id}  {share.title}"),
        ("readers", who_reads(share)),
        ("state", state(share)),
        ("created", local(share.created_at) + (f" by {share.created_by}" if share.created_by else "")),
        ("updated", f"{local(share.updated_at)} (update {share.generation})"),
        ("expires", local(share.expires_at) if share.expires_at else "never"),
        ("forks", "allowed" if share.allow_fork else "not allowed"),
        ("history", "in it" if share.allow_view_history else "left out"),
        ("remote", share.remote or "none: in this store only"),
        ("ref", share.remote_ref),
    ]
    return [f"{name + ':':<9} {line(value)}" for name, value in told if value]


def place_row(place: SecretPlace) -> tuple[object, ...]:
    """Give the cells of `PLACE_COLUMNS`."""
    return place.session_id, place.rule, _where(place), place.commit[:_COMMIT_SHOWN], place.count, place.mark


def _where(place: SecretPlace) -> str:
    return f"{place.where} {place.position}" if place.position >= 0 else place.where


def tell_masked(prepared: Preparation, *, redact: bool) -> None:
    """Say on stderr what is masked, and where; or what is not, where it is to stay."""
    places = prepared.masked
    if not places:
        note("no secrets were found in it (what no rule knows is not found)")
        return
    what = f"{count(_distinct(places), 'secret')} in {count(sum(place.count for place in places), 'place')}"
    note(f"{what}, {'masked' if redact else 'LEFT IN CLEAR'}:")
    for place in places[:_SHOWN]:
        times = f" ({place.count} times)" if place.count > 1 else ""
        note(f"  {place.rule} in {_where(place)}, since save {place.commit[:_COMMIT_SHOWN]}{times}")
    if len(places) > _SHOWN:
        note(f"  … and {len(places) - _SHOWN} more (`superqode sessions scan {prepared.session_id}` lists all)")


def _distinct(places: Sequence[SecretPlace]) -> int:
    return len({(place.rule, place.mark) for place in places})


def tell_sent(share: SharedSession) -> None:
    """Say on stderr whether a share is out, or why it is not, and who can read it."""
    if share.pending and not share.remote:
        note(_why_here())
    elif share.pending:
        note(f"{share.remote} could not be reached: it waits here until `superqode share push`")
    elif share.remote:
        note(f"sent to {share.remote}")
    if not share.sealed:
        where = share.remote or "this store"
        note(f"public: everybody who can read {where} can read it, and find it")


def _why_here() -> str:
    """Why a share is for no remote."""
    from superqode.session.errors import NoDefaultRemote
    from superqode.session.git.remotes import remotes_for_shares

    with open_store(notice=False) as store:
        known = remotes_for_shares(store.path)
    if any(remote.default for remote in known):
        return "it is in this store only until `superqode share push`"
    if not known:
        reason, remedy = "no remote is set to share through", "remote add NAME URL"
    else:
        reason, remedy = NoDefaultRemote([remote.name for remote in known]).reason, "remote default NAME"
    return f"{reason}, so it is in this store only; `superqode {remedy}`, then `share push`"
