"""The terminal app: its first picture beside that of an app with nothing in it, a session opened beside its loading.

python screens.py bare                    one app's first picture
python screens.py app STORE               ours, on a store
python screens.py open STORE ID ROUNDS    seconds of loading a session, and of opening it on the screen, by turns
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Final

from bench import Bench, median_ms, timed
from listing import make_branches
from ours import USER, make_session
from table import Row, Section, most

from superqode.session import SessionStore

__all__ = ["measure"]

_COLUMN: Final = "ms"
_RATIO: Final = "÷ peer"
_SIZE: Final = (140, 40)
_ID: Final = "long"


def measure(bench: Bench) -> list[Section]:
    """Measure and give one section; the ways take turns."""
    sessions, messages = bench.choose(10_000, 50), bench.choose(10_000, 100)
    bench.say("pictures of the terminal app")
    many, one = bench.root / "many", bench.root / "one"
    make_branches(bench, many, sessions)
    with SessionStore(many) as store:
        store.maintain()
        store.list_sessions()
    with SessionStore(one, durability="fast", user=USER) as store:
        store.save(make_session(_ID, bench.workload().turns(messages, 0)))
        store.maintain()
    commands = {"bare": ["bare"], "ours": ["app", str(many)]}
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(bench.choose(15, 2)):
        for name, words in commands.items():
            seconds[name].append(timed(lambda words=words: _run(words))[0])  # type: ignore[misc]
    told = json.loads(_run(["open", str(one), _ID, str(bench.choose(7, 1))]))
    bare, ours = (median_ms(seconds[name]) for name in commands)
    load, opened = (median_ms(told[name]) for name in ("load", "open"))
    rows = [
        Row("a bare app's first picture", {_COLUMN: bare}),
        Row(f"superqode tui, {sessions:,} sessions", {_COLUMN: ours, _RATIO: ours / bare}, limits={_RATIO: most(1.5)}),
        Row(f"load of {messages:,} messages", {_COLUMN: load}),
        Row("… on the screen", {_COLUMN: opened, _RATIO: opened / load}, limits={_RATIO: most(1.5)}),
    ]
    return [Section("screens", "pictures of the terminal app", (_COLUMN, _RATIO), rows)]


def _run(words: list[str]) -> str:
    command = [sys.executable, __file__, *words]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True, text=True).stdout


def _bare() -> None:
    from textual.app import App
    from textual.widgets import Static

    class Bare(App[None]):
        def compose(self):  # type: ignore[no-untyped-def]
            yield Static("nothing")

        def on_mount(self) -> None:
            self.call_after_refresh(self.exit)

    Bare().run(headless=True, size=_SIZE)


def _app(path: str) -> None:
    from superqode.tui.app import SessionsApp
    from superqode.tui.garbage import collect_rarely
    from superqode.tui.settings import Settings

    collect_rarely()

    class Ours(SessionsApp):
        def on_mount(self) -> None:
            self.call_after_refresh(self.exit)

    Ours(lambda: SessionStore(path), Settings(start_in_list=True)).run(headless=True, size=_SIZE)


async def _open(path: str, session_id: str, rounds: int) -> dict[str, list[float]]:
    from superqode.session import clock
    from superqode.tui.app import SessionsApp
    from superqode.tui.garbage import collect_rarely
    from superqode.tui.settings import Settings
    from superqode.tui.widgets.conversation import Conversation

    collect_rarely()  # before the loads, too: both are measured in the same process
    seen: dict[str, list[float]] = {"load": [], "open": []}
    app = SessionsApp(lambda: SessionStore(path), Settings(start_in_list=True))
    async with app.run_test(size=_SIZE) as pilot:
        while not app.is_ready:
            await pilot.pause(0.01)
        for _ in range(rounds):
            with SessionStore(path) as store:
                seen["load"].append(timed(lambda store=store: store.load(session_id))[0])  # type: ignore[misc]
            begun = clock.monotonic()
            await app.open_session(session_id).wait()
            while not app.screen.query(Conversation):
                await pilot.pause(0)
            await pilot.pause()
            seen["open"].append(clock.monotonic() - begun)
            app.pop_screen()
            await pilot.pause()
    return seen


if __name__ == "__main__":
    verb, *given = sys.argv[1:]
    if verb == "bare":
        _bare()
    elif verb == "app":
        _app(given[0])
    else:
        print(json.dumps(asyncio.run(_open(given[0], given[1], int(given[2])))))
