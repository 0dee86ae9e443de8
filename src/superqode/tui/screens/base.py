"""What screens over the store share: the store, others' saves appearing by themselves, and a heading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from textual.screen import Screen

from superqode.tui.library import Library

if TYPE_CHECKING:
    from superqode.tui.app import SessionsApp

__all__ = ["Leaving", "StoreScreen"]

T = TypeVar("T")


class Leaving(Screen[T]):
    """A screen that may have to go while another one is on top of it: Textual would take that one away."""

    _is_leaving = False

    def leave(self) -> None:
        """Go back to the screen below without an answer; once this one is on top again, where it is not."""
        self._is_leaving = True
        if self.is_current and self.app.screen is self:  # those below a dialog are current, too
            self.dismiss(cast("Any", None))

    def on_screen_resume(self) -> None:
        """Go now, where that was to be done."""
        if self._is_leaving:
            self.leave()


class StoreScreen(Leaving[T]):
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
        if not self._is_leaving:
            self.store_changed()

    def action_back(self) -> None:
        """Go back to the screen below."""
        self.leave()
