"""The app's own colours, dark and light, as those of the exported page; Textual's themes are there besides."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

__all__ = ["DEFAULT_THEME", "THEMES"]

DEFAULT_THEME: Final = "superqode-dark"
THEMES: Final = (
    Theme(
        name=DEFAULT_THEME,
        primary="#93b2ff",
        secondary="#c4a7f5",
        accent="#7fcbe0",
        warning="#f0c070",
        error="#ff9a8f",
        success="#7fd6a0",
        foreground="#e2e5ea",
        background="#131519",
        surface="#1b1e24",
        panel="#2c313a",
        dark=True,
        variables={"footer-key-foreground": "#93b2ff"},
    ),
    Theme(
        name="superqode-light",
        primary="#2f55c4",
        secondary="#7847bd",
        accent="#0f6f9e",
        warning="#8f5e15",
        error="#b3261e",
        success="#17693a",
        foreground="#1b1f27",
        background="#fcfcfd",
        surface="#f3f4f7",
        panel="#dfe2e8",
        dark=False,
        variables={"footer-key-foreground": "#2f55c4"},
    ),
)
