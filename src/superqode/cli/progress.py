"""A progress bar on stderr: on a terminal, without `--quiet`, and only for work that takes longer than a second."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import click

from superqode.cli.common import is_quiet
from superqode.cli.options import wants_json
from superqode.cli.text import line
from superqode.session import clock

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

__all__ = ["progress"]

_PATIENCE = 1.0


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int, str], None] | None]:
    """Give a callable `(done, total, what)` that draws a bar, or `None` where nobody would see it."""
    if wants_json() or is_quiet() or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    with ExitStack() as stack:
        yield _Bar(label, stack)


class _Bar:
    def __init__(self, label: str, stack: ExitStack) -> None:
        self._label = label
        self._stack = stack
        self._since = clock.monotonic()
        self._bar: ProgressBar[Any] | None = None

    def __call__(self, done: int, total: int, what: str) -> None:
        if self._bar is None:
            if clock.monotonic() - self._since < _PATIENCE:
                return
            self._bar = self._stack.enter_context(self._drawn(total))
        self._bar.length = max(total, 1)
        self._bar.update(done - self._bar.pos, line(what, 40))

    def _drawn(self, total: int) -> ProgressBar[Any]:
        return click.progressbar(
            length=max(total, 1),
            label=self._label,
            file=sys.stderr,
            item_show_func=lambda what: str(what or ""),
        )
