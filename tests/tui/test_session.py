"""One session: written into, moved through, gone back in, forked; saved after each step."""

from __future__ import annotations

import asyncio

import pytest

from superqode.session import Session
from superqode.session.errors import SaveFailed
from superqode.tui.screens.dialogs.asking import Ask
from superqode.tui.screens.point import PointScreen
from superqode.tui.screens.search import SearchScreen
from superqode.tui.screens.session.history import HistoryPane
from superqode.tui.screens.session.screen import SessionScreen
from superqode.tui.screens.sessions import SessionsScreen
from superqode.tui.settings import Agent


def _said(tui, session_id="fix-sql"):
    with tui.open_store() as store:
        return [message.content for message in store.load(session_id).messages]


def test_a_note_is_saved_when_it_is_sent(library_of_sessions):
    """Enter saves what was typed before anything else; Shift+Enter only begins another line."""

    async def story(ada):
        await ada.type("first line")
        await ada.press("ctrl+j")
        await ada.type("second")
        await ada.press("enter")
        await ada.until(lambda: _said(library_of_sessions)[-1] == "first line\nsecond")
        await ada.sees("first line", "second", "4 messages")
        assert ada.app.screen.prompt.text == ""

    library_of_sessions.run(story, session="fix-sql")


def test_a_long_session_opens_by_its_end(tui):
    """Of very many entries the last ones are read and shown, notes go behind them, and `g` brings the beginning."""
    with tui.open_store() as store:
        session = Session(id="long", title="Long")
        for number in range(700):
            session.add_message("user", f"number {number}")
        store.save(session)

    async def story(ada):
        await ada.sees("number 699", "700 messages, 0 calls · the last 500; g shows all")
        await ada.type("a note")
        await ada.press("enter")
        await ada.until(lambda: _said(tui, "long")[-1] == "a note")
        assert len(ada.app.screen.view.entries) == 501
        await ada.press("escape", "g")
        await ada.sees("number 0", "701 messages")
        assert [entry.content for entry in ada.app.screen.view.entries] == _said(tui, "long")
        assert len(_said(tui, "long")) == 701

    tui.run(story, session="long")


def test_the_files_of_a_long_session_are_those_of_all_of_it(tui):
    """The tab of files reads what stands before the end."""
    with tui.open_store() as store:
        session = Session(id="long", title="Long")
        session.add_tool_execution("edit_file", {"path": "src/first.py"}, "done", success=True)
        for number in range(600):
            session.add_message("user", f"number {number}")
        store.save(session)

    async def story(ada):
        await ada.press("f5")
        await ada.sees("src/first.py", "1 call")

    tui.run(story, session="long")


def _without_bar(ada):
    """What the conversation shows, without its scroll bar."""
    return [line[:99].rstrip() for line in ada.shown.split("\n")[3:25]]


def test_reading_the_whole_session_moves_nothing(tui):
    """Whoever looks at the files of a long session and comes back reads on where they were, the same entry current."""
    with tui.open_store() as store:
        session = Session(id="long", title="Long")
        for number in range(600):
            session.add_message("user", f"number {number}")
        store.save(session)

    async def story(ada):
        view = ada.app.screen.view
        await ada.press("escape", "pageup", "pageup", "k")
        seen, current = _without_bar(ada), view.entries[view.current].id
        await ada.press("4")
        await ada.until(lambda: len(view.entries) == 600)
        assert view.virtual_size.height >= 600 * 2
        await ada.press("1")
        await ada.until(lambda: view.size.height > 0)
        assert _without_bar(ada) == seen
        assert view.entries[view.current].id == current

    tui.run(story, session="long")


@pytest.mark.parametrize(("key", "first"), [("up", "run 100"), ("g", "run 0")])
def test_what_stands_before_the_end_comes_as_one_scrolls(tui, key, first):
    """Scrolling past the first entry at hand brings those before it, and stays there; `g` goes on. Nothing opens."""
    with tui.open_store() as store:
        session = Session(id="long", title="Long")
        for number in range(600):
            session.add_tool_execution("bash", {"command": f"run {number} of it"}, "done", success=True)
        store.save(session)

    async def story(ada):
        view = ada.app.screen.view
        await ada.press("escape")
        view.scroll_to(y=1, animate=False)
        await ada.press(key)
        await ada.until(lambda: len(view.entries) == 600)
        await ada.until(lambda: f"{first} of it" in ada.shown.split("\n")[3])
        assert "▾" not in ada.shown
        assert view.current == -1

    tui.run(story, session="long")


def test_the_first_thing_said_names_a_session(tui):
    """A session begun without a title is called by the first thing said in it."""

    async def story(ada):
        await ada.press("n", "enter")
        await ada.until(lambda: isinstance(ada.app.screen, SessionScreen))
        await ada.type("Why is it slow?")
        await ada.press("enter")
        await ada.sees("Why is it slow?")
        await ada.until(lambda: ada.app.screen.opened.session.title == "Why is it slow?")

    tui.run(story)


def test_calls_fold_and_open(library_of_sessions):
    """A call is one line until Enter, a click or `t` opens it; then its edit is a diff."""

    async def story(ada):
        view = ada.app.screen.view
        await ada.press("escape", "g")
        await ada.sees("▸ ✓ edit_file", "users.py")
        assert "- run" not in ada.shown
        await ada.press("j", "j", "j", "j", "enter")
        await ada.sees("▾ ✓ edit_file", '-run(f"… {name}")', '+run("… ?", name)')
        await ada.press("enter")
        await ada.sees("▸ ✓ edit_file")
        row = ada.shown.split("\n").index(next(line for line in ada.shown.split("\n") if "edit_file" in line))
        await ada.pilot.click("#conversation-view", offset=(6, row - view.region.y))
        await ada.sees("▾ ✓ edit_file")
        await ada.press("t", "t", "end")
        await ada.press("t")
        await ada.sees("▾ ✓ write_file")

    library_of_sessions.run(story, session="fix-sql", size=(100, 50))


def test_an_entry_is_copied(library_of_sessions):
    """`y` copies what the current entry says, whole."""

    async def story(ada):
        await ada.press("escape", "g", "j", "y")
        assert ada.app.clipboard == _said(library_of_sessions)[0]

    library_of_sessions.run(story, session="fix-sql")


def test_undo_redo_and_snapshots_are_saves(library_of_sessions):
    """`u` goes back a save, `r` forward again, `s` names the present state; the store has all of it."""

    async def story(ada):
        await ada.press("escape", "u")
        await ada.until(lambda: len(_said(library_of_sessions)) == 2)
        await ada.sees("2 messages, 3 calls")
        await ada.press("r")
        await ada.sees("3 messages, 4 calls")
        await ada.press("r")
        await ada.until(lambda: any("redo" in told.lower() for told in ada.told))
        await ada.press("s")
        await ada.type("All is well")
        await ada.press("enter")
        await ada.until(lambda: "The snapshot is taken" in ada.told)
        with library_of_sessions.open_store() as store:
            assert store.load("fix-sql").snapshots[-1].description == "All is well"
            assert [save.action for save in store.history("fix-sql")][:3] == ["redo", "undo", "save"]

    library_of_sessions.run(story, session="fix-sql")


def test_history_tells_what_each_save_added(library_of_sessions):
    """The timeline has every save and snapshot, and tells of the highlighted one what it changed."""

    async def story(ada):
        await ada.press("escape", "2")
        await ada.sees("+1 message +1 call", "◆ before-the-test", "+3 calls")
        await ada.sees("+ write_file", "files_created")
        await ada.press("down")
        await ada.sees("by bash" if "by bash" in ada.shown else "+ bash", "pytest -q")
        assert len(ada.app.screen.query_one(HistoryPane).rows.items) == 4

    library_of_sessions.run(story, session="fix-sql", size=(140, 40))


def test_any_point_is_viewed_gone_back_to_and_forked(library_of_sessions):
    """Enter shows the session as it was then; `b` goes back to it with a new save, `f` forks there."""

    async def story(ada):
        await ada.press("escape", "2", "down", "down", "enter")
        await ada.until(lambda: isinstance(ada.app.screen, PointScreen))
        await ada.sees("as of 2026-11-22 10:01", "I'll look at the file first.")
        assert "write_file" not in ada.shown
        await ada.press("b")
        await ada.sees("2 messages, 0 calls")
        with library_of_sessions.open_store() as store:
            assert store.history("fix-sql")[0].action == "restore"
        await ada.press("end", "f")
        await ada.sees("Fork of Fix SQL")
        await ada.press("end")
        await ada.type(" early")
        await ada.press("enter")
        await ada.until(lambda: isinstance(ada.app.screen, SessionScreen) and ada.app.screen.opened.id != "fix-sql")
        assert ada.app.screen.opened.session.title == "Fork of Fix SQL injection early"
        assert len(ada.app.screen.opened.session.messages) == 1
        assert ada.app.screen.opened.session.parent_session_id == "fix-sql"

    library_of_sessions.run(story, session="fix-sql")


def test_the_lineage_leads_to_relatives(library_of_sessions):
    """The tree shows forks under what they came from; Enter opens one."""

    async def story(ada):
        await ada.press("escape", "3")
        await ada.sees("● Fix SQL injection", "└─ ○ With an ORM instead")
        assert "parser" not in ada.shown
        await ada.press("down", "enter")
        await ada.until(lambda: isinstance(ada.app.screen, SessionScreen) and ada.app.screen.opened.id == "with-orm")

    library_of_sessions.run(story, session="fix-sql")


def test_files_tell_what_touched_them(library_of_sessions):
    """The files a session made and changed, and the calls that did it, as diffs."""

    async def story(ada):
        await ada.press("escape", "4")
        await ada.sees("+ test_users.py", "~ users.py", "def test_quotes")
        await ada.press("down")
        await ada.sees('-run(f"… {name}")')

    library_of_sessions.run(story, session="fix-sql")


def test_a_hit_opens_its_session_at_the_place(library_of_sessions):
    """Search finds as one types; Enter on a hit opens the session with the very entry current, and opened."""

    async def story(ada):
        await ada.press("ctrl+f")
        await ada.until(lambda: isinstance(ada.app.screen, SearchScreen))
        await ada.type("test_quotes")
        await ada.sees("test_quotes", "call 6")
        await ada.press("enter", "home")
        await ada.until(lambda: any(hit.session_id == "fix-sql" for hit in ada.app.screen.hits.items))
        hits = ada.app.screen.hits
        hits.move_to(next(n for n, hit in enumerate(hits.items) if hit.session_id == "fix-sql"))
        await ada.press("enter")
        await ada.until(lambda: isinstance(ada.app.screen, SessionScreen))
        await ada.until(lambda: ada.app.screen.view.current == 5)
        await ada.sees("▾ ✓ write_file", "def test_quotes")
        assert ada.app.screen.opened.id == "fix-sql"

    library_of_sessions.run(story, session="with-orm", size=(80, 24))


def test_words_that_nothing_has_are_told(library_of_sessions):
    """Any text is a query, and one that finds nothing says so."""

    async def story(ada):
        await ada.press("ctrl+f")
        await ada.type('"open quote [red')
        await ada.sees("Nothing found")

    library_of_sessions.run(story, start_in_list=True)


def test_what_others_say_in_the_open_session_appears(library_of_sessions):
    """Another process's save is taken in by itself; writing on merges nothing and loses nothing."""

    async def story(ada):
        with library_of_sessions.open_store() as other:
            theirs = other.load("fix-sql")
            theirs.add_message("user", "from another window")
            other.save(theirs)
        await ada.sees("from another window", "4 messages")
        await ada.type("from here")
        await ada.press("enter")
        await ada.until(lambda: _said(library_of_sessions)[-2:] == ["from another window", "from here"])

    library_of_sessions.run(story, session="fix-sql")


def test_looks_that_overtake_each_other_show_what_was_read(library_of_sessions, monkeypatch):
    """Where the store changes again while another's save is read in, what was read is shown."""

    async def story(ada):
        screen, opened = ada.app.screen, ada.app.screen.opened
        begun, ready = asyncio.Event(), asyncio.Event()

        async def slow(*args, real=opened._store.load, **options):
            begun.set()
            await ready.wait()
            return await real(*args, **options)

        monkeypatch.setattr(opened._store, "load", slow)
        with library_of_sessions.open_store() as other:
            theirs = other.load("fix-sql")
            theirs.add_message("user", "from another window")
            other.save(theirs)
        screen.store_changed()
        await begun.wait()
        screen.store_changed()
        await ada.pilot.pause()
        ready.set()
        await ada.sees("from another window", "4 messages")

    library_of_sessions.run(story, session="fix-sql")


@pytest.mark.parametrize("name", ["my[red]agent", "my[/b]agent"])
def test_an_agents_name_is_no_markup(library_of_sessions, name):
    """A name from the config file stands at the prompt as it is written."""

    async def story(ada):
        await ada.sees(f"to {name}")

    library_of_sessions.run(story, session="fix-sql", agents=(Agent(name, ("x",)),), agent=name)


def test_a_session_deleted_elsewhere_is_left(library_of_sessions):
    """Where another process deletes the open session, the list comes back with a notice."""

    async def story(ada):
        with library_of_sessions.open_store() as other:
            other.delete("fix-sql")
        await ada.until(lambda: isinstance(ada.app.screen, SessionsScreen))
        assert any("trash" in told for told in ada.told)

    library_of_sessions.run(story, session="fix-sql")


@pytest.mark.parametrize("agent", ["", "scripted"])
def test_what_is_written_into_a_deleted_session_is_not_lost(library_of_sessions, scripted, agent):
    """A note or prompt that comes too late stays in the prompt, and is said once the trash has given the session back."""

    async def story(ada):
        await ada.type("too late")
        with library_of_sessions.open_store() as other:
            other.delete("fix-sql")
            await ada.press("enter")
            await ada.until(lambda: any("What you wrote stays here" in told for told in ada.told))
            ada.app.screen.store_changed()
            await ada.pilot.pause()
            await ada.until(lambda: not [worker for worker in ada.app.workers if worker.group == "looking"])
            assert ada.app.screen.prompt.text == "too late"
            assert not any("session.fork" in told for told in ada.told)
            other.undelete(other.trash()[0].key)
        await ada.press("enter")
        await ada.until(lambda: "too late" in _said(library_of_sessions))
        assert _said(library_of_sessions).count("too late") == 1

    library_of_sessions.run(story, session="fix-sql", agents=(scripted,), agent=agent)


def test_a_question_outlives_the_session_it_is_about(library_of_sessions):
    """Where the session is deleted elsewhere while a question stands over it, the question stays till it is answered."""

    async def story(ada):
        await ada.press("escape", "s")
        await ada.until(lambda: isinstance(ada.app.screen, Ask))
        with library_of_sessions.open_store() as other:
            other.delete("fix-sql")
        ada.app.screen_stack[1].store_changed()
        await ada.until(lambda: any("was deleted" in told for told in ada.told))
        await ada.pilot.pause()
        assert isinstance(ada.app.screen, Ask)
        await ada.press("escape")
        await ada.until(lambda: isinstance(ada.app.screen, SessionsScreen))
        assert len(ada.app.screen_stack) == 1

    library_of_sessions.run(story, session="fix-sql")


@pytest.fixture
def full_disk():
    """Saves of the open session fail: `fill` begins it, `free` ends it."""

    class Disk:
        def fill(self, ada):
            async def full(_session):
                raise SaveFailed("fix-sql", "not saved", "No space left on device")

            self.patched = pytest.MonkeyPatch()
            self.patched.setattr(ada.app.screen.opened._store, "save", full)

        def free(self):
            self.patched.undo()

    return Disk()


async def _writes_in_vain(ada, text):
    await ada.type(text)
    await ada.press("enter")
    await ada.until(lambda: any("No space left" in told for told in ada.told))
    await ada.sees(text)


def test_what_others_save_does_not_take_the_place_of_what_is_not_saved(library_of_sessions, full_disk):
    """A note whose save failed is still there when another process saves, and is saved with what that one said."""

    async def story(ada):
        full_disk.fill(ada)
        await _writes_in_vain(ada, "from here")
        full_disk.free()
        with library_of_sessions.open_store() as other:
            theirs = other.load("fix-sql")
            theirs.add_message("user", "from another window")
            other.save(theirs)
        await ada.sees("from here", "from another window", "5 messages")
        assert sorted(_said(library_of_sessions)[-2:]) == ["from another window", "from here"]

    library_of_sessions.run(story, session="fix-sql")


def test_what_others_save_on_a_full_disk_leaves_the_words(library_of_sessions, full_disk):
    """Where the disk is still full when another process has saved, the note stays on the screen for the next save."""

    async def story(ada):
        full_disk.fill(ada)
        await _writes_in_vain(ada, "from here")
        with library_of_sessions.open_store() as other:
            theirs = other.load("fix-sql")
            theirs.add_message("user", "from another window")
            other.save(theirs)
        await ada.until(lambda: len(ada.told) > 1)
        await ada.sees("from here")
        full_disk.free()
        await ada.type("again")
        await ada.press("enter")
        await ada.until(lambda: len(_said(library_of_sessions)) == 6)
        assert {"from another window", "from here", "again"} <= set(_said(library_of_sessions))

    library_of_sessions.run(story, session="fix-sql")


def test_undo_keeps_what_is_not_saved(library_of_sessions, full_disk):
    """An undo after a save that failed saves first: it takes back that note, and a redo brings it again."""

    async def story(ada):
        full_disk.fill(ada)
        await _writes_in_vain(ada, "from here")
        full_disk.free()
        await ada.press("escape", "u")
        await ada.until(lambda: "Undone; r takes it back" in ada.told)
        assert len(_said(library_of_sessions)) == 3
        await ada.press("r")
        await ada.until(lambda: _said(library_of_sessions)[-1] == "from here")

    library_of_sessions.run(story, session="fix-sql")


def test_what_is_not_saved_is_tried_again_when_one_leaves(library_of_sessions, full_disk):
    """Leaving the session saves what could not be saved before, where the disk has room again."""

    async def story(ada):
        full_disk.fill(ada)
        await _writes_in_vain(ada, "from here")
        full_disk.free()

    library_of_sessions.run(story, session="fix-sql")

    assert _said(library_of_sessions)[-1] == "from here"


def test_a_note_that_waits_is_kept_when_one_leaves(library_of_sessions, monkeypatch):
    """Whoever quits while a note waits for what another process saved to be read in loses nothing of it."""

    async def story(ada):
        screen, opened = ada.app.screen, ada.app.screen.opened
        begun, left = asyncio.Event(), asyncio.Event()

        async def slow(*args, real=opened._store.load, **options):
            begun.set()
            await left.wait()
            return await real(*args, **options)

        async def leaves(real=screen._end_talk):
            asyncio.get_running_loop().call_later(0.3, left.set)
            await real()

        monkeypatch.setattr(opened._store, "load", slow)
        monkeypatch.setattr(screen, "_end_talk", leaves)
        with library_of_sessions.open_store() as other:
            theirs = other.load("fix-sql")
            theirs.add_message("user", "from another window")
            other.save(theirs)
        ada.app.screen.store_changed()
        await begun.wait()
        await ada.type("from here")
        await ada.pilot.press("enter", "ctrl+q")

    library_of_sessions.run(story, session="fix-sql")

    assert _said(library_of_sessions)[-2:] == ["from another window", "from here"]


def test_a_full_disk_is_a_notice_and_the_words_stay(library_of_sessions, monkeypatch):
    """A save that fails is told of; what was said stays in memory, and the next save has it."""

    async def story(ada):
        from superqode.session.errors import SaveFailed

        opened = ada.app.screen.opened
        whole = opened._store.save

        async def full(_session):
            raise SaveFailed("fix-sql", "not saved", "No space left on device")

        monkeypatch.setattr(opened._store, "save", full)
        await ada.type("one")
        await ada.press("enter")
        await ada.until(lambda: any("No space left" in told for told in ada.told))
        await ada.sees("4 messages")
        monkeypatch.setattr(opened._store, "save", whole)
        await ada.type("two")
        await ada.press("enter")
        await ada.until(lambda: _said(library_of_sessions)[-2:] == ["one", "two"])

    library_of_sessions.run(story, session="fix-sql")
