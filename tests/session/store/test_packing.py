"""Packing beside damage: what can be read goes into packs all the same, and is readable by plain git."""

import pytest

from faults.harms import HARMS, harm
from superqode.session import Session, SessionStore
from superqode.session.store import packing

OBJECTS = {
    "message": "bad:timeline/0000/00/00-user.json",
    "directory": "bad:timeline/0000/00",
    "tree": "bad^{tree}",
    "earlier save": "bad~1",
    "save": "bad",
    "snapshot": "refs/tags/bad/here",
}


@pytest.fixture
def sessions(store):
    """Two sessions of some saves."""
    made = []
    for name in ("bad", "good"):
        session = Session(id=name)
        for text in "abc":
            session.add_message("user", f"{name} {text}")
            store.save(session)
        session.create_snapshot("here", snapshot_id="here")
        store.save(session)
        made.append(session)
    store._open().checkpoint()
    return made


def _spoil(store, git, revision, how):
    oid = git("rev-parse", revision)
    path = store.path / "objects" / oid[:2] / oid[2:]
    path.chmod(0o600)
    harm(path, how)
    return oid


def _loose(store):
    return {path.parent.name + path.name for path in (store.path / "objects").glob("??/*")}


def _packs(store):
    return list((store.path / "objects" / "pack").glob("*.pack"))


@pytest.mark.parametrize("what", OBJECTS)
@pytest.mark.parametrize("how", [how for how in HARMS if how != "unreadable"])
def test_one_damaged_session_lets_no_other_pile_up(store, sessions, git, how, what):
    """Whatever of a session is damaged, all that can be read is packed, the report says what is not, and saves go on."""
    oid = _spoil(store, git, OBJECTS[what], how)
    with SessionStore(store.path) as opened:
        [skipped, *_] = opened.maintain().skipped

        assert "verify" in skipped
        assert _loose(store) <= {oid}
        good = opened.load("good")
        assert good == sessions[1]
        good.add_message("user", "more")
        opened.save(good)
    git("rev-list", "--objects", "good", "refs/tags/good/here")


def test_packs_beside_damage_stay_few(store, sessions, git, monkeypatch):
    """Where each maintenance can pack only what came since the last, the packs are joined now and then."""
    monkeypatch.setattr(packing, "MANY_PACKS", 3)
    _spoil(store, git, "bad~1", "gone")
    with SessionStore(store.path) as opened:
        session = opened.load("good")
        for number in range(8):
            session.add_message("user", str(number))
            opened.save(session)
            opened.maintain()

    assert len(_packs(store)) <= 4
    assert SessionStore(store.path).load("good") == session
    git("rev-list", "--objects", "good")


def test_what_is_whole_again_is_packed_as_ever(store, sessions, git):
    """Once nothing is damaged any more, maintenance says nothing, and git finds all that refs reach."""
    _spoil(store, git, "bad~1", "truncated")
    with SessionStore(store.path) as opened:
        opened.maintain()
        opened.delete("bad")
        opened.purge("bad")
        opened.maintain()

        assert opened.maintain().skipped == ()
    git("rev-list", "--objects", "--all")
