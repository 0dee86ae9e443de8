"""What a store holds as one mapping: which names may be in it, and who owns them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session.sync.circle import git
from superqode.session.git.repository import Repository
from superqode.session.store.owners import owner_of
from superqode.session.sync.view import is_view_name, read_view

OWNED = {
    "refs/heads/s": "s",
    "refs/heads/feature/x": "feature/x",
    "refs/tags/s/snap-1": "s",
    "refs/superqode/trash/s/20261122T100000.123456Z/branch": "s",
    "refs/superqode/trash/s/20261122T100000.123456Z/tags/snap-1": "s",
    "refs/superqode/purged/s/20261122T100000.123456Z": "s",
    "refs/superqode/sources/s": "s",
    "refs/superqode/shares/0123456789abcdefghjkmnpqrs": "",
    "ledger/shares/0123.json": "",
    "ledger/marks.json": "",
}
NONE = (
    "refs/heads/superqode",
    "refs/heads/superqode-sync/x",
    "refs/heads/-x",
    "refs/heads/../../etc/passwd",
    "refs/heads/s.lock",
    "refs/heads/",
    "refs/remotes/x/y",
    "refs/superqode/ledger",
    "refs/superqode/oplog",
    "refs/superqode/trash/s/20261122T100000.123456Z/other",
    "refs/superqode/trash/s/yesterday/branch",
    "refs/superqode/purged/s",
    "ledger/handoffs/codex.x.json",
    "ledger/shares/../marks.json",
    "ledger/format",
    "HEAD",
    "config",
    "",
)


@pytest.mark.parametrize("name", OWNED)
def test_names_of_a_view(name):
    """Each kind of name, and the session whose lock its writers hold."""
    assert is_view_name(name)
    assert owner_of(name) == OWNED[name]


@pytest.mark.parametrize("name", NONE)
def test_names_that_are_in_no_view(name):
    """Reserved ones, what is of this machine alone, and whatever could become another path."""
    assert not is_view_name(name)


@given(st.text(max_size=60))
def test_any_text_is_judged(text):
    """Whatever comes from outside is a name or none, with a prefix of ours before it, too."""
    for prefix in ("", "refs/heads/", "refs/tags/", "refs/superqode/trash/", "ledger/", "refs/superqode/purged/"):
        if is_view_name(prefix + text):
            assert ".." not in text
            owner_of(prefix + text)


def test_a_store_is_read_as_plain_git_sees_it(machine):
    """Loose or packed, every name has the object that git says; what is of this machine alone is left out."""
    one = machine("one")
    one.say("s", "hello")
    one.snapshot("s", "before")
    one.say("t", "hello")
    one.store.delete("t")
    repository = Repository(one.path)
    before = read_view(repository).view
    git(one.path, "pack-refs", "--all")
    assert read_view(repository).view == before
    listed = git(one.path, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    told = dict(line.split(" ") for line in listed)
    own = ("refs/heads/superqode", "refs/superqode/ledger", "refs/superqode/oplog")
    assert before == {name: oid for name, oid in told.items() if name not in own}
