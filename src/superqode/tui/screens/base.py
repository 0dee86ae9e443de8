"""What screens over the store share: the store, others' saves appearing by themselves, and a heading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from textual.screen import Screen

from superqode.tui.library import Library

if TYPE_CHECKING:
    from superqode.tui.app import SessionsApp

__all__ = ["StoreScreen"]

T = TypeVar("T")


class StoreScreen(Screen[T]):
    """A screen that shows something of the store."""

    DEFAULT_CSS = """
    StoreScreen { background: $background; }
    StoreScreen .heading { height: 1; background: $panel; padding: 0 1; }
    StoreScreen .pane-title { height: 1; color: $foreground 60%; padding: 0 1; }
    """

    # From 110 columns on there is room for two things side by side.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - Textual declares it so

    @property
    def sessions_app(self) -> SessionsApp:
        """The app."""
        return cast("SessionsApp", self.app)

    @property
    def library(self) -> Library:
        """The store."""
        return self.sessions_app.library

    def store_changed(self) -> None:
        """Take in what was saved, here or by others; called when it was, and when the screen comes back."""

    def on_screen_resume(self) -> None:
        """Look again: something may have been saved while another screen was on top."""
        self.store_changed()

    def action_back(self) -> None:
        """Go back to the screen below."""
        self.dismiss(cast("Any", None))
