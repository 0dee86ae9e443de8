"""What an owner asks and a reader remembers, one rule at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from superqode.session.errors import NotForkable, ShareExpired, ShareRolledBack, ShareTampered
from superqode.session.git.repository import Repository
from superqode.session.sharing import policy
from superqode.session.sharing.ledger import Seen
from superqode.session.store.ledger import SEEN, Ledger

SHARE = "0123456789abcdefghjkmnpqrs"


@pytest.fixture
def ledger(tmp_path):
    """The ledger of a new store."""
    return Ledger(Repository.create(tmp_path / "store"))


def test_a_share_lives_until_its_time(still_clock):
    """To the microsecond before it, not at it; one without a time lives for ever."""
    policy.check_expiry(SHARE, None)
    policy.check_expiry(SHARE, still_clock.moment + timedelta(microseconds=1))
    for over in (timedelta(), timedelta(days=-400)):
        with pytest.raises(ShareExpired) as caught:
            policy.check_expiry(SHARE, still_clock.moment + over)
        assert caught.value.share_id == SHARE
        assert caught.value.expired_at == still_clock.moment + over
        assert isinstance(caught.value, PermissionError)


def test_forking_needs_leave():
    """NotForkable names the share, and what can still be done with it."""
    policy.check_forkable(SHARE, allow_fork=True)
    with pytest.raises(NotForkable, match="superqode share open") as caught:
        policy.check_forkable(SHARE, allow_fork=False)
    assert caught.value.share_id == SHARE


def test_a_reader_goes_forward_only(ledger):
    """The same state again is fine, a newer one is remembered, an older one is refused with both numbers."""
    for generation, digest in ((1, "a"), (1, "a"), (2, "b"), (9, "c")):
        policy.check_seen(ledger, SHARE, Seen(generation, digest))
    with pytest.raises(ShareRolledBack) as caught:
        policy.check_seen(ledger, SHARE, Seen(2, "b"))
    assert (caught.value.seen, caught.value.found) == (9, 2)
    assert ledger.document(SEEN, SHARE) == {"generation": 9, "digest": "c"}
    policy.check_seen(ledger, SHARE, Seen(9, "c"))


def test_one_number_is_one_state(ledger):
    """Another content under a number that was seen is tampering, and is not remembered."""
    policy.check_seen(ledger, SHARE, Seen(3, "a"))
    with pytest.raises(ShareTampered, match="two states"):
        policy.check_seen(ledger, SHARE, Seen(3, "b"))
    assert ledger.document(SEEN, SHARE) == {"generation": 3, "digest": "a"}


def test_each_share_has_a_memory_of_its_own(ledger):
    """What was seen of one says nothing of another."""
    policy.check_seen(ledger, SHARE, Seen(5, "a"))
    policy.check_seen(ledger, "z" * 26, Seen(1, "b"))


def test_looking_again_writes_nothing(ledger):
    """The same state twice is one commit of the ledger."""
    policy.check_seen(ledger, SHARE, Seen(1, "a"))
    repository = Repository(ledger._repository.path)
    before = repository.refs.read("refs/superqode/ledger")
    policy.check_seen(ledger, SHARE, Seen(1, "a"))
    assert repository.refs.read("refs/superqode/ledger") == before
