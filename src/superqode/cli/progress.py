"""What is going on, on stderr: on a terminal, without `--quiet`, and only for work that takes longer than a second."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Timer
from typing import TYPE_CHECKING, Any

import click

from superqode.cli.common import is_quiet
from superqode.cli.options import wants_json
from superqode.cli.text import line
from superqode.session import clock

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

__all__ = ["progress", "waiting"]

_PATIENCE = 1.0


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int, str], None] | None]:
    """Give a callable `(done, total, what)` that draws a bar, or `None` where nobody would see it."""
    if not _is_seen():
        yield None
        return
    with ExitStack() as stack:
        yield _Bar(label, stack)


def _is_seen() -> bool:
    return not (wants_json() or is_quiet() or sys.stderr is None or not sys.stderr.isatty())


@contextmanager
def waiting(label: str) -> Iterator[None]:
    """Say what is waited for, where that takes longer than a second and tells nothing on its way."""
    if not _is_seen():
        yield
        return
    told: list[str] = []

    def tell() -> None:
        told.append(label)
        click.echo(f"{label}…", nl=False, err=True)

    timer = Timer(_PATIENCE, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        if told:
            click.echo("\r" + " " * (len(label) + 1) + "\r", nl=False, err=True)


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
