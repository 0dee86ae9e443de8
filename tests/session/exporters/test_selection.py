"""`Selection`: the last entries, without tools, without secrets, and never something that replaces the whole session."""

from __future__ import annotations

import pytest

from exported import everything, many, session_of
from superqode.session import Session, SessionStore
from superqode.session.exporters import ExportedSession
from superqode.session.exporters.selection import Selection
from superqode.session.ids import is_session_id
from superqode.session.models import Message, ToolExecution
from superqode.session.redaction import Redactor

SECRET = "correct-horse-battery"


def redactor() -> Redactor:
    """Mask one known text; the detector is tested elsewhere."""
    return Redactor(b"k" * 32, literals=[SECRET], detect=False)


def secretive() -> Session:
    """Make a session that has the secret in every place."""
    made = session_of(
        Message(id="m1", role="user", content=f"use {SECRET}", metadata={"x": [SECRET]}),
        ToolExecution(id="c1", tool_name="Bash", arguments={"command": SECRET}, result=SECRET, success=True),
        Message(id="m2", role="user", content="go on"),
        title=f"About {SECRET}",
        tags=[SECRET],
        project_path=f"/{SECRET}",
        metadata={"note": SECRET},
    )
    made.files_modified = [f"{SECRET}.txt"]
    made.create_snapshot(f"with {SECRET}", snapshot_id="snap-1")
    return made


def test_nothing_selected_is_the_session_itself():
    """Without a wish the very same session comes back, and so it does where a wish changes nothing."""
    made = everything()
    assert Selection().apply(made).session is made
    assert Selection(last=100).apply(made).session is made
    assert Selection(redactor=redactor()).apply(made).session is made


@pytest.mark.parametrize("last", [1, 3, 6])
def test_the_last_entries_are_those_of_the_timeline(last):
    """`last` counts messages and calls together, from the end."""
    made = everything()
    told = Selection(last=last).apply(made)
    assert told.session.timeline == made.timeline[-last:]
    assert told.left_out == len(made.timeline) - last
    assert told.session.snapshots == []


@pytest.mark.parametrize("last", [0, -1])
def test_an_export_of_nothing_is_refused(last):
    """`last` below 1 would be an empty export."""
    with pytest.raises(ValueError, match="at least 1"):
        Selection(last=last)


def test_without_tools_people_talk():
    """Executions, tool messages, asked calls and messages that only ask are gone; everything said stays."""
    made = everything()
    made.add(Message(id="only", role="assistant", content="", tool_calls=[{"id": "x", "name": "y", "input": {}}]))
    told = Selection(tools=False).apply(made).session
    assert [entry.id for entry in told.timeline] == ["m0", "m1", "m2", "m4"]
    assert told.messages[2].tool_calls is None
    assert told.messages[2].metadata["thinking"] == ["First I ponder.", "Then I act."]
    (snapshot,) = told.snapshots
    assert [entry.id for entry in snapshot.state.entries] == ["m0", "m1", "m2", "m4"]
    assert [entry.id for entry in Selection(last=2, tools=False).apply(made).session.timeline] == ["m2", "m4"]


def test_no_secret_is_left_anywhere():
    """Masked in messages, calls, title, tags, paths, metadata, snapshots and what they go back to; ids stay."""
    made = secretive()
    told = Selection(redactor=redactor()).apply(made)
    assert SECRET not in ExportedSession.of(told.session).to_json()
    assert [entry.id for entry in told.session.timeline] == ["m1", "c1", "m2"]
    assert told.masked >= 9
    assert told.left_out == 0
    assert SECRET in made.to_json()


def test_a_secret_in_a_snapshot_alone_is_masked():
    """What the session went back behind is still in its snapshot, and is looked through."""
    made = session_of(Message(id="m1", role="user", content="hello"))
    made.create_snapshot("first", snapshot_id="snap-1")
    made.add(Message(id="m2", role="user", content=SECRET))
    made.create_snapshot("second", snapshot_id="snap-2")
    made.restore_snapshot("snap-1")
    told = Selection(redactor=redactor()).apply(made)
    assert SECRET not in ExportedSession.of(told.session).to_json()
    assert told.masked == 1


def test_an_excerpt_says_what_it_is():
    """It has an id of its own, the same each time, its origin as parent, and counts in its metadata."""
    made = everything()
    first = Selection(last=2).apply(made).session
    again = Selection(last=2).apply(made).session
    other = Selection(last=3).apply(made).session
    assert first.id == again.id != other.id
    assert first.id.startswith("session-1-excerpt-")
    assert first.parent_session_id == "session-1"
    assert first.metadata["excerpt"] == {
        "of": "session-1",
        "entries": 2,
        "left_out": 5,
        "without_tools": False,
        "masked": 0,
    }
    assert "excerpt" not in made.metadata


@pytest.mark.parametrize("name", ["x" * 128, "feature/login", "été", "a.b"], ids=["long", "slash", "accent", "dots"])
def test_an_excerpt_has_an_id_that_can_be_saved(name):
    """Also where the branch was named by plain git."""
    assert is_session_id(Selection(last=1).apply(session_of(*many(3).timeline, id=name)).session.id)


def test_imported_it_stands_beside_the_whole(tmp_path):
    """An excerpt that is imported into the store it is of changes nothing there but adding itself."""
    made = secretive()
    made.metadata["imported"] = {"source_sha256": "0" * 64, "format": "x", "importer_version": 1}
    file = tmp_path / "part.json"
    told = Selection(last=1, redactor=redactor()).apply(made).session
    file.write_text(ExportedSession.of(told).to_json())
    with SessionStore(tmp_path / "store") as store:
        store.save(made)
        before = store.history(made.id)
        report = store.import_sources([file])
        assert report.count("new") == 1
        assert store.history(made.id) == before
        assert store.load(made.id).timeline == made.timeline
        assert store.load(told.id).timeline == told.timeline
        assert store.import_sources([file]).count("unchanged") == 1
