"""Every screen looks as its picture, on a small terminal and on a wide one."""

from __future__ import annotations

import pytest

from at_the_screen import SIZES
from superqode.session import Session


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "140x40"])
def test_each_screen_looks_as_its_picture(library_of_sessions, size):
    """List, filter, session and its tabs, points in time, search, dialogs, trash, operations, shares and keys."""

    async def story(ada):
        await ada.still()
        await ada.press("escape")
        await ada.rests()
        ada.picture("conversation")
        await ada.press("g", "t")
        await ada.rests()
        ada.picture("conversation-open")
        for key, name in (("2", "history"), ("3", "lineage"), ("4", "files")):
            await ada.press(key)
            await ada.rests()
            ada.picture(name)
        await ada.press("2", "down", "enter")
        await ada.sees("as of")
        await ada.rests()
        ada.picture("point")
        await ada.press("escape", "s")
        await ada.still()
        ada.picture("snapshot-dialog")
        await ada.press("escape", "S")
        await ada.sees("no secrets found")
        await ada.still()
        ada.picture("share-dialog")
        await ada.press("escape", "ctrl+f")
        await ada.still()
        await ada.type("parser")
        await ada.sees("2 hits")
        await ada.rests()
        ada.picture("search")
        await ada.press("escape", "1", "question_mark")
        await ada.rests()
        ada.picture("keys")
        await ada.press("question_mark", "escape")
        await ada.sees("5 sessions")
        await ada.rests()
        ada.picture("sessions")
        await ada.press("f")
        await ada.still()
        ada.picture("facets")
        await ada.press("escape", "d")
        await ada.still()
        ada.picture("delete-dialog")
        await ada.press("enter")
        await ada.until(lambda: len(ada.app.screen.rows.items) == 4)
        ada.app.clear_notifications()
        await ada.press("T")
        await ada.sees("Bring back", "deleted")
        await ada.rests()
        ada.picture("trash")
        await ada.press("escape", "U")
        await ada.sees("Take back", "delete")
        await ada.rests()
        ada.picture("operations")
        await ada.press("escape", "h")
        await ada.sees("Nothing is shared")
        ada.picture("shares")

    library_of_sessions.run(story, size=size, session="fix-sql")


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "140x40"])
def test_an_empty_store_says_how_to_begin(tui, size):
    """Where there are no sessions the list says what makes some."""

    async def story(ada):
        await ada.sees("No sessions yet", "sessions import")
        ada.picture("empty")

    tui.run(story, size=size)


def test_themes_change_every_colour(library_of_sessions):
    """Another theme is there at once, in what was drawn already too; one nobody knows is told of."""

    async def story(ada):
        assert any("nothing-like-it" in told for told in ada.told)
        await ada.sees("SQL injection")
        assert "#131519" in ada.app.export_screenshot()
        ada.app.theme = "superqode-light"
        await ada.pilot.pause(0.2)
        light = ada.app.export_screenshot()
        assert "#131519" not in light
        assert "#fcfcfd" in light

    library_of_sessions.run(story, session="fix-sql", theme="nothing-like-it")


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "140x40"])
def test_the_question_for_permission_looks_as_its_picture(tui, scripted, still_clock, size):
    """What an agent wants to do stands over the conversation, with its diff and the answers it offers."""
    with tui.open_store() as store:
        store.save(Session(id="talk", title="Talk", project_path=str(tui.path.parent)))

    async def story(ada):
        await ada.still()
        ada.app.screen.prompt.text = "ask c1"
        await ada.press("enter")
        await ada.sees("May the agent do this?", "scripted answers", "a approve")
        await ada.rests()
        ada.picture("permission")
        await ada.press("r")
        await ada.sees("scripted")

    tui.run(story, size=size, session="talk", agents=(scripted,), agent="scripted")
