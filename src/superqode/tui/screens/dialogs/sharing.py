"""The share dialog: who may read, how long, a password, and what will be masked; then the link."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import ClassVar, Final

from textual import work
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Label, Select

from superqode.cli.share.passphrase import new_passphrase
from superqode.cli.share.telling import who_reads
from superqode.cli.text import count
from superqode.session.errors import InvalidShareConfig
from superqode.session.sharing.models import Preparation, ShareConfig, SharedSession, ShareVisibility
from superqode.session.store.results import SecretPlace
from superqode.tui.library import Library
from superqode.tui.lines import Line, Piece, piece
from superqode.tui.notices import tell, told
from superqode.tui.screens.dialogs.dialog import Dialog
from superqode.tui.widgets.lines_view import LinesView

__all__ = ["ShareDialog", "SharedDialog"]

_READERS: Final = (
    ("who has the link (encrypted)", ShareVisibility.UNLISTED),
    ("who has link and password (encrypted)", ShareVisibility.PRIVATE),
    ("everybody on the remote (in clear)", ShareVisibility.PUBLIC),
)
_LIVES: Final = (
    ("for ever", None),
    ("for an hour", timedelta(hours=1)),
    ("for a day", timedelta(days=1)),
    ("for 7 days", timedelta(days=7)),
    ("for 30 days", timedelta(days=30)),
)
_FOR_EVER: Final = "0"
_WHO: Final = {
    "public": "Everybody who can read the remote can read the session",
    "link": "Who has it can read the session",
    "link + password": "Who has it and the password, which is kept nowhere, can read the session",
}


class ShareDialog(Dialog[ShareConfig]):
    """Asks how to share a session, and says what would be masked before anything leaves.

    Args:
        library: the store.
        session_id: the session.
        title: its title.
        goes_to: the remote it goes to; empty where there is none.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+g", "generate", "Make a passphrase")]
    DEFAULT_CSS = """
    ShareDialog #what { height: 1; padding: 0; background: $surface; }
    ShareDialog #masked { height: auto; max-height: 6; margin-top: 1; background: $background; padding: 0 1; }
    ShareDialog Checkbox { background: $surface; border: none; padding: 0; &.first { margin-top: 1; } }
    """

    def __init__(self, library: Library, session_id: str, title: str, goes_to: str) -> None:
        super().__init__("Share", accept="Share")
        self._library = library
        self._session_id = session_id
        self._named = title or session_id
        self._goes_to = goes_to

    def fields(self) -> Iterator[Widget]:
        """Give readers, lifetime, password, terms, and what will be masked."""
        where = f"to {self._goes_to}" if self._goes_to else "in this store only: no remote chosen"
        yield LinesView([Line((piece(self._named, "title", 120),), (piece(where, "dim", 40),))], id="what")
        yield self.label("Readers")
        yield Select(_READERS, value=ShareVisibility.UNLISTED, allow_blank=False, id="readers", compact=True)
        yield self.label("It lives")
        lives = [(name, str(int(span.total_seconds())) if span else _FOR_EVER) for name, span in _LIVES]
        yield Select(lives, value=_FOR_EVER, allow_blank=False, id="lives", compact=True)
        yield self.label("Password (ctrl+g makes one)")
        yield Input(password=True, placeholder="none", id="password", compact=True)
        yield Checkbox("Readers may fork it", value=True, id="forks", classes="first", compact=True)
        yield Checkbox("With messages and tool calls", value=True, id="history", compact=True)
        yield LinesView([Line((Piece("Looking for secrets…", "dim"),))], id="masked")

    def on_mount(self) -> None:
        """Look for secrets at once."""
        self._look()

    @work(exclusive=True)
    async def _look(self) -> None:
        with told(self):
            prepared = await self._library.sharing.preview(self._session_id)
            lines = _masked_lines(prepared)
            view = self.query_one("#masked", LinesView)
            view.styles.height = min(len(lines), 6)
            view.show(lines)

    def action_generate(self) -> None:
        """Put a passphrase in, in clear, so that it can be written down."""
        field = self.query_one("#password", Input)
        field.password = False
        field.value = new_passphrase()

    def answer(self) -> ShareConfig | None:
        """How to share; `None` where it makes no sense, which is said."""
        span = int(str(self.query_one("#lives", Select).value))
        try:
            return ShareConfig(
                visibility=str(self.query_one("#readers", Select).value),
                allow_fork=self.query_one("#forks", Checkbox).value,
                allow_view_history=self.query_one("#history", Checkbox).value,
                expires_in=timedelta(seconds=span) if span else None,
                password=self.query_one("#password", Input).value or None,
            )
        except InvalidShareConfig as problem:
            tell(self.app, str(problem), severity="error")
            self.query_one("#password", Input).focus()
            return None


def _masked_lines(prepared: Preparation) -> list[Line]:
    places = prepared.masked
    sent = count(prepared.commits, "save")
    if not places:
        return [Line((Piece(f"{sent}; no secrets found (what no rule knows is not found)", "ok"),))]
    total = sum(place.count for place in places)
    head = Line((Piece(f"{sent}; masked: {count(total, 'secret')}", "warn"),))
    return [head, *(_masked_line(place) for place in places)]


def _masked_line(place: SecretPlace) -> Line:
    times = f", {place.count} times" if place.count > 1 else ""
    where = _where(place.where, place.position) + times
    return Line((Piece("  "), piece(place.rule, "warn", 60), Piece("  "), piece(where, "dim")))


def _where(where: str, position: int) -> str:
    return f"{where} {position + 1}" if position >= 0 else where


class SharedDialog(Dialog[bool]):
    """Says that a session is shared, and copies the link; Enter copies it again.

    Args:
        share: the share.
    """

    DEFAULT_CSS = "SharedDialog Label { margin-top: 1; }"

    def __init__(self, share: SharedSession) -> None:
        super().__init__("Shared", accept="Copy the link")
        self._share = share

    def fields(self) -> Iterator[Widget]:
        """Give the link, and who can read it."""
        yield Label(self._share.share_url, markup=False, id="link")
        waits = "  It waits here until it is sent again." if self._share.pending and self._share.remote else ""
        told = f"The link is copied. {_WHO[who_reads(self._share)]}.{waits}"
        yield Label(told, markup=False, classes="label")

    def on_mount(self) -> None:
        """Copy the link at once."""
        self.app.copy_to_clipboard(self._share.share_url)
        self.query_one("#accept").focus()

    def answer(self) -> bool:
        """Copy it once more."""
        self.app.copy_to_clipboard(self._share.share_url)
        return True
