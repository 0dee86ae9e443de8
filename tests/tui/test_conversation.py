"""A long conversation: only what is seen is drawn, and the view keeps its place."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from textual import on
from textual.app import App
from textual.events import MouseScrollUp

from superqode.session.models import Message, ToolExecution
from superqode.tui.entries import draw_entry
from superqode.tui.widgets import drawings
from superqode.tui.widgets.conversation import Conversation


def _entries(number):
    made = []
    for place in range(number):
        if place % 3 == 2:
            made.append(
                ToolExecution(tool_name="bash", arguments={"command": f"run {place}"}, result="ok", success=True)
            )
        else:
            role = "assistant" if place % 3 else "user"
            made.append(Message(role=role, content=f"# Entry {place}\n\n" + "word " * (place % 90) + "\n\n- a\n- b"))
    return made


class _App(App):
    tops = 0

    def compose(self):
        yield Conversation()

    @on(Conversation.TopReached)
    def _top(self):
        self.tops += 1


def _live(story, size=(80, 24)):
    async def live():
        app = _App()
        async with app.run_test(size=size) as pilot:
            view = app.query_one(Conversation)
            await story(view, pilot)

    asyncio.run(live())


def _shown(view):
    return ["".join(segment.text for segment in view.render_line(y)).rstrip() for y in range(view.size.height)]


def test_only_what_is_near_the_view_is_drawn():
    """Of ten thousand entries a hundred at most are drawn, at the end, after a jump, and at the beginning."""

    async def story(view, pilot):
        view.show(_entries(10_000))
        view.action_scroll_end()
        await pilot.pause()
        assert view.is_vertical_scroll_end
        assert view.drawn_count < 100
        view.jump_to(5000)
        await pilot.pause()
        assert any("Entry 5000" in line or "run 5000" in line for line in _shown(view))
        view.action_scroll_home()
        await pilot.pause()
        assert view.scroll_offset.y == 0
        assert view.drawn_count < 300

    _live(story)


def test_lines_far_from_the_view_are_let_go():
    """However much was seen, only lines of some screenfuls are kept; heights stay, and what comes back looks alike."""

    async def story(view, pilot):
        view.show(_entries(300))
        await pilot.pause()
        seen = []
        for _ in range(25):
            seen.append((view.scroll_offset.y, _shown(view)))
            view.action_page_down()
        assert view.drawn_count < 80
        height = view.virtual_size.height
        for before in reversed(seen):
            view.action_page_up()
            assert (view.scroll_offset.y, _shown(view)) == before
        assert view.virtual_size.height == height
        for place in range(0, 300, 30):
            view.jump_to(place)
        assert view.drawn_count < 80

    _live(story)


@pytest.mark.parametrize("step", [-1, 1])
def test_scrolling_by_lines_shows_every_line_once(step):
    """Each step moves what is seen by one line, also where entries turn out higher or lower than they were guessed."""

    async def story(view, pilot):
        view.show(_entries(300))
        await pilot.pause()
        if step < 0:
            view.action_scroll_end()
        seen = [_shown(view)]
        for _ in range(150):
            (view.action_scroll_down if step > 0 else view.action_scroll_up)()
            await pilot.pause()
            seen.append(_shown(view))
        for before, after in pairwise(seen):
            upper, lower = (before, after) if step > 0 else (after, before)
            assert upper[1:] == lower[:-1]

    _live(story)


def test_the_end_stays_the_end_and_another_place_stays():
    """New entries are followed at the end; a reader further up is not moved."""

    async def story(view, pilot):
        entries = _entries(200)
        view.show(entries[:100])
        view.action_scroll_end()
        view.show(entries)
        await pilot.pause()
        assert view.is_vertical_scroll_end
        assert any("Entry 199" in line or "run 197" in line for line in _shown(view))
        view.jump_to(50)
        await pilot.pause()
        before = _shown(view)
        view.show([*entries, *_entries(5)])
        await pilot.pause()
        assert _shown(view) == before

    _live(story)


def test_every_way_to_the_top_tells_of_it():
    """Also where the top is reached as entries turn out lower than guessed; who stands there may ask once more."""

    async def story(view, pilot):
        view.focus()
        view.action_scroll_end()
        view.show([Message(role="user", content="a" + "\n" * 60 + "b") for _ in range(50)])
        await pilot.pause()
        view.scroll_to(y=5, animate=False)
        await pilot.pause()
        assert (view.scroll_offset.y, view.app.tops) == (0, 1)
        await pilot.press("up", "pageup")
        assert view.app.tops == 3
        await pilot._post_mouse_events([MouseScrollUp], Conversation)
        assert view.app.tops == 4
        await pilot.press("pagedown", "up")
        assert view.app.tops == 4

    _live(story)


@pytest.fixture
def drawn(monkeypatch):
    """The ids of the entries that are drawn, each time one is."""
    made = []

    def draw(entry, look, *, opened):
        made.append(entry.id)
        return draw_entry(entry, look, opened=opened)

    monkeypatch.setattr(drawings, "draw_entry", draw)
    return made


def test_what_comes_in_front_or_goes_there_moves_nothing(drawn):
    """A session that is read whole or loaded anew keeps the view, the current entry, and the lines of what stays."""

    async def story(view, pilot):
        entries = _entries(400)
        view.show(entries[200:])
        await pilot.pause()
        view.jump_to(100)
        await pilot.pause()
        view.scroll_to(y=view.scroll_offset.y - 5, animate=False)
        await pilot.pause()
        before, current = _shown(view), view.entries[view.current].id
        for others in (entries, [entry.model_copy() for entry in [*entries[210:], *_entries(10)]]):
            drawn.clear()
            view.show(others)
            await pilot.pause()
            assert _shown(view) == before
            assert view.entries[view.current].id == current
            assert not drawn

    _live(story)


def test_an_answer_that_grows_stays_where_it_is_read():
    """Whoever reads in the middle of a long answer is not moved by what it still grows by."""

    async def story(view, pilot):
        said = [f"line {number} of it\n\n" for number in range(80)]
        view.show(_entries(30))
        view.show_tail([Message(id="live", role="assistant", content="".join(said[:60]))])
        view.action_scroll_end()
        await pilot.pause()
        view.scroll_to(y=view.scroll_offset.y - 60, animate=False)
        await pilot.pause()
        before = _shown(view)
        view.show_tail([Message(id="live", role="assistant", content="".join(said))])
        await pilot.pause()
        assert _shown(view) == before

    _live(story)


def test_a_tail_gives_way_to_what_is_saved():
    """An answer on its way is shown at the end, grows, and is replaced by the saved entries."""

    async def story(view, pilot):
        entries = _entries(4)
        view.show(entries[:3])
        view.action_scroll_end()
        for text in ("Hel", "Hello"):
            view.show_tail([Message(id="live", role="assistant", content=text)])
            await pilot.pause()
            assert any(line.strip() == text for line in _shown(view))
        view.show(entries)
        await pilot.pause()
        assert [entry.id for entry in view.entries] == [entry.id for entry in entries]

    _live(story)


def test_another_width_keeps_the_entry_at_the_top():
    """After a resize the same entry is at the top, wrapped anew."""

    async def story(view, pilot):
        view.show(_entries(500))
        await pilot.pause()
        view.jump_to(301)
        await pilot.pause()
        await pilot.resize_terminal(40, 24)
        await pilot.pause()
        assert any("Entry 301" in line for line in _shown(view)[:6])

    _live(story)


def test_hostile_entries_are_inert_and_bounded():
    """Controls are escapes, markup is text, HTML is seen, and a huge result is cut with a word about it."""

    async def story(view, pilot):
        huge = ToolExecution(
            tool_name="x[red]\x1b", arguments={"a": "\x1b]0;t\x07"}, result="line\n" * 200_000, success=True
        )
        view.show([Message(role="assistant", content="<b>seen</b> [bold]x[/bold] \x1b[2J \u202e"), huge])
        view.action_fold_all()
        await pilot.pause()
        text = "\n".join(_shown(view))
        assert r"<b>seen</b> [bold]x[/bold] \x1b[2J \u202e" in text
        assert r"x[red]\x1b" in text
        assert "\x1b" not in text
        view.action_scroll_end()
        await pilot.pause()
        assert any("1,000,000 characters in all" in line for line in _shown(view))
        assert view.virtual_size.height < 1000

    _live(story)


def test_a_call_is_answered_when_its_execution_comes(drawn):
    """A call that was asked for is told as unanswered until the session has its execution; only that is drawn anew."""

    async def story(view, pilot):
        asked = {"id": "c1", "name": "read_file", "arguments": {"path": "x"}}
        said = [*_entries(3), Message(role="assistant", content="I look", tool_calls=[asked])]
        view.show(said)
        await pilot.pause()
        assert any("? read_file" in line for line in _shown(view))
        drawn.clear()
        done = ToolExecution(id="c1", tool_name="read_file", arguments={}, result="", success=True)
        view.show([*said, done], known=frozenset({"c1"}))
        await pilot.pause()
        assert not any("? read_file" in line for line in _shown(view))
        assert drawn == [said[-1].id, "c1"]
        view.show(said)
        await pilot.pause()
        assert any("? read_file" in line for line in _shown(view))

    _live(story)


def test_another_project_is_seen_in_what_was_drawn():
    """Paths are told from the session's project, also once that is another."""

    async def story(view, pilot):
        path = {"path": "/home/ada/shop/users.py"}
        call = ToolExecution(tool_name="read_file", arguments=path, result="", success=True)
        for project, told in (("/home", "ada/shop/users.py"), ("/home/ada/shop", "  users.py")):
            view.show([call], project=project)
            await pilot.pause()
            assert any(told in line for line in _shown(view))

    _live(story)


def test_only_another_theme_draws_anew(drawn):
    """Focus and the mouse change no colour of what is drawn; a theme does, and all that is seen has it."""

    async def story(view, pilot):
        view.show(_entries(50))
        await pilot.pause()
        drawn.clear()
        view.focus()
        await pilot.pause()
        await pilot.hover(Conversation)
        view.blur()
        await pilot.pause()
        assert not drawn
        before = list(view.render_line(5))
        view.app.theme = "textual-light"
        await pilot.pause()
        assert [piece.text for piece in view.render_line(5)] == [piece.text for piece in before]
        assert list(view.render_line(5)) != before
        assert {entry.id for entry in view.entries[:3]} <= set(drawn)

    _live(story)


def test_half_a_character_is_copied_as_a_question_mark():
    """What no encoding has, a lone half of a surrogate pair, does not stop the rest from being copied."""

    async def story(view, pilot):
        view.show([Message(role="user", content="a \ud83d b")])
        view.action_copy()
        assert view.app.clipboard == "a ? b"

    _live(story)
