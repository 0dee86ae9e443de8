"""The note that a key was changed: what it says comes back, and what others wrote is read for what it is."""

from __future__ import annotations

import pytest

from superqode.session.errors import SyncTampered
from superqode.session.sharing.tokens import seal
from superqode.session.sync.keys import SyncKey, new_key
from superqode.session.sync.moved import Moved, open_moved, seal_moved

KEY, NEXT = SyncKey(bytes(32)), SyncKey(bytes([1] * 32))
COMMITS = ("a" * 40, "b" * 40)


@pytest.mark.parametrize("moved", [Moved(), Moved(NEXT.id), Moved(NEXT.id, 7, COMMITS)])
def test_it_comes_back(moved):
    """The next sync, and how far it has this one."""
    assert open_moved(KEY, seal_moved(KEY, moved), "home") == moved


@pytest.mark.parametrize(
    ("said", "moved"),
    [
        (b'{"format":"superqode-sync-moved","version":1}', Moved()),
        (b'{"to":"../x"}', Moved()),
        (b'{"to":7}', Moved()),
        (b"[]", Moved()),
        (b"\xff", Moved()),
        (f'{{"to":"{NEXT.id}"}}'.encode(), Moved(NEXT.id)),
        (f'{{"to":"{NEXT.id}","generation":true,"previous":[]}}'.encode(), Moved(NEXT.id)),
        (f'{{"to":"{NEXT.id}","generation":1,"previous":["{"a" * 40}","x"]}}'.encode(), Moved(NEXT.id)),
    ],
)
def test_what_it_does_not_say(said, moved):
    """Older versions named no next sync; half of a lineage is none."""
    assert open_moved(KEY, seal(KEY.moved(), said), "home") == moved


def test_nobody_else_can_write_it():
    """Sealed with another key it is damage."""
    with pytest.raises(SyncTampered, match="that is not true"):
        open_moved(KEY, seal_moved(new_key(), Moved(NEXT.id)), "home")
