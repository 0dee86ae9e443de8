"""What is remembered of a remote: read again as it was, and nothing at all where it is damaged or another sync's."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from superqode.session.git.repository import Repository
from superqode.session.sync.keys import new_key
from superqode.session.sync.manifest import Manifest
from superqode.session.sync.seen import standing
from superqode.session.sync.state import State, carry_state, forget_state, load_state, remote_folder, save_state

A, B, C = "a" * 40, "b" * 40, "c" * 40


@pytest.fixture
def repository(store_path):
    """A store."""
    return Repository.create(store_path)


def test_it_comes_back(repository):
    """As it was written, for this remote and this sync alone."""
    state = save_state(repository, "home", State("x", {"refs/heads/s": A}, B, 3, (C,), {"s": A}))
    assert load_state(repository, "home", "x") == state
    assert state.is_known
    assert load_state(repository, "home", "y") == State("y")
    assert load_state(repository, "other", "x") == State("x")
    forget_state(repository, "home", "x")
    assert load_state(repository, "home", "x") == State("x")


def test_only_the_time_is_new(repository):
    """The file, which is large where sessions are many, stays as it stands; the time is the last one all the same."""
    state = save_state(repository, "home", State("x", {"refs/heads/s": A}, B, 3, (C,), {"s": A}))
    file = remote_folder(repository, "home") / "x.json"
    inode = file.stat().st_ino
    again = save_state(repository, "home", replace(state, synced_at=None), state)
    assert file.stat().st_ino == inode
    assert again.synced_at > state.synced_at
    assert load_state(repository, "home", "x") == again
    other = save_state(repository, "home", replace(again, tip=C), again)
    assert load_state(repository, "home", "x") == other
    save_state(repository, "home", other, other)
    (file.with_suffix(".time")).write_bytes(b"\xff")
    assert load_state(repository, "home", "x") == other
    forget_state(repository, "home", "x")
    assert not list(file.parent.iterdir())


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"version": 2}', b'{"version": 1, "sync": "x"}', b"\xff\xfe", b"9" * 5000]
)
def test_damage_is_nothing(repository, content):
    """A file that is cut, garbage or of another version counts as none."""
    save_state(repository, "home", State("x"))
    (remote_folder(repository, "home") / "x.json").write_bytes(content)
    assert load_state(repository, "home", "x") == State("x")


def test_names_that_are_none_are_left_out(repository):
    """Nothing that could not be a ref gets out of the file."""
    save_state(repository, "home", State("x", {"refs/heads/s": A}))
    file = remote_folder(repository, "home") / "x.json"
    values = json.loads(file.read_text())
    values["view"] |= {"../../etc/passwd": A, "refs/heads/superqode": A, "refs/remotes/x": A}
    file.write_text(json.dumps(values))
    assert load_state(repository, "home", "x").view == {"refs/heads/s": A}


@pytest.mark.parametrize(
    ("tip", "generation", "previous", "kind"),
    [
        (B, 3, [C], "same"),
        (A, 4, [B, C], "newer"),
        (A, 99, [A] * 64, "newer"),  # further than a manifest tells
        (C, 2, [], "older"),
        (A, 4, [C], "parted"),
        (A, 2, [], "parted"),
    ],
)
def test_how_a_remote_stands_to_what_was_remembered(repository, tip, generation, previous, kind):
    """It went on, stands still, was put back, or was put back and went on: each is known for what it is."""
    state = save_state(repository, "home", State("x", {}, B, 3, (C,), {}))
    told = {"sync_id": new_key().id, "written_at": "2026-11-22T10:00:00Z", "written_by": "", "segments": ()}
    manifest = Manifest.model_validate(told | {"generation": generation, "previous": tuple(previous)})
    assert standing(state, tip, manifest).kind == kind
    assert standing(State("x"), tip, manifest).kind == "new"


def test_what_is_remembered_goes_on_under_another_key(repository):
    """The view and when it was met; of the old commits nothing, and the new ones build on it."""
    state = save_state(repository, "home", State("x", {"refs/heads/s": A}, B, 3, (C,), {"s": A}, settled=True))
    carry_state(repository, "home", state, "y")
    carried = load_state(repository, "home", "y")
    assert carried == State("y", {"refs/heads/s": A}, settled=True, synced_at=state.synced_at)
    told = {"sync_id": new_key().id, "written_at": "2026-11-22T10:00:00Z", "written_by": "", "segments": ()}
    manifest = Manifest.model_validate(told | {"generation": 1, "previous": ()})
    assert standing(carried, A, manifest) == ("newer", {"refs/heads/s": A})
