"""Whose a ref is, for every kind of ref there is, and for ids that look like other parts of a name."""

import pytest

from superqode.session.store.owners import owner_of, trash_parts

TIME = "20261122T100000.123456Z"


@pytest.mark.parametrize("session_id", ["s", "feature/x", "a/tags/b", "branch", "a/branch"])
@pytest.mark.parametrize(
    "name",
    [
        "refs/heads/{0}",
        "refs/tags/{0}/snap-1",
        f"refs/superqode/trash/{{0}}/{TIME}/branch",
        f"refs/superqode/trash/{{0}}/{TIME}/tags/snap-1",
        f"refs/superqode/purged/{{0}}/{TIME}",
        f"refs/superqode/scrubbed/{{0}}/{TIME}",
        "refs/superqode/sources/{0}",
    ],
)
def test_each_ref_of_a_session_is_its_own(name, session_id):
    """The writers of all of them hold one lock."""
    assert owner_of(name.format(session_id)) == session_id


@pytest.mark.parametrize(
    "name", ["refs/superqode/oplog", "refs/superqode/shares/x", "refs/superqode/trash/s/yesterday/branch", "HEAD"]
)
def test_what_belongs_to_no_session(name):
    """The log, shares, what somebody else put there."""
    assert owner_of(name) == ""


def test_parts_of_what_is_in_the_trash():
    """Session, item, and what of it."""
    name = f"refs/superqode/trash/a/b/{TIME}/tags/x"
    assert trash_parts(name) == ("a/b", f"refs/superqode/trash/a/b/{TIME}/", "tags/x")
    with pytest.raises(ValueError, match="nothing in the trash"):
        trash_parts("refs/heads/s")
