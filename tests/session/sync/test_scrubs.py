"""A scrub is never undone by a sync: what other machines still have of the old history is written again without it."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from session.sync.circle import Machine, git, settle
from superqode.session.errors import StoreLocked
from superqode.session.git.objects import Objects
from superqode.session.store import maintenance
from superqode.session.sync.scrubs import next_mark

SECRET = "Tr0ub4dor&3-is-the-password"
OTHER = "another-secret-that-is-4711"


@pytest.fixture(params=["sealed", "plain"])
def circle(request, machine):
    """Makes machines that are synced with each other, sealed and in clear."""
    words: list[str] = []

    def make(*names: str) -> list[Machine]:
        machines = [machine(name) for name in names]
        for one in machines:
            if words and words[0]:
                one.join(words[0])
            else:
                words.append(one.begin(plain=request.param == "plain"))
            one.sync()
        return machines

    make.plain = request.param == "plain"
    return make


def held(path, *, everything: bool = False) -> str:
    """The text of all that the refs of a repository reach, or of all its objects."""
    if everything:
        return git(path, "cat-file", "--batch-all-objects", "--batch", "--unordered")
    names = git(path, "for-each-ref", "--format=%(refname)").split()
    listed = git(path, "rev-list", "--objects", "--no-object-names", *names) if names else ""
    return git(path, "cat-file", "--batch", stdin=listed.encode())


def assert_nowhere(circle, machines, remote, *secrets: str) -> None:
    """No object of any store has one of them, nor one that a machine would get that joins now."""
    (fresh,) = circle("fresh")
    texts = {one.path.name: held(one.path, everything=True) for one in (*machines, fresh)}
    if circle.plain:
        texts["remote"] = held(remote)
    assert [(place, secret) for place, text in texts.items() for secret in secrets if secret in text] == []


def test_the_old_history_of_another_machine_does_not_bring_it_back(circle, remote):
    """Neither where nothing was said there meanwhile, nor where something was: that stays, on the new history."""
    one, other = machines = circle("one", "other")
    for name in ("quiet", "busy"):
        one.say(name, "hello")
        one.say(name, f"it is {SECRET}")
    settle(machines)
    for name in ("quiet", "busy"):
        one.store.scrub(name, secrets=[SECRET])
    other.say("busy", "said meanwhile")
    settle(machines)
    assert one.view(plain=circle.plain) == other.view(plain=circle.plain)
    assert [len(one.heard(name)) for name in ("quiet", "busy")] == [2, 3]
    assert one.heard("busy")[2] == "said meanwhile"
    assert_nowhere(circle, machines, remote, SECRET)
    git(other.path, "fsck", "--strict", "--no-dangling")


def test_both_go_on(circle, remote):
    """What was said on both machines since is merged; snapshots, undone saves and titles follow."""
    one, other = machines = circle("one", "other")
    one.say("s", "hello")
    one.say("s", f"it is {SECRET}")
    snapshot = one.snapshot("s", f"before {SECRET} was renewed")
    settle(machines)
    one.store.scrub("s", secrets=[SECRET])
    one.say("s", "from one")
    session = other.store.load("s")
    session.title = "a title of the other"
    other.store.save(session)
    other.say("s", "from the other")
    other.store.restore("s", snapshot)
    other.store.undo("s")
    later = other.snapshot("s", "a snapshot of the other")
    settle([other, one])
    assert one.view(plain=circle.plain) == other.view(plain=circle.plain)
    heard = one.heard("s")
    assert sorted(heard[2:]) == ["from one", "from the other"]
    assert "[REDACTED:" in heard[1]
    loaded = one.store.load("s")
    assert loaded.title == "a title of the other"
    assert {made.id for made in loaded.snapshots} == {snapshot, later}
    assert_nowhere(circle, machines, remote, SECRET)


def test_each_scrubs_something_else(circle, remote):
    """Two secrets in one message, in the title and elsewhere, each taken out on another machine: both are gone."""
    one, other = machines = circle("one", "other")
    one.say("s", "hello")
    session = one.store.load("s")
    session.title = f"{SECRET} and {OTHER}"
    session.tags.append(OTHER)
    one.store.save(session)
    one.say("s", f"it is {SECRET}, or {OTHER}, or {SECRET}")
    one.say("s", f"no, {OTHER}. " * 1000)
    snapshot = one.snapshot("s", f"before {OTHER}, or {SECRET}")
    settle(machines)
    one.store.scrub("s", secrets=[SECRET])
    other.store.scrub("s", secrets=[OTHER])
    one.say("s", "from one")
    other.say("s", "from the other")
    settle(machines)
    assert one.view(plain=circle.plain) == other.view(plain=circle.plain)
    heard = one.heard("s")
    assert heard[0] == "hello"
    assert heard[1].startswith("it is [REDACTED:")
    assert heard[1].count("[REDACTED:scrubbed:") == 3
    assert heard[2].count(". ") == heard[2].count("no, [REDACTED:scrubbed:") == 1000
    assert sorted(heard[3:]) == ["from one", "from the other"]
    assert [made.id for made in one.store.load("s").snapshots] == [snapshot]
    assert_nowhere(circle, machines, remote, SECRET, OTHER)


def test_scrubs_that_follow_each_other(circle, remote):
    """Two scrubs of one session before another machine, which went on, hears of any."""
    one, other = machines = circle("one", "other")
    one.say("s", f"it is {SECRET}")
    one.say("s", f"it is {OTHER}")
    settle(machines)
    other.say("s", "from the other")
    one.store.scrub("s", secrets=[OTHER])
    one.store.scrub("s", secrets=[SECRET])
    settle(machines)
    assert one.heard("s")[2] == "from the other"
    assert_nowhere(circle, machines, remote, SECRET, OTHER)


def test_forks_names_and_the_trash_follow(circle, remote):
    """What another machine forked, renamed or deleted meanwhile is built on the new history, too, and people hear of it."""
    one, other = machines = circle("one", "other")
    for name in ("forked", "renamed", "deleted"):
        one.say(name, f"it is {SECRET}")
    settle(machines)
    for name in ("forked", "renamed", "deleted"):
        one.store.scrub(name, secrets=[SECRET])
    one.sync()
    other.store.fork("forked", title="a fork", new_id="fork")
    other.say("fork", "more")
    other.store.rename("renamed", "new-name")
    other.store.delete("deleted")
    report = other.sync()
    assert sum("a scrub replaced" in notice for notice in report.notices) == 4
    settle(machines)
    assert one.view(plain=circle.plain) == other.view(plain=circle.plain)
    assert (one.ids(), one.trash()) == (["fork", "forked", "new-name"], ["deleted"])
    assert one.heard("fork")[1] == "more"
    assert_nowhere(circle, machines, remote, SECRET)


def test_a_scrub_and_a_purge(circle, remote):
    """Purged behind a scrub, a session that another machine went on with keeps what is that machine's own."""
    one, other = machines = circle("one", "other")
    for name in ("quiet", "busy"):
        one.say(name, "hello")
        one.say(name, f"it is {SECRET}")
    settle(machines)
    other.say("busy", "from the other")
    for name in ("quiet", "busy"):
        one.store.scrub(name, secrets=[SECRET])
        one.store.delete(name)
        one.store.purge(name)
    settle(machines)
    assert one.view(plain=circle.plain) == other.view(plain=circle.plain)
    assert (one.ids(), one.trash()) == (["busy"], [])
    assert one.heard("busy")[-1] == "from the other"
    assert_nowhere(circle, machines, remote, SECRET)


def test_a_remote_that_was_put_back(circle, remote, tmp_path):
    """An old copy of the remote brings nothing back, on no machine."""
    one, other = machines = circle("one", "other")
    one.say("s", f"it is {SECRET}")
    settle(machines)
    shutil.copytree(remote, tmp_path / "old.git")
    one.store.scrub("s", secrets=[SECRET])
    one.say("s", "more")
    settle(machines)
    shutil.rmtree(remote)
    shutil.copytree(tmp_path / "old.git", remote)
    settle(machines)
    assert one.heard("s")[1] == other.heard("s")[1] == "more"
    assert_nowhere(circle, machines, remote, SECRET)


def test_a_clone_that_never_synced(circle, remote, tmp_path):
    """A copy of the store from before the scrub joins, with saves of its own: they stay, on the new history."""
    (one,) = machines = circle("one")
    one.say("s", f"it is {SECRET}")
    subprocess.run(["git", "clone", "--quiet", "--mirror", str(one.path), str(tmp_path / "clone")], check=True)
    one.store.scrub("s", secrets=[SECRET])
    one.sync()
    (clone,) = circle("another")
    git(clone.path, "fetch", "--quiet", str(tmp_path / "clone"), "refs/heads/s:refs/heads/kept")
    clone.say("kept", "of the clone")
    settle([clone, one])
    assert one.heard("kept")[1] == "of the clone"
    assert_nowhere(circle, [*machines, clone], remote, SECRET)


def test_a_dry_run_writes_nothing(circle):
    """It tells what would be, and the old history stays until the sync."""
    one, other = machines = circle("one", "other")
    one.say("s", f"it is {SECRET}")
    settle(machines)
    one.store.scrub("s", secrets=[SECRET])
    one.sync()
    before = other.view()
    report = other.sync(dry_run=True)
    assert report.received.updated == ("s",)
    assert other.view() == before
    assert SECRET in other.heard("s")[0]


def test_the_log_of_operations_and_undo(circle):
    """What was deleted and brought back before the scrub cannot be taken back to the old history."""
    one, other = machines = circle("one", "other")
    one.say("s", f"it is {SECRET}")
    settle(machines)
    other.store.delete("s")
    other.store.undelete("s")
    one.store.scrub("s", secrets=[SECRET])
    settle([one, other])
    assert all(operation.final for operation in other.store.operations() if "s" in [s.id for s in operation.sessions])
    assert SECRET not in held(other.path, everything=True)
    assert other.store.search("Tr0ub4dor") == []


def test_bytes_that_cannot_be_freed_now_are_freed_next_time(circle, monkeypatch):
    """Where a save runs all the time, the next sync frees them."""

    def locked(*_):
        raise StoreLocked("s", 1.0)

    one, other = machines = circle("one", "other")
    one.say("s", f"it is {SECRET}")
    settle(machines)
    one.store.scrub("s", secrets=[SECRET])
    one.sync()
    with monkeypatch.context() as patched:
        patched.setattr(maintenance, "free_now", locked)
        other.sync()
    assert SECRET not in held(other.path)
    other.sync()
    assert SECRET not in held(other.path, everything=True)


def test_damage_that_keeps_bytes_from_being_freed_keeps_no_sync_from_its_end(circle):
    """It is told each time, what is new is sent all the same, and once the store is whole the bytes go."""
    one, other = machines = circle("one", "other")
    one.say("s", f"it is {SECRET}")
    other.say("bad", "hello")
    settle(machines)
    one.store.scrub("s", secrets=[SECRET])
    one.sync()
    tree = git(other.path, "rev-parse", "bad^{tree}").strip()
    place = other.path / "objects" / tree[:2] / tree[2:]
    kept = place.read_bytes()
    place.unlink()
    other.store.close()
    other = Machine(other.path, other.remote)
    other.say("new", "important")
    told = [line for line in other.sync().notices if "cannot pack it anew" in line]
    assert len(told) == 1
    assert tree in told[0]
    assert one.sync().received.new == ("new",)
    place.write_bytes(kept)
    assert [line for line in other.sync().notices if "cannot pack it anew" in line] == []
    assert SECRET not in held(other.path, everything=True)
    other.store.close()


def test_a_mark_that_is_none_is_told(circle):
    """A mark that nobody can read stands in nobody's way."""
    (one,) = circle("one")
    one.say("s", "hello")
    blob = git(one.path, "hash-object", "-w", "--stdin", stdin=b'{"format":"superqode-scrubbed","version":99}').strip()
    git(one.path, "update-ref", "refs/superqode/scrubbed/s/20261122T100000.000001Z", blob)
    report = one.sync()
    assert report.sent.new == ("s",)
    assert [notice for notice in report.notices if "refs/superqode/scrubbed/s/" in notice]


def test_an_ordinary_sync_beside_marks_reads_no_history(circle, monkeypatch):
    """Only what changed is looked through, however much was scrubbed before."""
    one, _ = machines = circle("one", "other")
    for number in range(20):
        one.say("long", f"word {number}")
    one.say("s", f"it is {SECRET}")
    settle(machines)
    git(one.path, "update-ref", "refs/superqode/prepared/x", "s")  # as a share of it keeps it here
    one.store.scrub("s", secrets=[SECRET])
    settle(machines)
    one.say("s", "more")
    asked = []
    original = Objects.commit
    monkeypatch.setattr(Objects, "commit", lambda self, oid: asked.append(oid) or original(self, oid))
    one.sync()
    long = set(git(one.path, "rev-list", "long").split()[1:])
    assert long.isdisjoint(asked)


MARKS = "refs/superqode/scrubbed/"


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["s/20261122T100000.123456Z", "t/20261122T100000.123455Z"], "s/20261122T100000.123457Z"),
        (["s/20261122T100000.123456Z", "evil/99999999T999999.999999Z"], "s/20261122T100000.123457Z"),
        (["evil/20269999T100000.123456Z"], "evil/19700101T000000.000001Z"),
        (["s/99991231T235959.999999Z"], "s/99991231T235959.999999Z"),
    ],
)
def test_a_mark_stands_right_behind_the_latest(names, wanted):
    """One name on every machine, also beside a mark whose name, made by somebody else, says a day that never was."""
    assert next_mark(MARKS + name for name in names) == MARKS + wanted
