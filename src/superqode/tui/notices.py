"""Errors told on the screen: one notice, safe, without what opens a share; none of the library's ends the app."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from textual.app import ScreenStackError
from textual.css.query import NoMatches
from textual.widget import MountError

from superqode.session.errors import SessionError
from superqode.session.exporters.visible import one_line

if TYPE_CHECKING:
    from textual.app import App
    from textual.dom import DOMNode

__all__ = ["tell", "told"]

# How much of an error's message is shown, in characters, and for how long, in seconds.
_MESSAGE_MAX: Final = 400
_LONG: Final = 10.0


def tell(app: App[Any], message: str, *, severity: str = "information") -> None:
    """Show a line for a while; `severity` is `information`, `warning` or `error`."""
    from superqode.cli.share.masking import without_secrets

    shown = one_line(without_secrets(message), _MESSAGE_MAX)
    timeout = None if severity == "information" else _LONG
    app.notify(shown, severity=severity, timeout=timeout, markup=False)  # type: ignore[arg-type]  # the names are Textual's own


@contextmanager
def told(node: DOMNode) -> Iterator[None]:
    """Run a block, also one that awaits; what the library or the system says against it becomes a notice.

    A block that comes back to a screen that was left meanwhile ends there.
    """
    try:
        yield
    except (SessionError, OSError) as problem:
        tell(node.app, str(problem) or type(problem).__name__, severity="error")
    except (NoMatches, MountError, ScreenStackError):
        if node.is_attached and node.app.is_running:
            raise
