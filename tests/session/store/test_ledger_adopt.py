"""The ledger's documents as files, and files put in their place: each only where nobody changed it meanwhile."""

from __future__ import annotations

import pytest

from superqode.session import Session
from superqode.session.git.repository import Repository
from superqode.session.store.ledger import SEEN, SHARES, Ledger


@pytest.fixture
def ledger(store, store_path):
    """A ledger with two documents."""
    store.save(Session(id="s"))
    made = Ledger(Repository(store_path))
    made.put(SHARES, {"a": {"n": 1}, "b": {"n": 2}}, "test")
    return made


def test_documents_are_files(ledger):
    """Each by its path, and the key of marks once there is one."""
    assert sorted(ledger.files()) == ["format", "shares/a.json", "shares/b.json"]
    ledger.mark_key()
    assert "marks.json" in ledger.files()


def test_files_are_put_in_place(ledger):
    """New ones, changed ones and removed ones, in one commit; the others stay."""
    files = ledger.files()
    one, two = files["shares/a.json"], files["shares/b.json"]
    ledger.adopt(
        {
            "shares/a.json": (one, two),
            "shares/b.json": (two, None),
            "seen/c.json": (None, one),
            "marks.json": (None, one),
        },
        "test",
    )
    assert ledger.documents(SHARES) == {"a": {"n": 2}}
    assert ledger.documents(SEEN) == {"c": {"n": 1}}
    assert ledger.files()["marks.json"] == one


def test_what_changed_meanwhile_stays(ledger):
    """Another state than was expected: that document is left as it is."""
    files = ledger.files()
    one, two = files["shares/a.json"], files["shares/b.json"]
    ledger.adopt({"shares/a.json": (two, None), "shares/b.json": (None, one), "shares/c.json": (one, two)}, "test")
    assert ledger.files() == files
