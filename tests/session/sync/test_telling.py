"""What people hear of a sync: what changed, and one line for each thing that is not plain."""

from __future__ import annotations

from typing import get_args, get_type_hints

from superqode.session.sync.notes import Note
from superqode.session.sync.results import Changed
from superqode.session.sync.telling import changed, notices


def test_what_changed_is_told_by_session():
    """New, gone on and gone are sessions; all else is counted."""
    before = {"refs/heads/a": "1", "refs/heads/b": "1", "refs/heads/c": "1", "refs/tags/a/x": "1"}
    after = {"refs/heads/b": "2", "refs/heads/c": "1", "refs/heads/d": "1", "ledger/marks.json": "1"}
    assert changed(before, after) == Changed(new=("d",), updated=("b",), deleted=("a",), other=2)
    assert not changed(before, before).any


def test_every_note_has_its_words():
    """Each kind names the session, and the other one where it is about two; each is said once, in one order."""
    kinds = get_args(get_type_hints(Note)["kind"])
    notes = [Note(kind, "first", "second") for kind in reversed(kinds)]
    lines = notices("home", [], {*notes, *notes})
    assert len(lines) == len(kinds)
    assert all("first" in line for line in lines)
    assert list(lines) == sorted(lines)
    assert sum("second" in line for line in lines) == 7


def test_a_remote_that_was_put_back_says_it_all():
    """Then no line for each session that it lacks."""
    (line,) = notices("home", ["older"], [Note("returned", "s")])
    assert line.startswith("home was put back")
    assert notices("home", ["newer"], [Note("returned", "s")])[0].startswith("s is missing")
