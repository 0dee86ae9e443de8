"""Which of the commits in a store are a session's own saves: not a share's masked copies, nor what a scrub replaced."""

from __future__ import annotations

import pytest

from superqode.session import Session, SessionStore
from superqode.session.store.scrubbed import Replaced, mark_scrubbed
from superqode.session.store.secrets import PREPARED, Wanted, rewriting

SECRET = "Zugang-zum-Rechenzentrum-ist-4711"
SHARE = "m19aq2m68h565n217p11vagm1m"
PUBLIC = f"refs/superqode/shares/public/{SHARE}"


def grown(store, *texts, session_id="s"):
    """A session of one save a text, the first of which alone its reflog tells of."""
    session = Session(id=session_id, title="T")
    for text in texts:
        session.add_message("user", text)
        store.save(session)
    return session


def masked(store, tip, secret=SECRET):
    """The commit that a share makes of another."""
    repository = store._open()
    with rewriting(repository, Wanted((secret,)).redactor(repository)) as rewriter:
        return rewriter.commit(tip, "s")


def share(store, git, name="s"):
    """Make what a share of this moment, and a public one, leave in the store; gives the masked commit."""
    copy = masked(store, git("rev-parse", name))
    git("update-ref", PREPARED + SHARE, copy)
    told = f"share: T\n\nSuperqode-Share: {SHARE}\nSuperqode-Session: {name}\n"
    git("update-ref", PUBLIC, git("commit-tree", "-p", copy, "-m", told, f"{copy}^{{tree}}"))
    return copy


DAMAGES = {
    "an empty file": lambda path, git: (path / "refs/heads/s").write_bytes(b""),
    "a line of packed-refs": lambda path, git: (
        git("pack-refs", "--all"),
        (path / "packed-refs").write_text(
            "".join(
                "garbage\n" if line.endswith(" refs/heads/s") else f"{line}\n"
                for line in (path / "packed-refs").read_text().splitlines()
            )
        ),
    ),
}


@pytest.fixture
def repaired(store):
    """Repairs the store as a process does that opens it now, and finds no journal; gives the report."""

    def run(how=None):
        with SessionStore(store.path) as fresh:
            fresh._open().checkpoint()
        if how is not None:
            how()
        with SessionStore(store.path) as fresh:
            planned = fresh.repair(dry_run=True)
        with SessionStore(store.path) as fresh:
            report = fresh.repair()
        refs = [[step for step in told.steps if step.what == "ref"] for told in (planned, report)]
        assert refs[0] == refs[1]
        return report

    return run


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("logged", [True, False])
@pytest.mark.parametrize("texts", [("one", SECRET), ("one", SECRET, "three"), (SECRET, "two"), (SECRET,)])
def test_a_shares_copy_never_takes_the_sessions_place(store, git, repaired, how, logged, texts):
    """The branch is at its own last save again, though the share's copies have the same id, and are not older."""
    grown(store, *texts)
    tip = git("rev-parse", "s")
    share(store, git)
    if not logged:
        (store.path / "logs/refs/heads/s").write_text("")  # as `git reflog expire` leaves it
    report = repaired(lambda: DAMAGES[how](store.path, git))
    assert report.lost == ()
    assert git("rev-parse", "s") == tip


def test_what_was_shared_as_it_is_is_the_sessions_own(store, git, repaired):
    """Where nothing was masked, the share holds the very saves: none of them is lost for that."""
    grown(store, "one", "two", "three")
    tip = git("rev-parse", "s")
    assert share(store, git) == tip
    repaired(lambda: DAMAGES["an empty file"](store.path, git))
    assert git("rev-parse", "s") == tip


def test_a_copy_whose_original_is_damaged_is_none_either(store, git, repaired):
    """The branch and its last save are damaged: it goes back to the one before, which is the session's own."""
    grown(store, "one", "two", SECRET)
    tip, before = git("rev-parse", "s", "s~1").split()
    share(store, git)

    def damage():
        DAMAGES["an empty file"](store.path, git)
        path = store.path / "objects" / tip[:2] / tip[2:]
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:-4])

    repaired(damage)
    assert git("rev-parse", "s") == before


def test_what_was_taken_back_stays_so(store, git, repaired):
    """The reflog tells that the branch left a save: it is not brought back, though it is the newest."""
    grown(store, "one", "two", "three")
    git("update-ref", "refs/heads/s", "s~1")
    tip = git("rev-parse", "s")
    repaired(lambda: DAMAGES["an empty file"](store.path, git))
    assert git("rev-parse", "s") == tip


def test_what_a_scrub_replaced_does_not_come_back(store, git, repaired):
    """The old commits lie about until they are pruned: the branch is at what stands for them, shared or not."""
    grown(store, "one", SECRET, "three")
    old = git("rev-parse", "s")
    repository = store._open()
    with rewriting(repository, Wanted((SECRET,)).redactor(repository)) as rewriter:
        new = rewriter.commit(old, "s")
        replaced = rewriter.replaced(old)
    mark_scrubbed(repository, "s", Replaced(replaced))
    git("update-ref", "refs/heads/s", new)
    share(store, git)
    (store.path / "logs/refs/heads/s").write_text("")  # as `git reflog expire` leaves it
    repaired(lambda: DAMAGES["an empty file"](store.path, git))
    assert git("rev-parse", "s") == new
