"""The list of sessions: what opens first, narrowing, previews, and what is done to a session from there."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from at_the_screen import HOSTILE, Person
from superqode.session import Session
from superqode.session.errors import NotAStore
from superqode.tui.app import SessionsApp
from superqode.tui.library import Library
from superqode.tui.screens.dialogs.asking import Ask
from superqode.tui.screens.session.screen import SessionScreen
from superqode.tui.screens.sessions import SessionsScreen
from superqode.tui.settings import Settings


def _titles(ada):
    return [summary.title for summary in ada.app.screen.rows.items]


def test_it_opens_on_the_session_that_changed_last(library_of_sessions):
    """Without a wish the newest session is open, ready to be written into; Escape twice shows the list."""

    async def story(ada):
        assert isinstance(ada.app.screen, SessionScreen)
        assert ada.app.screen.opened.id == "other-2"
        assert ada.app.screen.prompt.has_focus
        await ada.press("escape", "escape")
        assert isinstance(ada.app.screen, SessionsScreen)
        await ada.sees("5 sessions")

    library_of_sessions.run(story)


@asynccontextmanager
async def _beginning(tui, **settings):
    """Somebody at the app before it has opened anything."""
    with tui.open_store() as store:
        app = SessionsApp(lambda: store, Settings(project="/p", **settings))
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            yield Person(app, pilot)


@pytest.fixture
def slow_latest(monkeypatch):
    """Which session is to be opened is not known before the event is set; the fixture gives how to make that."""

    def make():
        known = asyncio.Event()

        async def slow(library, real=Library.latest):
            await known.wait()
            return await real(library)

        monkeypatch.setattr(Library, "latest", slow)
        return known

    return make


def test_what_opens_first_takes_nobody_away(library_of_sessions, slow_latest):
    """A session that comes late does not close the question that somebody answers, nor the list they work in."""

    async def live():
        known = slow_latest()
        async with _beginning(library_of_sessions) as ada:
            await ada.until(lambda: ada.app.is_ready)
            await ada.press("n")
            await ada.until(lambda: isinstance(ada.app.screen, Ask))
            await ada.type("My plan")
            known.set()
            await ada.until(lambda: any("is in the list" in told for told in ada.told))
            await ada.press("enter")
            await ada.until(lambda: isinstance(ada.app.screen, SessionScreen))
            assert ada.app.screen.opened.session.title == "My plan"
            assert ada.app.screen.opened.session.messages == []

    asyncio.run(live())


def test_a_session_that_opens_late_closes_no_question(library_of_sessions):
    """Whatever was opened, a question on top stays there until it is answered."""

    async def story(ada):
        opened = await ada.app.library.open("fix-sql")
        await ada.press("n")
        await ada.until(lambda: isinstance(ada.app.screen, Ask))
        ada.app.show_session(opened)
        await ada.pilot.pause()
        assert isinstance(ada.app.screen, Ask)
        await ada.press("escape")

    library_of_sessions.run(story, start_in_list=True)


def test_the_list_first_where_it_is_wished(library_of_sessions):
    """`--list` begins with the list; Enter, and a click on the highlighted row, open a session."""

    async def story(ada):
        await ada.sees("5 sessions")
        await ada.press("down", "enter")
        await ada.until(lambda: isinstance(ada.app.screen, SessionScreen))
        assert ada.app.screen.opened.id == "other-1"
        await ada.until(lambda: ada.app.screen.focused)
        await ada.press("escape", "escape")
        await ada.pilot.click("#list", offset=(5, 1))
        await ada.pilot.pause()
        assert ada.app.screen.rows.current.id == "other-2"
        await ada.pilot.click("#list", offset=(5, 1))
        await ada.until(lambda: isinstance(ada.app.screen, SessionScreen))
        assert ada.app.screen.opened.id == "other-2"
        await ada.until(lambda: ada.app.screen.focused)

    library_of_sessions.run(story, start_in_list=True)


def test_typing_narrows_the_list(library_of_sessions):
    """Words, and `tag:`, `agent:`, `project:`, narrow while they are typed; Escape shows all again."""

    async def story(ada):
        await ada.sees("5 sessions")
        await ada.press("slash")
        for typed, expected in (
            ("sql", ["Fix SQL injection"]),
            ("tag:secu", ["With an ORM instead", "Fix SQL injection"]),
            ("agent:gemini", ["Port the parser to Rust"]),
            ("project:shop limiter", ["Add a rate limiter to the login"]),
            ("nothing has this", []),
        ):
            ada.app.screen.query_one("#filter").value = ""
            await ada.type(typed)
            assert _titles(ada) == expected, typed
        await ada.sees("Nothing fits", "0 of 5 sessions")
        await ada.press("escape", "escape")
        assert len(_titles(ada)) == 5

    library_of_sessions.run(story, start_in_list=True)


def test_typing_while_the_list_is_read_says_so(library_of_sessions, monkeypatch):
    """While only the first sessions are listed, a filter does not say how many there are, nor that nothing fits."""
    monkeypatch.setattr("superqode.tui.screens.sessions._AT_FIRST", 2)

    async def live():
        read = asyncio.Event()

        async def slow(library, limit=None, real=Library.listing):
            if limit is None:
                await read.wait()
            return await real(library, limit)

        monkeypatch.setattr(Library, "listing", slow)
        async with _beginning(library_of_sessions, start_in_list=True) as ada:
            await ada.until(lambda: len(_titles(ada)) == 2)
            await ada.press("slash")
            await ada.type("sql")
            assert _titles(ada) == []
            assert "Reading…" in ada.shown
            assert "Nothing fits" not in ada.shown
            assert "of 2" not in ada.shown
            read.set()
            await ada.sees("1 of 5 sessions", "Fix SQL injection")

    asyncio.run(live())


def test_a_list_that_cannot_be_read_says_so(library_of_sessions, monkeypatch):
    """Where nothing can be listed, nothing claims to be reading."""

    async def fails(*_):
        raise OSError("No such device")

    monkeypatch.setattr(Library, "listing", fails)

    async def story(ada):
        await ada.sees("could not be read", "superqode doctor")
        assert any("No such device" in told for told in ada.told)
        await ada.press("f")
        await ada.until(lambda: len(ada.told) > 1)

    library_of_sessions.run(story, start_in_list=True)


def test_a_facet_is_picked_from_what_there_is(library_of_sessions):
    """`f` lists projects, tags and agents with their counts; the picked one stands in the filter."""

    async def story(ada):
        await ada.sees("5 sessions")
        await ada.press("f")
        await ada.sees("/home/ada/shop", "3 sessions", "security_tester")
        await ada.type("codex")
        await ada.press("enter")
        await ada.until(lambda: len(_titles(ada)) == 2)
        assert ada.app.screen.query_one("#filter").value == "agent:codex"

    library_of_sessions.run(story, start_in_list=True)


def test_the_highlighted_session_is_previewed(library_of_sessions):
    """How a session ends is seen beside the list, and beneath it where there is no room; of a long one only the end."""
    long = Session(id="long", title="A long one")
    for number in range(3000):
        long.add_message("user", f"number {number}")
    with library_of_sessions.open_store() as store:
        store.save(long)

    async def story(ada):
        await ada.sees("6 sessions", "number 2999")
        await ada.press("end")
        await ada.sees("a parameter")
        assert len(ada.app.screen.query_one("#ending").entries) <= 30

    library_of_sessions.run(story, start_in_list=True, size=(80, 24))
    library_of_sessions.run(story, start_in_list=True, size=(140, 40))


def test_a_session_is_begun_renamed_tagged_and_deleted(tui):
    """`n` begins one in this project, `e` names and tags it, `d` moves it into the trash: all saved at once."""

    async def story(ada):
        await ada.sees("No sessions yet")
        await ada.press("n")
        await ada.type("My plan")
        await ada.press("enter")
        await ada.until(lambda: isinstance(ada.app.screen, SessionScreen))
        await ada.press("escape", "escape")
        await ada.sees("1 session")
        await ada.press("e")
        await ada.press("end")
        await ada.type(" B")
        await ada.press("tab")
        await ada.type("red, blue, red")
        await ada.press("enter")
        await ada.sees("My plan B", "#red", "#blue")
        with tui.open_store() as store:
            summary = store.list_sessions()[0]
            assert (summary.title, summary.tags) == ("My plan B", ("red", "blue"))
            assert summary.project_path == str(tui.path.parent)
        await ada.press("d", "enter")
        await ada.sees("No sessions yet")
        with tui.open_store() as store:
            assert [item.title for item in store.trash()] == ["My plan B"]

    tui.run(story)


def test_what_others_save_appears_by_itself(library_of_sessions):
    """A session that another process saves, changes or deletes does so in the list, too, without a key."""

    async def story(ada):
        await ada.sees("5 sessions")
        with library_of_sessions.open_store() as other:
            other.save(Session(id="theirs", title="Theirs"))
            await ada.sees("6 sessions", "Theirs")
            theirs = other.load("theirs")
            theirs.title = "Theirs, renamed"
            other.save(theirs)
            await ada.sees("Theirs, renamed")
            other.delete("theirs")
            await ada.sees("5 sessions")
        assert "Theirs" not in ada.shown

    library_of_sessions.run(story, start_in_list=True)


def test_a_look_that_takes_long_shows_what_it_found(library_of_sessions, monkeypatch):
    """Looking around may take longer than the time between two looks: what others saved appears all the same."""
    monkeypatch.setattr("superqode.tui.app._LOOK", 0.05)

    async def story(ada):
        await ada.sees("5 sessions")
        running, most = 0, 0

        async def slow(real=ada.app.library.store.generation):
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.shield(asyncio.sleep(0.3))
            found = await real()
            running -= 1
            return found

        monkeypatch.setattr(ada.app.library.store, "generation", slow)
        with library_of_sessions.open_store() as other:
            other.save(Session(id="theirs", title="Theirs"))
        await ada.sees("6 sessions", "Theirs")
        assert most == 1

    library_of_sessions.run(story, start_in_list=True)


def test_a_store_that_cannot_be_opened_ends_the_app(tui):
    """What is wrong with the store is told by the command line: there is nothing to be seen here."""
    tui.path.write_text("no store")

    async def live():
        async with _beginning(tui) as ada:
            await ada.until(lambda: ada.app.failure is not None)
            assert isinstance(ada.app.failure, NotAStore)
            await ada.until(lambda: ada.app._exit)

    asyncio.run(live())


def test_hostile_titles_are_seen_and_do_nothing(library_of_sessions):
    """Controls and overrides in titles and tags stand as escapes, and square brackets are no markup."""

    async def story(ada):
        await ada.sees(r"\x1b[31mevil\u202egnp.exe [bold]x[/bold]", "#[red]tag")
        assert "\x1b" not in ada.app.export_screenshot()
        assert "\u202e" not in ada.app.export_screenshot()
        await ada.press("enter")
        await ada.until(lambda: isinstance(ada.app.screen, SessionScreen))
        await ada.sees(r"\x1b[31mevil\u202egnp.exe [bold]x[/bold]?")
        await ada.press("escape", "d")
        await ada.sees(r"\x1b[31mevil")
        assert HOSTILE not in ada.shown

    library_of_sessions.run(story, start_in_list=True, size=(140, 40))


def _sent(ada):
    """What the screen sends to the terminal as text, without what Textual itself adds."""
    return "".join(segment.text for strip in ada.app.screen._compositor.render_strips() for segment in strip)


def test_hostile_titles_and_tags_do_nothing_in_fields(tui):
    """Where a title is edited, and a tag stands in the filter, controls are escapes; what was not edited stays."""
    hostile = "x\x1b]0;pwned\x1b\\y\u202e\nz"
    with tui.open_store() as store:
        session = Session(id="theirs", title=HOSTILE, tags=[hostile])
        session.add_message("user", "hello")
        store.save(session)
        store.save(Session(id="mine"))

    async def story(ada):
        await ada.sees("2 sessions")
        await ada.press("f")
        await ada.sees("tag")
        await ada.press("enter")
        await ada.until(lambda: isinstance(ada.app.screen, SessionsScreen))
        await ada.until(lambda: [item.id for item in ada.app.screen.rows.items] == ["theirs"])
        assert r"\x1b]0;pwned" in ada.app.screen.query_one("#filter").value
        assert not {"\x1b", "\u202e", "\n"} & set(_sent(ada))
        await ada.press("e")
        await ada.sees("Title and tags", r"\x1b[31mevil\u202egnp")
        assert not {"\x1b", "\u202e", "\n"} & set(_sent(ada))
        await ada.press("enter")
        await ada.rests()

    tui.run(story, start_in_list=True)

    with tui.open_store() as store:
        theirs = store.load("theirs")
    assert (theirs.title, theirs.tags) == (HOSTILE, [hostile])


def test_editing_a_title_leaves_the_tags(tui):
    """Tags that were not touched are the same after another title was given, commas in them too."""
    with tui.open_store() as store:
        store.save(Session(id="mine", title="A", tags=["a,b", " c"]))

    async def story(ada):
        await ada.sees("1 session")
        await ada.press("e")
        await ada.sees("Title and tags")
        await ada.press("end", "B", "enter")
        await ada.sees("AB")

    tui.run(story, start_in_list=True)

    with tui.open_store() as store:
        assert store.load("mine").tags == ["a,b", " c"]


def test_an_edit_is_saved_when_one_leaves_at_once(library_of_sessions, monkeypatch):
    """A title that was given in the list is saved, however soon one quits after it."""

    async def story(ada):
        screen, store = ada.app.screen, ada.app.library.store
        left = asyncio.Event()

        async def slow(*args, real=store.save):
            await left.wait()
            return await real(*args)

        async def settles(real=ada.app.library.settled):
            asyncio.get_running_loop().call_later(0.3, left.set)
            await real()

        monkeypatch.setattr(store, "save", slow)
        monkeypatch.setattr(ada.app.library, "settled", settles)
        await ada.sees("5 sessions")
        screen.rows.move_to(4)
        await ada.press("e")
        await ada.until(lambda: isinstance(ada.app.screen, Ask))
        await ada.press("end", "2", "enter")
        await ada.until(lambda: ada.app.screen is screen)
        await ada.pilot.press("ctrl+q")

    library_of_sessions.run(story, start_in_list=True)

    with library_of_sessions.open_store() as store:
        assert store.load("fix-sql").title == "Fix SQL injection2"


def test_the_trash_brings_back_and_forgets(library_of_sessions):
    """`T` lists what was deleted; Enter brings a session back, `p` forgets one for ever, but Enter there means no."""

    async def story(ada):
        await ada.sees("5 sessions")
        for _ in range(2):
            await ada.press("d", "enter")
            await ada.pilot.pause(0.2)
        await ada.sees("3 sessions")
        await ada.press("T")
        await ada.sees("2 sessions")
        await ada.press("p", "enter")
        await ada.rests()
        await ada.press("p", "tab", "shift+tab", "shift+tab", "enter")
        await ada.sees("1 session")
        await ada.press("enter")
        await ada.sees("The trash is empty")
        await ada.press("escape")
        await ada.sees("4 sessions")

    library_of_sessions.run(story, start_in_list=True)


def test_a_damaged_session_is_told_and_the_others_stay(library_of_sessions):
    """A branch that cannot be read is listed with what is wrong; opening it is a notice, and no end."""
    ref = library_of_sessions.path / "refs" / "heads" / "other-2"
    ref.write_text("0123456789" * 4 + "\n")

    async def story(ada):
        await ada.sees("Port the parser")
        await ada.press("end", "enter")
        await ada.until(lambda: ada.told)
        assert isinstance(ada.app.screen, SessionsScreen)
        assert any("other-2" in told for told in ada.told)

    library_of_sessions.run(story, start_in_list=True)


def test_the_palette_does_what_the_keys_do(library_of_sessions):
    """What can be done on a screen is found by its name in the palette, and runs from there."""

    async def story(ada):
        await ada.sees("5 sessions")
        await ada.press("ctrl+p")
        await ada.pilot.pause(0.3)
        await ada.type("Trash")
        await ada.pilot.pause(0.5)
        await ada.press("enter")
        await ada.sees("The trash is empty")

    library_of_sessions.run(story, start_in_list=True)


def test_a_first_search_shows_what_it_has_by_then(library_of_sessions, monkeypatch):
    """While words that were never read are read, what was found by then stands there, and says that more may come."""
    monkeypatch.setattr("superqode.session.store.index.waiting._BLOCK", 1)
    monkeypatch.setattr("superqode.tui.screens.search._PATIENCE", 1e-9)

    async def story(ada):
        await ada.sees("5 sessions")
        heads = []
        await ada.press("ctrl+f")
        screen = ada.app.screen
        monkeypatch.setattr(screen, "_head", lambda shown, real=screen._head: (heads.append(shown), real(shown)))
        await ada.type("parser")
        await ada.sees("2 hits")
        await ada.until(lambda: heads and "still" not in heads[-1])
        left = [int(head.partition(", ")[2].split()[0]) for head in heads if "still to be read" in head]
        assert left  # whoever types slowly begins to search before the last letter
        assert left == sorted(set(left), reverse=True)

    library_of_sessions.run(story, start_in_list=True)


def test_operations_are_listed_and_taken_back(library_of_sessions):
    """A deletion says where it is taken back: `U` lists operations, `u` takes one back, and then that back, too."""

    async def story(ada):
        await ada.sees("5 sessions")
        await ada.press("d", "enter")
        await ada.sees("4 sessions")
        await ada.until(lambda: any("Operations (U)" in told for told in ada.told))
        await ada.press("U")
        await ada.sees("1 operation", "delete", "other-2")
        await ada.press("u")
        await ada.sees("2 operations", "ops-undo", "taken back")
        await ada.until(lambda: any("Took back delete" in told for told in ada.told))
        await ada.press("down", "u")
        await ada.until(lambda: any("it was already" in told for told in ada.told))
        await ada.press("escape")
        await ada.sees("5 sessions")
        await ada.press("U")
        await ada.sees("2 operations")
        await ada.press("enter")
        await ada.sees("3 operations")
        await ada.press("escape")
        await ada.sees("4 sessions")

    library_of_sessions.run(story, start_in_list=True, size=(140, 40))
