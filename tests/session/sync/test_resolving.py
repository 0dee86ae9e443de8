"""What a plan leaves open: two tips become one, what cannot be merged stays twice, and of two documents one stays."""

from __future__ import annotations

import json

import pytest

from superqode.session import Session
from superqode.session.git.repository import Repository
from superqode.session.sync.reconcile import Plan
from superqode.session.sync.resolving import resolve


@pytest.fixture
def repository(store, git) -> Repository:
    """A session and a fork of it, each with a word of its own."""
    session = Session(id="s", title="T")
    session.add_message("user", "hello")
    store.save(session)
    git("branch", "kept", "s")
    for name in ("s", "kept"):
        one = store.load(name)
        one.add_message("user", f"of {name}")
        store.save(one)
    return Repository(store.path)


def _tips(repository: Repository) -> tuple[str, str]:
    return repository.refs.read("refs/heads/s") or "", repository.refs.read("refs/heads/kept") or ""


def test_two_tips_become_one(repository, git):
    """Whichever is named first; the session is told as merged."""
    ours, theirs = _tips(repository)
    plans = [
        Plan({"refs/heads/s": pair[0]}, merges={"refs/heads/s": pair}) for pair in ((ours, theirs), (theirs, ours))
    ]
    assert [resolve(repository, plan) for plan in plans] == [({"s"}, set())] * 2
    assert plans[0].result == plans[1].result
    assert set(git("log", "-1", "--format=%P", plans[0].result["refs/heads/s"]).split()) == {ours, theirs}


def test_what_cannot_be_merged_stays_twice(repository, git):
    """Theirs under the name, ours under another that says whose it was, and people hear of it."""
    ours, _ = _tips(repository)
    strange = git("commit-tree", "-m", "by hand", git("mktree", stdin="").strip()).strip()
    plan = Plan({"refs/heads/s": ours}, merges={"refs/heads/s": (ours, strange)})
    merged, notes = resolve(repository, plan)
    assert merged == set()
    assert plan.result == {"refs/heads/s": strange, f"refs/heads/s-{ours[:8]}": ours}
    assert [(note.kind, note.session_id) for note in notes] == [("both", "s")]


def test_a_name_that_is_not_kept_is_told_by_a_save(store, repository, git):
    """Merged or not: a save renames the session, so that others can follow."""
    ours, theirs = _tips(repository)
    for merges in ({"refs/heads/a": (ours, theirs)}, {}):
        plan = Plan({"refs/heads/a": ours}, merges=merges, named={"refs/heads/a": "s"})
        resolve(repository, plan)
        told = git("log", "--format=%s", plan.result["refs/heads/a"]).splitlines()
        assert "rename: s to a" in told
        git("update-ref", "refs/heads/a", plan.result["refs/heads/a"])
        assert store.load("a").id == "a"
    assert store.verify().ok


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ({"generation": 1}, {"generation": 2}),
        ({"generation": 9}, {"generation": 1, "revoked_at": "2026-11-22T10:00:00Z"}),
        ({"updated_at": "2026-11-22T10:00:00Z"}, {"updated_at": "2026-11-23T10:00:00Z"}),
        ("damage", {}),
    ],
)
def test_of_two_documents_the_one_that_knows_more(repository, less, more):
    """A revocation stays, then the later update counts, and what cannot be read never does."""
    blobs = [
        repository.objects.write("blob", json.dumps(one).encode()[: 4 if one == "damage" else None])
        for one in (less, more)
    ]
    for pair in (blobs, blobs[::-1]):
        plan = Plan({}, documents={"ledger/shares/x.json": (pair[0], pair[1])})
        resolve(repository, plan)
        assert plan.result["ledger/shares/x.json"] == blobs[1]
