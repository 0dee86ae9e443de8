"""What can be done to a session wherever it stands on the screen: shared, renamed, tagged, deleted."""

from __future__ import annotations

from superqode.session.errors import RemoteError
from superqode.session.store.results import SessionSummary
from superqode.tui.notices import tell, told
from superqode.tui.opened import OpenSession
from superqode.tui.screens.base import StoreScreen
from superqode.tui.screens.dialogs.asking import Ask, Confirm, Field
from superqode.tui.screens.dialogs.sharing import SharedDialog, ShareDialog

__all__ = ["delete_session", "edit_session", "share_session"]


async def share_session(screen: StoreScreen[None], session_id: str, title: str) -> None:
    """Ask how, share, and copy the link; where the remote says no, the share is kept and can be sent again."""
    app = screen.app
    with told(screen):
        dialog = ShareDialog(screen.library, session_id, title, await screen.library.remote())
        config = await app.push_screen_wait(dialog)
        if config is None:
            return
        tell(app, "Sharing…")
        try:
            share = await screen.library.sharing.create_share(session_id, config)
        except RemoteError:
            tell(app, "The share is kept here; Shares (h) can send it again, or revoke it", severity="warning")
            raise
        await app.push_screen_wait(SharedDialog(share))


async def edit_session(screen: StoreScreen[None], opened: OpenSession) -> bool:
    """Ask for title and tags, and save them; says whether something was asked and answered."""
    session = opened.session
    listed = ", ".join(session.tags)
    fields = (Field("Title", session.title), Field("Tags, separated by commas", listed))
    given = await screen.app.push_screen_wait(Ask("Title and tags", fields, accept="Save"))
    if given is None:
        return False
    title, tags = given
    # A tag may hold a comma: the field is only read where it was edited.
    kept = session.tags if tags == listed else dict.fromkeys(tag.strip() for tag in tags.split(",") if tag.strip())
    with told(screen):
        await opened.edit(title, list(kept))
    return True


async def delete_session(screen: StoreScreen[None], summary: SessionSummary | OpenSession) -> bool:
    """Ask, and move a session into the trash; says whether it is there."""
    title = summary.title if isinstance(summary, SessionSummary) else summary.session.title
    question = f"Move “{title or summary.id}” into the trash?\nThe trash (T) brings it back."
    if not await screen.app.push_screen_wait(Confirm("Delete", question, accept="Delete")):
        return False
    deleted = False
    with told(screen):
        deleted = await screen.library.store.delete(summary.id)
        tell(screen.app, "It is in the trash; Operations (U) takes that back" if deleted else "It was gone already")
    return deleted
