"""Refs of the store's own that went with `packed-refs`, or whose file is damaged: brought back where it is certain."""

from __future__ import annotations

import pytest

from session.sharing import team as teams
from session.store.homes import claude_lines
from superqode.session import SessionStore
from superqode.session.store.ledger import LEDGER
from superqode.session.store.operations.log import OPLOG
from superqode.session.store.secrets import PREPARED
from superqode.session.store.sources import KEPT

FOLDER = "refs/superqode/shares/"


def refs(path):
    return teams.refs(path)


def forgotten(path):
    """Make the journal empty, and pack all refs."""
    with SessionStore(path) as store:
        store._open().checkpoint()
    teams.git(path, "pack-refs", "--all", "--prune")


def repaired(path):
    """Repair as a process does that opens the store now; gives what it said."""
    with SessionStore(path) as store:
        planned = store.repair(dry_run=True)
    with SessionStore(path) as store:
        done = store.repair()
    assert (planned.steps, planned.lost) == (done.steps, done.lost)
    return done


CUTS = {
    "cut off": lambda packed: packed.write_bytes(packed.read_bytes()[:80]),
    "gone": lambda packed: packed.unlink(),
}


@pytest.mark.parametrize("how", CUTS)
def test_what_packed_refs_alone_told_comes_back_or_is_named(still_clock, team, tmp_path, how):
    """The ledger, shares and kept originals are where they were; what nobody can tell is lost, and is said to be."""
    sealed, public = team.share(), team.share("public")
    path = team.ann.path
    transcript = tmp_path / "t" / "11111111-1111-4111-8111-111111111111.jsonl"
    transcript.parent.mkdir()
    transcript.write_text(claude_lines("hello"))
    team.ann.store.import_sources([transcript])
    still_clock.advance(seconds=1)
    team.ann.store.rename(teams.SESSION, "renamed")
    forgotten(path)
    before = refs(path)
    CUTS[how](path / "packed-refs")
    done = repaired(path)
    after = refs(path)
    lost = {PREPARED + sealed.id}
    assert {step.name for step in done.lost} == lost
    # The log goes on with the repair.
    assert teams.git(path, "rev-parse", f"{OPLOG}^").decode().strip() == before[OPLOG]
    assert {name: oid for name, oid in after.items() if name != OPLOG} == {
        name: oid for name, oid in before.items() if name not in (OPLOG, *lost)
    }
    assert PREPARED + public.id in after
    [original] = [name for name in after if name.startswith(KEPT)]
    assert not (path / "logs" / original).exists()
    assert repaired(path).lost == (), "it is said once"


def test_ledgers_of_one_second_are_told_apart_or_none_is_taken(still_clock, team):
    """What came after is further on; where nothing shows that, it is named as lost, and no old one comes back."""
    team.share()
    team.ann.store.rename(teams.SESSION, "renamed")  # in the same second, and it adds nothing
    path = team.ann.path
    forgotten(path)
    (path / "packed-refs").unlink()
    assert LEDGER in {step.name for step in repaired(path).lost}
    assert LEDGER not in refs(path)


@pytest.mark.parametrize("name", [LEDGER, FOLDER, PREPARED, OPLOG])
@pytest.mark.parametrize("content", [b"", b"garbage\n"])
def test_a_damaged_file_gives_way_to_what_packed_refs_says(team, name, content):
    """A ref's own file is empty or garbage, and nothing else tells of it: the packed value is taken."""
    share = team.share()
    path = team.ann.path
    full = name + share.id if name.endswith("/") else name
    team.ann.store.fork(teams.SESSION, new_id="fork")
    team.ann.store.delete("fork")  # which the log of operations tells
    forgotten(path)
    before = refs(path)
    file = path / full
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    done = repaired(path)
    assert done.lost == ()
    assert refs(path) == before


def test_a_share_of_which_nothing_is_known_is_set_aside(team):
    """It is named as lost, its file is kept in the quarantine, and another share goes on."""
    share, other = team.share(), team.share()
    path = team.ann.path
    with SessionStore(path) as store:
        store._open().checkpoint()
        quarantine = store._open().quarantine
    (path / (PREPARED + share.id)).write_bytes(b"garbage\n")
    done = repaired(path)
    assert [step.name for step in done.lost] == [PREPARED + share.id]
    assert [(step.what, step.how) for step in done.steps] == [("file", "nothing: it is set aside")]
    assert [file.read_bytes() for file in quarantine.glob(f"*{share.id}")] == [b"garbage\n"]
    team.ann.shares.update_share(other.id)
    assert repaired(path).to_dict() == {"steps": [], "lost": [], "dry_run": False}
