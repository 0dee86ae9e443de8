"""Sessions in clear on a private remote: `git log` works there, and all that sealed syncs promise holds but for secrecy."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from servers import install_hook
from session.sync.circle import Machine, git, settle
from session.sync.programs import Program
from superqode.session.errors import RemoteError, RemoteRefMoved, RemoteRejected
from superqode.session.git.landing import Landing
from superqode.session.git.remotes import list_remotes
from superqode.session.git.repository import Repository
from superqode.session.sync import plain as plain_remote
from superqode.session.sync.state import State


@pytest.fixture
def plain(machine):
    """Two machines that are synced in clear."""
    machines = machine("one"), machine("other")
    for one in machines:
        assert one.begin(plain=True) == ""
        one.sync()
    return machines


def test_git_log_works_on_the_server(plain, remote):
    """Branches and tags are there under their own names, as the store has them."""
    one, other = plain
    one.say("s", "hello")
    one.snapshot("s", "before")
    report = one.sync()
    assert (report.mode, report.sent.new) == ("plain", ("s",))
    assert git(remote, "log", "--format=%s", "s") == "user: hello\n"
    assert git(remote, "for-each-ref", "--format=%(contents:subject)", "refs/tags/s/") == "before\n"
    assert other.sync().received.new == ("s",)
    assert other.heard("s") == ["hello"]


def test_keys_and_originals_stay_here(plain, remote):
    """The ledger, shares and originals are on no remote in clear."""
    one, _ = plain
    one.say("s", "hello")
    one.share("s")
    one.sync()
    names = git(remote, "for-each-ref", "--format=%(refname)").split()
    assert names == ["refs/heads/s"]


def test_a_push_by_hand_is_still_refused(plain, remote):
    """Setting a plain sync up opens the way for it alone: `git push` of sessions is refused as ever."""
    one, _ = plain
    one.say("s", "hello")
    done = subprocess.run(
        ["git", "-C", str(one.path), "push", "sync", "s"], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "superqode: nothing was pushed" in done.stderr
    one.sync()
    assert git(remote, "for-each-ref", "--format=%(refname)").split() == ["refs/heads/s"]


def test_both_sides_meet(plain):
    """Merges, deletions, purges and what came back, as sealed."""
    one, other = plain
    for name in ("a", "b", "c", "d"):
        one.say(name, "hello")
    settle([one, other])
    one.say("a", "from one")
    other.say("a", "from the other")
    one.store.delete("b")
    one.store.delete("c")
    other.say("c", "still needed")
    other.store.delete("d")
    other.store.purge("d")
    settle([one, other])
    assert one.view(plain=True) == other.view(plain=True)
    assert (one.ids(), one.trash()) == (["a", "c"], ["b"])
    assert sorted(one.heard("a")) == ["from one", "from the other", "hello"]


def test_a_remote_that_was_put_back(plain, remote, tmp_path):
    """What the remote lacks is pushed again, and nothing is taken for deleted."""
    one, other = plain
    one.say("a", "hello")
    settle([one, other])
    shutil.copytree(remote, tmp_path / "old.git")
    one.say("a", "more")
    one.say("b", "hello")
    settle([one, other])
    held = one.view(plain=True)
    shutil.rmtree(remote)
    shutil.copytree(tmp_path / "old.git", remote)
    settle([other, one])
    assert one.view(plain=True) == other.view(plain=True) == held
    assert git(remote, "log", "--format=%s", "a").splitlines()[0] == "user: more"


def test_a_host_that_takes_branches_and_tags_only(plain, remote, machine):
    """The trash goes where the host lets it, so that a deletion travels there, too."""
    hook = remote / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\ncase $1 in refs/superqode/*) echo "deny updating a hidden ref" >&2; exit 1;; esac\n')
    hook.chmod(0o755)
    git(remote, "config", "receive.hideRefs", "refs/superqode")
    one, other = plain
    one.say("a", "hello")
    one.snapshot("a", "before")
    one.say("b", "hello")
    settle([one, other])
    one.store.delete("a")
    one.store.delete("b")
    one.store.purge("b")
    settle([one, other])
    assert (other.ids(), other.trash()) == ([], ["a"])
    assert [found.namespace for found in list_remotes(one.path)] == ["heads"]
    names = git(remote, "for-each-ref", "--format=%(refname)").split()
    assert all(name.startswith(("refs/heads/superqode-", "refs/tags/superqode-")) for name in names), names
    third = machine("third")
    third.begin(plain=True)
    third.sync()
    assert third.trash() == ["a"]
    assert third.view(plain=True) == one.view(plain=True)


@pytest.mark.parametrize("setting", ["HEAD", "denyDeletes", "denyNonFastForwards", "hook"])
def test_what_a_host_refuses_keeps_nothing_else_back(plain, remote, setting):
    """A branch that it will not delete, take or rewrite stays there as it is, is named each time, and all else goes."""
    one, other = plain
    one.say("a", "hunter2")
    settle([one, other])
    held = git(remote, "rev-parse", "a")
    if setting == "HEAD":
        git(remote, "symbolic-ref", "HEAD", "refs/heads/a")
    elif setting == "hook":
        install_hook(remote, "update", "#!/bin/sh\n[ $1 != refs/heads/a ] || { echo not that; exit 1; }\n")
    else:
        git(remote, "config", f"receive.{setting}", "true")
    if setting == "denyNonFastForwards":
        one.store.scrub("a", secrets=["hunter2"])
    elif setting == "hook":
        one.say("a", "more")
    else:
        one.store.delete("a")
    one.say("new", "hello")
    report = one.sync()
    assert report.sent.new == ("new",)
    assert not report.sent.deleted
    (told,) = [notice for notice in report.notices if "refuses what changed of a," in notice]
    assert git(remote, "rev-parse", "a") == held
    other.sync()
    assert "new" in other.ids()
    one.say("new", "more")
    report = one.sync()
    assert report.sent.updated == ("new",)
    assert told in report.notices
    assert ("superqode-scrubbed" in git(remote, "for-each-ref")) is False


@pytest.mark.parametrize("named", [0, 100])
def test_a_shallow_copy_is_refused(plain, machine, remote, tmp_path, monkeypatch, named):
    """A remote whose history was cut off damages no store; who has what it lacks goes on with it."""
    monkeypatch.setattr(plain_remote, "_BY_NAME", named)
    one, other = plain
    for text in ("first", "second", "third"):
        one.say("a", text)
    settle([one, other])
    one.say("a", "fourth")
    one.sync()
    shallow = tmp_path / "shallow.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(shallow)], check=True)
    git(shallow, "fetch", "--quiet", "--depth=1", f"file://{remote}", "refs/heads/a:refs/heads/a")
    shutil.rmtree(remote)
    shallow.rename(remote)
    new = machine("new")
    new.begin(plain=True)
    with pytest.raises(RemoteError, match="it is a shallow copy"):
        new.sync()
    assert new.ids() == []
    other.sync()
    assert other.heard("a") == ["first", "second", "third", "fourth"]
    git(other.path, "fsck", "--strict", "--no-dangling")


@pytest.mark.parametrize("named", [0, 100])
def test_more_refs_than_a_list_has_elsewhere(plain, remote, monkeypatch, named):
    """In clear each snapshot, item of the trash and mark is a ref: the bound for lists of shares is none for them."""
    monkeypatch.setattr(plain_remote, "_BY_NAME", named)
    for name in ("ls_remote", "fetch"):
        original = getattr(plain_remote.remote, name)
        monkeypatch.setitem(original.__kwdefaults__, "limit" if name == "ls_remote" else "max_refs", 3)
    one, other = plain
    for number in range(5):
        one.say(f"s{number}", "hello")
    settle([one, other])
    assert other.ids() == one.ids()


def test_a_host_that_takes_nothing_says_so(plain, remote):
    """Where no ref is taken at all, that is an error in the host's words, and no notice beside."""
    one, _ = plain
    install_hook(remote, "pre-receive", "#!/bin/sh\necho quota exceeded >&2\nexit 1\n")
    one.say("a", "hello")
    one.say("b", "hello")
    with pytest.raises(RemoteRejected, match="quota exceeded"):
        one.sync()


@pytest.mark.parametrize("named", [0, 100])
def test_many_sessions_come_in_one_fetch(plain, monkeypatch, named):
    """Asked for by name or all at once: sessions, snapshots and trash come, and the landing leaves nothing behind."""
    monkeypatch.setattr(plain_remote, "_BY_NAME", named)
    one, other = plain
    for number in range(5):
        one.say(f"s{number}", "hello")
    one.snapshot("s0", "before")
    one.store.delete("s1")
    settle([one, other])
    assert one.view(plain=True) == other.view(plain=True)
    other.say("s2", "more")
    one.say("t", "hello")
    settle([one, other])
    assert one.view(plain=True) == other.view(plain=True)
    assert "landed" not in git(other.path, "for-each-ref", "--format=%(refname)")
    git(other.path, "fsck", "--strict", "--no-dangling")


def test_a_remote_that_moves_between_a_look_and_a_fetch(plain, remote):
    """What was seen and is not there any more is looked at again, and never taken for what there is."""
    one, other = plain
    one.say("s", "hello")
    one.sync()
    repository = Repository(other.path)
    (target,) = list_remotes(other.path)
    looking = plain_remote.PlainRemote(repository, target)
    looking.look(State("plain"))
    tip = git(remote, "commit-tree", "-m", "another", git(remote, "mktree", stdin=b"").strip()).strip()
    git(remote, "update-ref", "refs/heads/s", tip)
    git(remote, "gc", "--quiet", "--prune=now")
    with Landing(repository, borrow=True) as landing, pytest.raises(RemoteRefMoved):
        looking.land(landing, {})


@pytest.mark.parametrize("seed", range(4000, 4002))
def test_random_programs(seed, machine):
    """Three machines, any order of edits and syncs: all end equal, and nothing that was acknowledged is gone."""
    machines: list[Machine] = [machine(name) for name in ("anvil", "brook", "cedar")]
    for one in machines:
        one.begin(plain=True)
    program = Program(seed, machines, plain=True)
    program.run(45)
    program.check()
