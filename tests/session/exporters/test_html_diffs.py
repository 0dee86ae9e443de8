"""Diffs on the page: only what a hunk says is coloured, and an edit shows all of both sides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exported import DIFF
from superqode.session.exporters.html.diffs import Edit, edit_diff, looks_like_diff, read_diff, split_edits

_lines = st.lists(
    st.sampled_from(["a", "b", "", "-x", "+y", "@@ -1,2 +1,2 @@", "--- q", "+++ q", "*** End Patch"]), max_size=12
)
_texts = st.builds(lambda lines, end: "\n".join(lines) + end, _lines, st.sampled_from(["", "\n"]))


def kinds(text: str, **options: bool) -> list[tuple[str, str]]:
    """The lines of a diff with their kinds."""
    return [(kind, line) for kind, lines in read_diff(text, **options) for line in lines.removesuffix("\n").split("\n")]


def test_only_hunks_are_coloured():
    """A list with dashes before and after a diff is no removed line."""
    told = {line: kind for kind, line in kinds(DIFF)}
    assert told["- a point"] == told["- another point"] == told[" same"] == ""
    assert (told["-old"], told["+new"], told["@@ -1,3 +1,3 @@ def f():"]) == ("del", "add", "hunk")
    assert told["--- a/x.py"] == told["diff --git a/x.py b/x.py"] == "file"


def test_the_patches_of_codex_are_read():
    """Their hunks have no counts; the patch ends where it says so."""
    text = "*** Begin Patch\n*** Update File: a.py\n@@\n-old\n+new\n*** End Patch\n- point"
    assert looks_like_diff(text)
    assert [kind for kind, _ in kinds(text)] == ["file", "file", "hunk", "del", "add", "file", ""]


@pytest.mark.parametrize(
    "text",
    ["- a\n+ b", "--- \ntitle: x\n---\n", "@@ mail", "a - b", "", "x *** Begin Patch"],
    ids=["list", "front matter", "at", "dash", "empty", "inside"],
)
def test_other_text_is_no_diff(text):
    """Lists, front matter and lone signs stay as they are."""
    assert not looks_like_diff(text)


@given(_texts)
def test_no_line_of_a_diff_is_lost(text):
    """Read as a diff, a text has the same lines in the same order."""
    assert "".join(lines for _, lines in read_diff(text)) == text + "\n"
    assert "".join(lines for _, lines in read_diff(text, whole=True)) == text + "\n"


@given(_texts, _texts)
def test_an_edit_shows_both_sides(old, new):
    """From the diff of an edit both sides can be told, but for a line feed at the end, which it names."""
    lines = [(kind, line) for kind, text in edit_diff(Edit(old, new)) for line in text.removesuffix("\n").split("\n")]
    sides = ("del", old), ("add", new)
    for side, text in sides:
        told = [line[1:] for kind, line in lines if kind in ("", side)]
        assert told == (text.removesuffix("\n").split("\n") if text else [])
    signs = {"add": "+", "del": "-", "": " ", "hunk": "\\"}
    assert all(line[:1] == signs[kind] for kind, line in lines)


def test_a_long_edit_takes_no_long_time():
    """Thousands of changed lines are shown out and in, without looking for what is alike in them."""
    edit = Edit("a\nb\n" * 50_000, "b\na\n" * 50_000)
    assert [kind for kind, _ in edit_diff(edit)] == ["del", "add"]


@pytest.mark.parametrize(
    ("arguments", "edits", "rest"),
    [
        ({"old_string": "a", "new_string": "b", "p": 1}, [("a", "b")], {"p": 1}),
        ({"oldString": "a", "newString": "b"}, [("a", "b")], {}),
        ({"edits": [{"oldText": "a", "newText": "b"}], "path": "x"}, [("a", "b")], {"path": "x"}),
        ({"edits": [{"old": "a", "new": "b", "all": True}]}, [], {"edits": [{"old": "a", "new": "b", "all": True}]}),
        ({"edits": []}, [], {"edits": []}),
        ({"old_string": 1, "new_string": "b"}, [], {"old_string": 1, "new_string": "b"}),
        ({"changes": {"a.py": {}}}, [], {"changes": {"a.py": {}}}),
    ],
    ids=["claude", "opencode", "list", "more is said", "none", "no text", "object"],
)
def test_edits_are_found_and_nothing_else_is_hidden(arguments, edits, rest):
    """Both sides are taken out of the arguments; what says more stays among them."""
    assert split_edits(arguments) == (edits, rest)
