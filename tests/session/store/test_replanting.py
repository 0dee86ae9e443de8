"""Saves on a history that was scrubbed, written again on the new one: only what was replaced is another."""

from __future__ import annotations

import pytest

from superqode.session import Session
from superqode.session.git.repository import Repository
from superqode.session.store.replanting import Replanter
from superqode.session.store.scrubbed import SCRUBBED, Replaced, read_mark

SECRET = "Zugang-zum-Rechenzentrum-ist-4711"


@pytest.fixture
def scrubbed(store, git):
    """A session that was scrubbed, and, on another branch, what went on from its old history."""
    session = Session(id="s", title=f"about {SECRET}", tags=["one"])
    session.add_message("user", "hello")
    store.save(session)
    session.add_message("user", f"it is {SECRET}")
    session.create_snapshot(f"with {SECRET}", snapshot_id="snap")
    store.save(session)
    git("branch", "old", "s")
    other = store.load("old")
    other.tags.append("two")
    other.add_message("assistant", "of the old", agent_name="coder")
    store.save(other)
    store.restore("old", "snap")
    store.undo("old")
    git("update-ref", "refs/kept/snap", "refs/tags/s/snap")  # as another machine has it
    store.scrub("s", secrets=[SECRET])
    return store


def _marks(repository: Repository) -> list[Replaced]:
    return [read_mark(repository.objects, oid, name) for name, oid in repository.refs.items(SCRUBBED)]


def test_what_is_its_own_stays(scrubbed, git):
    """Each save has its author, times, and all that it added; fields that it did not touch are those of the new one."""
    repository = Repository(scrubbed.path)
    tip = git("rev-parse", "old").strip()
    made = Replanter(repository.objects, _marks(repository)).commit(tip)
    git("branch", "new", made)
    assert SECRET not in git("log", "-p", "--format=%B%an%cn", "new")
    assert git("merge-base", "new", "s") == git("rev-parse", "s")
    told = "--format=%an %ae %at %cn %ce %ct"
    assert git("log", told, "s..new") == git("log", told, "-3", "old")
    session = scrubbed.load("new")
    assert [message.content for message in session.messages[::2]] == ["hello", "of the old"]
    assert session.tags == ["one", "two"]
    assert session.title.startswith("about [REDACTED:")
    assert [finding for finding in scrubbed.verify(["new"]).findings if finding.severity == "error"] == []
    restored = [line for line in git("log", "--format=%B", "new").splitlines() if line.startswith("Superqode-Restores")]
    assert all(git("merge-base", "--is-ancestor", line.split()[1], "new") == "" for line in restored)
    assert len(restored) == 2


def test_the_same_on_every_machine_and_again(scrubbed, git):
    """Two machines write the same commits, and there is nothing left to write afterwards."""
    repository = Repository(scrubbed.path)
    tip = git("rev-parse", "old").strip()
    made = {Replanter(repository.objects, _marks(repository)).commit(tip) for _ in range(2)}
    (new,) = made
    first = Replanter(repository.objects, _marks(repository))
    first.commit(tip)
    again = Replanter(repository.objects, [*_marks(repository), first.fresh])
    assert again.commit(tip) == again.commit(new) == new
    assert not again.fresh


def test_nothing_is_touched_without_a_reason(scrubbed, git):
    """Other sessions stay, and so does everything where what replaced it is not here though nobody purged it."""
    repository = Repository(scrubbed.path)
    session = Session(id="t")
    session.add_message("user", f"also {SECRET}")
    alone = scrubbed.save(session).tip
    old = git("rev-parse", "old").strip()
    assert Replanter(repository.objects, _marks(repository)).commit(alone) == alone
    lost = [Replaced({oid: "f" * 40 for mark in _marks(repository) for oid in mark.commits})]
    assert Replanter(repository.objects, lost).commit(old) == old


def test_what_was_purged_takes_only_itself_along(scrubbed, git):
    """Where what replaced it was purged, later saves keep what they added, and what was before the secret."""
    repository = Repository(scrubbed.path)
    (mark,) = _marks(repository)
    lost = [Replaced(dict.fromkeys(mark.commits, "f" * 40), dict.fromkeys(mark.tags, "f" * 40))]
    git("branch", "new", Replanter(repository.objects, lost, purged=True).commit(git("rev-parse", "old").strip()))
    assert SECRET not in git("log", "-p", "--format=%B", "new")
    session = scrubbed.load("new")
    assert [message.content for message in session.messages] == ["of the old"]
    assert session.tags == ["two"]
    assert scrubbed.verify(["new"]).ok


def test_marks_that_go_round_in_circles(scrubbed, git):
    """A mark that somebody made up ends nowhere, and changes nothing."""
    repository = Repository(scrubbed.path)
    tips = [git("rev-parse", name).strip() for name in ("old", "old~1", "s")]
    circle = [Replaced(dict(zip(tips, [*tips[1:], tips[0]], strict=True)))]
    replanter = Replanter(repository.objects, circle, purged=False)
    assert [replanter.commit(tip) for tip in tips[:2]] == tips[:2]
