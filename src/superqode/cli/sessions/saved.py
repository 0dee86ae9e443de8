"""What commands say of a save they made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from superqode.cli.ops import hint
from superqode.cli.options import wants_json
from superqode.cli.output import emit, emit_json, note
from superqode.cli.text import line

if TYPE_CHECKING:
    from superqode.session.store.results import SaveResult

__all__ = ["tell_save"]


def tell_save(saved: SaveResult, done: str, nothing: str, *, moved: bool = False) -> None:
    """Print what a save did: as JSON, or as `<id> <done>`, or `<id> <nothing>` where there was nothing to save.

    Args:
        saved: the save.
        done: what it did.
        nothing: what is so already.
        moved: whether it is an operation, which can be taken back.
    """
    if wants_json():
        emit_json(saved.to_dict())
        return
    emit(
        f"{line(saved.session_id)} {done} (save {saved.tip[:12]})"
        if saved.commits
        else f"{line(saved.session_id)} {nothing}"
    )
    if saved.notice:
        note(saved.notice)
    if moved and saved.commits:
        hint()
