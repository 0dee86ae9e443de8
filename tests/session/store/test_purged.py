"""Marks of what was purged: only where a store is synced, one for each deletion, with nothing of the session."""

from __future__ import annotations

from superqode.session import Session
from superqode.session.git.remotes import add_remote, remember_sync

PURGED = "refs/superqode/purged/"


def test_a_store_that_is_not_synced_forgets_all(store, git):
    """Nothing tells that there ever was a session."""
    store.save(Session(id="s", title="Secret"))
    store.delete("s")
    store.purge("s")
    assert git("for-each-ref", PURGED) == ""


def test_a_synced_store_marks_what_it_purged(store, git, store_path, tmp_path):
    """One mark a deletion: the empty blob, under the deletion's name."""
    store.save(Session(id="s", title="Secret"))
    add_remote(store_path, "home", str(tmp_path / "r.git"))
    remember_sync(store_path, "home", "plain")
    store.delete("s")
    key = store.trash("s")[0].key
    store.purge("s")
    assert git("for-each-ref", "--format=%(refname) %(objecttype) %(objectsize)", PURGED) == f"{PURGED}{key} blob 0"
    git.fsck()
    store.purge()
