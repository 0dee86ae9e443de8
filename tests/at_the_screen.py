"""Somebody at the terminal app, and its pictures as text that says what stands where, and how it looks."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import re
import time
from collections.abc import Callable, Coroutine
from html import unescape
from pathlib import Path
from typing import Any, Final

from rich.cells import cell_len
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from superqode.session import SessionStore
from superqode.tui.app import SessionsApp
from superqode.tui.settings import Settings

SIZES: Final = [(80, 24), (140, 40)]
HOSTILE: Final = "\x1b[31mevil\u202egnp.exe [bold]x[/bold]"
_SCREENS: Final = Path(__file__).resolve().parent / "tui" / "screens"


class Person:
    """Somebody at the app.

    Args:
        app: the app.
        pilot: what presses its keys.
    """

    def __init__(self, app: SessionsApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def shown(self) -> str:
        """The text on the screen, a line for each of its lines."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

    @property
    def told(self) -> list[str]:
        """What notices said, oldest first."""
        return [notice.message for notice in self.app._notifications]

    async def press(self, *keys: str) -> None:
        """Press keys; a longer text that is no key's name is typed."""
        for key in keys:
            await self.pilot.press(*(key if len(key) > 1 and " " in key else [key]))
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Type a text."""
        for letter in text:
            await self.pilot.press("space" if letter == " " else letter)
        await self.pilot.pause()

    async def until(self, holds: Callable[[], Any], what: str = "") -> None:
        """Wait until something holds, as a person would; fails after a minute and a half, showing the screen."""
        ends = time.monotonic() + 90
        while time.monotonic() < ends:
            await self.pilot.pause(0.02)
            if holds():
                return
        raise AssertionError(f"waited in vain for {what or holds}\n{self.told}\n{self.shown}")

    async def sees(self, *texts: str) -> None:
        """Wait until all of these texts stand on the screen."""
        await self.until(lambda: all(text in self.shown for text in texts), " and ".join(texts))

    async def opened(self) -> None:
        """Wait until the app has opened what it begins with."""

        def is_open() -> bool:
            busy = [worker for worker in self.app.workers if worker.group == "opening"]
            return self.app.is_ready and not busy and self.app.screen.focused is not None

        await self.until(is_open, "the first screen")

    async def rests(self) -> None:
        """Wait until nothing is going on."""
        for _ in range(2):  # a list that was read may have a preview read
            await self.pilot.pause(0.15)
            await self.until(lambda: all(worker.group == "dialog" for worker in self.app.workers), "rest")

    def picture(self, name: str) -> None:
        """Compare the screen with the picture that is kept of it; `SUPERQODE_TEST_PICTURES=1` keeps another."""
        width, height = self.app.size
        svg = self.app.export_screenshot()
        kept = _SCREENS / f"{name}-{width}x{height}.txt"
        now = normal(svg)
        if os.environ.get("SUPERQODE_TEST_PICTURES"):
            _SCREENS.mkdir(exist_ok=True)
            kept.write_text(now, "utf-8")
            if folder := os.environ.get("SUPERQODE_TEST_PICTURES_SVG"):
                Path(folder, f"{name}-{width}x{height}.svg").write_text(svg, "utf-8")
        assert now == kept.read_text("utf-8")

    async def still(self) -> None:
        """Let nothing blink."""
        for field in self.app.screen.query("Input, TextArea"):
            assert isinstance(field, Input | TextArea)
            field.cursor_blink = False
        await self.pilot.pause(0.1)


# How wide a column is and how high a line in Rich's SVG, in its pixels.
_COLUMN: Final = 12.2
_LINE: Final = 24.4
_TEXT: Final = re.compile(r'<text class="\S+-(r\d+)" x="([\d.]+)" y="([\d.]+)" textLength="[\d.]+"[^>]*>([^<]*)</text>')
_STYLE: Final = re.compile(r"\.\S+-(r\d+) \{([^}]*)\}")
_GROUND: Final = re.compile(r'<rect fill="(#\w+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="24.65"')


def _pieces(svg: str) -> dict[int, list[tuple[int, str, str]]]:
    """The pieces of each line of a picture: the column, the name of the style, the text."""
    found: dict[int, list[tuple[int, str, str]]] = {}
    for style, x, y, text in _TEXT.findall(svg):
        told = unescape(text).replace("\xa0", " ")
        found.setdefault(int(float(y) / _LINE), []).append((round(float(x) / _COLUMN), style, told))
    return found


def _text(pieces: list[tuple[int, str, str]]) -> str:
    line = ""
    for column, _, text in sorted(pieces):
        line = f"{line}{' ' * (column - cell_len(line))}{text}"
    return line.rstrip()


def normal(svg: str) -> str:
    """A picture as text: each line, where its styles and backgrounds begin, and in the end what each style is."""
    looks = {name: " ".join(look.split()) for name, look in _STYLE.findall(svg)}
    grounds: dict[int, list[str]] = {}
    last = (-1, "")
    for fill, x, y, _ in _GROUND.findall(svg):
        line = int(float(y) / _LINE)
        if (line, fill) != last:  # where the background changes
            grounds.setdefault(line, []).append(f"{round(float(x) / _COLUMN)}{fill}")
        last = (line, fill)
    numbers: dict[str, int] = {}
    lines = _pieces(svg)
    told = []
    for line in range(max([*lines, *grounds], default=-1) + 1):
        pieces = lines.get(line, [])
        styles = [f"{column}:{numbers.setdefault(looks[style], len(numbers))}" for column, style, _ in sorted(pieces)]
        told += [f"|{_text(pieces)}", " ".join(["   ", *styles, *grounds.get(line, [])])]
    return "\n".join([*told, *(f"{number}: {look}" for look, number in numbers.items()), ""])


_PLAIN: Final = logging.Formatter()


class Tui:
    """Runs the app on one store.

    Args:
        path: the store.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def open_store(self) -> SessionStore:
        """Open the store, as somebody whom every machine knows."""
        return SessionStore(self.path, user=("Ada", "ada@people.invalid"))

    def run(
        self,
        story: Callable[[Person], Coroutine[Any, Any, None]],
        *,
        size: tuple[int, int] = (100, 30),
        **settings: Any,
    ) -> None:
        """Let somebody live through a story at the app; nothing may fail behind their back, nor when they leave."""

        async def live() -> None:
            settings.setdefault("project", str(self.path.parent))
            with self.open_store() as store:
                app = SessionsApp(lambda: store, Settings(**settings))
                async with app.run_test(size=size, notifications=True) as pilot:
                    person = Person(app, pilot)
                    await person.opened()
                    await story(person)

        # What fails in a task nobody waits for is told there, and comes out on the terminal as a traceback.
        behind = _Heard()
        logging.getLogger("asyncio").addHandler(behind)
        try:
            asyncio.run(asyncio.wait_for(live(), 300))
            gc.collect()  # a task tells of what it failed with when it goes
        finally:
            logging.getLogger("asyncio").removeHandler(behind)
        assert behind.told == []


class _Heard(logging.Handler):
    """Keeps what is logged as a warning or worse, as it would be printed."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.told.append(_PLAIN.format(record))
