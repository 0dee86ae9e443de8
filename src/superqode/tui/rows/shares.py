"""Shares as lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from superqode.cli.share.telling import state, who_reads
from superqode.cli.times import local
from superqode.session.sharing.models import SharedSession
from superqode.tui.lines import Line, Piece, piece, title_piece

__all__ = ["share_row"]

_ID_SHOWN: Final = 8
_STATES: Final = {"live": "ok", "waits": "warn"}


def share_row(share: SharedSession) -> Sequence[Line]:
    """A share in two lines: title and state; id, readers, where, until when."""
    now = state(share)
    until = f"until {local(share.expires_at)}" if share.expires_at else "for ever"
    told = f"{share.id[:_ID_SHOWN]}  {who_reads(share)}  {until}  {share.remote or 'this store only'}"
    return (
        Line((title_piece(share.title, share.session_id),), (Piece(now, _STATES.get(now, "dim")),)),
        Line((Piece("  "), piece(told, "dim"))),
    )
