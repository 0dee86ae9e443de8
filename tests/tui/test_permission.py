"""The question for permission: nothing of what is approved is out of sight."""

from __future__ import annotations

import pytest

from superqode.acp import Option, Permission
from superqode.acp.permission import Diff
from superqode.session.models import ToolExecution
from superqode.tui.screens.dialogs.permission import PermissionDialog

OPTIONS = (Option("1", "Yes", "allow_once"), Option("2", "No", "reject_once"))


def _question(arguments, *diffs, options=OPTIONS):
    call = ToolExecution(id="c", tool_name="bash", arguments=arguments, result="", success=True)
    return Permission(call=call, options=options, diffs=diffs)


@pytest.fixture
def asked(tui, monkeypatch):
    """Run a story at a question; gives what was answered."""
    monkeypatch.setattr("superqode.tui.screens.dialogs.permission._QUIET", 0)

    def run(question, story, size=(100, 30)):
        answers = []

        async def live(ada):
            ada.app.push_screen(PermissionDialog(question, "/p"), answers.append)
            await ada.until(lambda: isinstance(ada.app.screen, PermissionDialog))
            await ada.sees("refuse")
            await story(ada)

        tui.run(live, size=size)
        return answers

    return run


def test_a_long_command_is_seen_to_its_end(asked):
    """A command that is longer than a line goes on in the next one."""
    command = f"cd{'/a-folder' * 20};rm\t-rf\t~/everything"

    async def story(ada):
        shown = "".join(line.strip(" │").removeprefix("↳ ") for line in ada.shown.split("\n"))
        assert command.replace("\t", "\\t") in shown
        await ada.press("a")

    assert asked(_question({"command": command}), story) == ["1"]


@pytest.mark.parametrize("key", ["a", "enter"])
def test_nothing_is_approved_before_its_end_was_in_view(asked, key):
    """What does not fit is scrolled by keys, and an approval waits for its end; a refusal does not."""
    lines = [f"echo {number}" for number in range(700)]
    question = _question({"lines": [*lines, "rm -rf ~/everything"]})

    async def approves(ada):
        await ada.sees("more below")
        await ada.press(key)
        await ada.sees("first read it to its end")
        assert isinstance(ada.app.screen, PermissionDialog)
        await ada.press("pagedown")
        await ada.sees("echo 30")
        await ada.press("end")
        await ada.sees("rm -rf ~/everything", "a approve")
        await ada.press(key)

    async def refuses(ada):
        await ada.press("r")

    assert asked(question, approves) == ["1"]
    assert asked(question, refuses) == ["2"]


def test_the_answers_are_seen_on_a_small_screen(asked):
    """However long the call and few the lines, what can be answered stands below it."""

    async def story(ada):
        await ada.sees("Yes", "No", "more below")
        await ada.press("end")
        await ada.sees("'end'", "Yes", "No")

    asked(_question({"lines": [*map(str, range(40)), "'end'"]}), story, (60, 12))


def test_arguments_beside_a_diff_are_seen(asked):
    """A call that shows a diff may carry more than that: what the diff does not show stands below it."""
    diff = Diff("/p/a.txt", "a", "b")

    async def story(ada):
        await ada.sees("-a", "+b", '"then": "rm -rf /"')
        assert "old_string" not in ada.shown

    asked(_question({"path": "/p/a.txt", "old_string": "a", "new_string": "b", "then": "rm -rf /"}, diff), story)


def test_what_is_too_much_to_be_read_is_counted(asked, monkeypatch):
    """Beyond a bound it is said how much is not shown."""
    monkeypatch.setattr("superqode.tui.screens.dialogs.permission._SHOWN_MAX", 100)

    async def story(ada):
        await ada.sees("characters more, which nobody sees here")

    asked(_question({"command": "x" * 1000}), story)
