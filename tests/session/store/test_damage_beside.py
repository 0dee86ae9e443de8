"""What is damaged keeps nothing else from anything: it is named, and all else goes on."""

import pytest

from faults.harms import harm
from superqode.session import Session, SessionSharingManager, SessionStore, ShareConfig
from superqode.session.errors import CorruptLedger, CorruptSession
from superqode.session.store import doctor

SECRET = "AKIA" + "QYLPMN5HFIQR7XYA"


@pytest.fixture
def filled(store):
    """A session with a secret between two others."""
    for name in ("a", "b", "c"):
        session = Session(id=name)
        session.add_message("user", f"aws_access_key_id = {SECRET}" if name == "b" else "hello")
        store.save(session)
    store._open().checkpoint()
    return store


def _opened(store):
    return SessionStore(store.path)


@pytest.mark.parametrize("how", ["gone", "truncated"])
def test_scan_looks_through_all_others(filled, git, how):
    """A session whose last save is damaged is named, and the secret of another one is found."""
    tip = git("rev-parse", "a")
    harm(filled.path / "objects" / tip[:2] / tip[2:], how)
    named = []
    with _opened(filled) as store:
        found = store.scan(damaged=named.append)

        assert {place.session_id for place in found} == {"b"}
        assert [problem.session_id for problem in named] == ["a"]
        with pytest.raises(CorruptSession, match="a"):
            store.scan(["a"])


def test_a_symbolic_ref_that_leads_nowhere_is_no_session(filled, git, tmp_path):
    """`git symbolic-ref`, and what it led to was deleted: scanning and backing up go past it."""
    git("symbolic-ref", "refs/heads/alias", "refs/heads/c")
    with _opened(filled) as store:
        store.delete("c")

        assert {place.session_id for place in store.scan()} == {"b"}
        store.backup(tmp_path / "backup")
        assert SessionStore.restore_backup(tmp_path / "backup", tmp_path / "restored").load("b") == store.load("b")


def test_a_damaged_ledger_is_told(filled, git):
    """It has an error of its own, and doctor finds it."""
    SessionSharingManager(filled).create_share("b", ShareConfig(redact=False))
    tip = git("rev-parse", "refs/superqode/ledger")
    harm(filled.path / "objects" / tip[:2] / tip[2:], "gone")
    with _opened(filled) as store:
        with pytest.raises(CorruptLedger, match="backup"):
            SessionSharingManager(store).list_shares()
        told = [one for one in doctor.examine(store.path).findings if one.area == "shares"]
        assert [one.level for one in told] == ["problem"]
        assert store.load("b").id == "b"


def test_one_damaged_share_hides_no_other(filled, git):
    """Its ref's file is empty: the others are listed, pushed and made as ever, and so is it, without its commit."""
    manager = SessionSharingManager(filled)
    first, second = (manager.create_share(name, ShareConfig(redact=False)) for name in ("a", "c"))
    (filled.path / "refs" / "superqode" / "shares" / first.id).write_bytes(b"")
    with _opened(filled) as store:
        again = SessionSharingManager(store)

        assert {share.id for share in again.list_shares()} == {first.id, second.id}
        assert again.create_share("b", ShareConfig(redact=False)).session_id == "b"
