"""Markdown, plain text and JSON Lines: a reader finds everything, and FORMAT.md tells the truth."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import superqode.session.exporters
from exported import DIFF, everything, session_of
from superqode.session.exporters import html, jsonlines, markdown, plaintext
from superqode.session.exporters.reading import duration, json_text, moment
from superqode.session.exporters.visible import json_safe, one_line, visible
from superqode.session.models import Message, ToolExecution

RENDERERS = {"markdown": markdown.render, "text": plaintext.render}


@pytest.mark.parametrize("name", list(RENDERERS))
def test_a_reader_finds_everything(name):
    """Roles, agents, times, thoughts, calls with arguments and results, failures, facts and snapshots are all there."""
    text = "".join(RENDERERS[name](everything())).replace("\\", "")
    for told in (
        "A title",
        "session-1",
        "security",
        "Before fix",
        "2026-11-22 09:58:14 UTC",
        "codex",
        "First I ponder.",
        "Fix the **login**",
        "git diff",
        "1.2 s",
        "ok",
        "failed",
        "Nap",
        '{"minutes": 5}',
        "five minutes later",
        "gone",
        "-old",
        "Done, at last.",
    ):
        assert told in text, told
    for role in ("system", "user", "assistant", "tool"):
        assert re.search(role, text, re.IGNORECASE)


@pytest.mark.parametrize("render", [*RENDERERS.values(), html.render], ids=[*RENDERERS, "html"])
def test_what_was_sent_along_is_told_of(render):
    """A picture or a file that came with a message or a result is named; its bytes are no part of a session."""
    told = [{"type": "image", "media_type": "image/png", "base64_length": 9}, {"type": "resource", "uri": "file:///a"}]
    message = Message(id="m", role="user", content="look", metadata={"attachments": told, "images": 1})
    call = ToolExecution(
        id="c", tool_name="Read", arguments={}, result="", success=True, metadata={"attachments": told}
    )
    text = "".join(render(session_of(message, call)))
    assert text.count("image/png") == text.count("resource file:///a") == 2
    assert len(re.findall("attached", text, re.IGNORECASE)) == 5
    odd = message.model_copy(update={"metadata": {"attachments": [7, {"type": 8}, "x"], "images": "many"}})
    assert "file" in "".join(render(session_of(odd)))


def test_markdown_keeps_markdown_and_fences_the_rest():
    """A message's tables and code stand in a quote, as they were written; results stand in fences, to the letter."""
    text = "".join(markdown.render(everything()))
    assert "> ## Plan\n>\n> 1. look\n> 2. mend\n>\n> ```py\n> print(1)\n> ```\n" in text
    assert f"```text\n{DIFF}\n```\n" in text


@pytest.mark.parametrize(
    "said",
    ["<b>x</b>", "![x](http://a/b.png)", "[x](javascript:y)", "[x](file:///etc)", "[a]: http://b", "\t<b>", "x\n<!--"],
    ids=["html", "picture", "script", "file", "definition", "tab", "comment"],
)
def test_what_would_reach_out_is_fenced(said):
    """HTML, pictures, links that are no web links and definitions are shown as text."""
    text = "".join(markdown.render(session_of(Message(id="m", role="user", content=said))))
    assert f"```text\n{said}\n```" in text


@pytest.mark.parametrize("run", [3, 4, 17])
def test_a_fence_is_longer_than_what_it_holds(run):
    """A result full of fences does not end its own."""
    result = "`" * run + "\n# out\n" + "`" * run
    call = ToolExecution(id="c", tool_name="`x`", arguments={}, result=result, success=True)
    text = "".join(markdown.render(session_of(call)))
    fence = "`" * (run + 1)
    assert f"\n{fence}text\n{result}\n{fence}\n" in text
    assert "Tool call `` `x` ``" in text


def test_lines_are_what_is_documented():
    """Each line has exactly the keys that FORMAT.md names, and it names the format."""
    document = (Path(superqode.session.exporters.__file__).parent / "FORMAT.md").read_text()
    assert jsonlines.FORMAT in document
    first, *rest = [json.loads(line) for line in jsonlines.render(everything())]
    assert first["type"] == "session"
    assert (first["messages"], first["executions"]) == (5, 2)
    (snapshot,) = first["snapshots"]
    assert snapshot == {
        "id": "snap-1",
        "created_at": "2026-11-22T09:58:00.000000Z",
        "description": "Before fix",
        "state": snapshot["state"],
    }
    assert snapshot["state"]["timeline"] == [line["id"] for line in rest]
    for told in (first, *rest):
        assert all(f"`{key}`" in document for key in told), told.keys()
    assert [line["type"] for line in rest] == ["message"] * 3 + ["call"] * 2 + ["message"] * 2
    rows = {
        row.split("|")[1].strip(" `"): set(re.findall(r"`(\w+)`", row)) for row in document.splitlines() if "| `" in row
    }
    for told in rest:
        assert rows[told["type"]] == (told.keys() - {"position"}) - {"type"} | {told["type"]}


def test_an_empty_session_is_told():
    """A session without entries is a heading and its facts."""
    empty = session_of(title="")
    assert "".join(markdown.render(empty)).startswith("# Session\n")
    assert "Title:          (none)\n" in "".join(plaintext.render(empty))
    assert len(list(jsonlines.render(empty))) == 1


@pytest.mark.parametrize(
    ("milliseconds", "told"),
    [(0, ""), (999, "999 ms"), (1000, "1.0 s"), (61_000, "1 min 1 s"), (2**63 - 1, "153,722,867,280,912 min 55 s")],
    ids=["unknown", "short", "second", "minute", "longest"],
)
def test_durations_are_for_people(milliseconds, told):
    """Milliseconds become what one would say; 0 means that it is not known."""
    assert duration(milliseconds) == told


def test_times_keep_their_year():
    """The first and last years have four digits."""
    made = session_of(Message(id="m", role="user", content="x", timestamp="0001-01-03T00:00:00Z"))
    assert moment(made.messages[0].timestamp) == "0001-01-03 00:00:00 UTC"


def test_nothing_stays_unseen():
    """Controls, overrides and tags become escapes; line feeds, tabs, emoji and other scripts stay."""
    assert visible("a\x1b\u202e\U000e0041\ud800\r\n\tb\r") == "a\\x1b\\u202e\\U000e0041\\ud800\n\tb\\x0d"
    kept = "👩‍👩‍👧 می‌خواهم 日本語 ❤️"
    assert visible(kept) == kept
    assert one_line("a\n\nb\x07", 0) == "a b\\x07"
    assert one_line("x" * 500, 10) == "x" * 9 + "…"
    assert one_line("x" + "\n" * 90, 10) == "x"[:1] + "…"


def test_json_means_the_same_when_it_is_safe():
    """What was escaped is read as it was."""
    value = {"\x9b\u2028": ["\U000e0041\u202e", "\ud800", "é\n\t"]}
    text = json_text(value)
    assert json.loads(text) == value
    assert json_safe(text) == text
    assert "\x9b" not in text
    assert "é" in text
