"""What cannot be sent, as its objects are damaged or are such as no machine takes: it stays here, and all others go."""

from __future__ import annotations

import subprocess

import pytest

from faults.harms import harm
from session.sync.circle import Machine, git, loosen, settle
from superqode.session.errors import GitFailed, SyncKeyUnfinished
from superqode.session.git.repository import Repository
from superqode.session.sync import sendable, setup
from superqode.session.sync.sendable import find_unsound, first_words, leave_out, present

HEADS = "refs/heads/"


def lose(one: Machine, session_id: str, *, entry: int = 0) -> None:
    """Remove a message's object from the store, as a bad disk does."""
    path = f"{HEADS}{session_id}:timeline/0000/00/{entry:02d}-user.json"
    oid = git(one.path, "rev-parse", path).strip()
    loosen(one)
    (one.path / "objects" / oid[:2] / oid[2:]).unlink()


def poison(one: Machine, branch: str) -> None:
    """Make a branch of a commit that git's own checks refuse, as old tools wrote them."""
    tree = git(one.path, "mktree", stdin=b"").strip()
    who = "Old Tool<old@tool> 1200000000 +0000"
    raw = f"tree {tree}\nauthor {who}\ncommitter {who}\n\nold\n".encode()
    oid = git(one.path, "hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=raw).strip()
    git(one.path, "branch", branch, oid)


def test_a_damaged_session_blocks_no_other(machines):
    """It is named, the others go, and so does it once it is whole again."""
    one, other = machines
    one.say("bad", "some text")
    one.say("good", "hello")
    whole = Repository(one.path)
    oid = git(one.path, "rev-parse", f"{HEADS}bad:timeline/0000/00/00-user.json").strip()
    blob = whole.objects.blob(oid)
    lose(one, "bad")
    report = one.sync()
    assert report.sent.new == ("good",)
    assert any(notice.startswith("bad is not sent") and oid in notice for notice in report.notices)
    report = one.sync()
    assert not report.sent.any
    assert len(report.notices) == 1
    one.say("later", "hello")
    assert one.sync().sent.new == ("later",)
    other.sync()
    assert other.ids() == ["good", "later"]
    assert git(one.path, "hash-object", "-w", "--stdin", stdin=blob).strip() == oid
    report = one.sync()
    assert (report.sent.new, report.notices) == (("bad",), ())
    settle([one, other])
    assert one.heard("bad") == other.heard("bad") == ["some text"]


def test_a_damaged_snapshot_blocks_no_other(machines):
    """Git looks at all tags of a repository whatever it packs: one whose object is cut off is in no other's way."""
    one, other = machines
    one.say("bad", "some text")
    snapshot = one.snapshot("bad", "here")
    one.say("good", "hello")
    oid = git(one.path, "rev-parse", f"refs/tags/bad/{snapshot}").strip()
    path = one.path / "objects" / oid[:2] / oid[2:]
    whole = path.read_bytes()
    harm(path, "truncated")

    report = one.sync()

    assert report.sent.new == ("good",)
    assert [notice.partition(" ")[0] for notice in report.notices] == ["bad"]
    harm(path, "gone")
    path.write_bytes(whole)
    settle([one, other])
    assert other.ids() == ["bad", "good"]


def test_what_no_machine_takes_is_not_sent(machines, tmp_path):
    """A branch of plain git that strict checks refuse, and one without its history, poison no other machine."""
    one, other = machines
    poison(one, "old")
    source = tmp_path / "source"
    subprocess.run(["git", "init", "--quiet", str(source)], check=True)
    for message in "abc":
        git(source, "commit", "--quiet", "--allow-empty", "-m", message)
    git(one.path, "fetch", "--quiet", "--depth=1", f"file://{source}", "HEAD:refs/heads/shallow")
    one.say("good", "hello")
    report = one.sync()
    assert report.sent.new == ("good",)
    assert [notice.partition(" ")[0] for notice in report.notices] == ["old", "shallow"]
    settle([one, other])
    assert other.ids() == ["good"]


def test_a_branch_that_is_at_no_commit(machines):
    """No machine takes one: it is named and stays here, the others go, and it is as it was on the other machines."""
    one, other = machines
    one.say("bad", "some text")
    one.say("good", "hello")
    settle([one, other])
    whole, blob = (git(one.path, "rev-parse", name).strip() for name in ("bad", "bad:session.json"))
    (one.path / "refs" / "heads" / "bad").write_text(blob + "\n")
    one.say("good", "more")

    for sent in (("good",), ()):
        report = one.sync()
        assert report.sent.updated == sent
        assert [notice.partition(": ")[0] for notice in report.notices] == [
            "bad is not sent, as no other machine could take it"
        ]
        assert "at a blob" in report.notices[0]

    other.say("bad", "elsewhere")
    settle([one, other])
    assert other.heard("bad") == ["some text", "elsewhere"]
    (one.path / "refs" / "heads" / "bad").write_text(whole + "\n")
    settle([one, other])
    assert one.heard("bad") == ["some text", "elsewhere"]
    assert other.heard("good") == ["hello", "more"]


def test_a_session_that_was_damaged_after_it_was_sent(machines):
    """It goes on being what it is on the other machines, and the others go on, also where all is sealed anew."""
    one, other = machines
    one.say("bad", "some text")
    one.say("good", "hello")
    settle([one, other])
    lose(one, "bad")
    one.say("good", "more")
    assert one.sync().sent.updated == ("good",)
    report = one.sync(compact=True)
    assert not any(change.deleted for change in (report.sent, report.received))
    told = [notice for notice in report.notices if notice.startswith("bad cannot be sealed anew")]
    assert len(told) == (report.mode == "sealed")
    settle([one, other])
    assert other.heard("bad")[0] == "some text"
    assert other.heard("good") == ["hello", "more"]


def test_a_key_is_not_taken_from_what_cannot_be_sealed_anew(pair, remote):
    """Of a session that is damaged here the old sync may have the last whole copy: it stays until all came along."""
    one, other = pair
    one.say("bad", "some text")
    one.say("good", "hello")
    settle([one, other])
    lose(one, "bad")
    with pytest.raises(SyncKeyUnfinished, match="bad"):
        setup.rotate(one.store, None, keyring=False)
    assert len(git(remote, "for-each-ref").splitlines()) == 2
    one.say("good", "more")
    one.sync()
    other.sync()
    assert other.heard("good") == ["hello", "more"]
    assert other.heard("bad") == ["some text"]


def test_a_renamed_session_whose_new_name_cannot_be_sent(pair):
    """Its old branch stays there, too: nobody takes it for one that vanished, and both machines come to rest."""
    one, other = pair
    one.say("old", "some text")
    settle([one, other])
    one.say("old", "lost")
    one.store.rename("old", "new")
    lose(one, "new", entry=1)
    settle([one, other])
    assert (one.ids(), other.ids()) == (["new"], ["old"])


@pytest.mark.parametrize("words", ["fatal: write error: No space left on device", "error: index-pack died of signal 9"])
def test_a_fault_of_no_object_is_told_as_it_is(machine, monkeypatch, words):
    """A full disk, or a git that cannot pack anything, makes no session unsound: the sync fails with git's words."""
    one = machine("one")
    one.say("s", "hello")

    def full(*_arguments, **_options):
        raise GitFailed("index-pack", 128, words)

    monkeypatch.setattr(sendable.bundle, "unpack", full)
    with pytest.raises(GitFailed, match=words.rpartition(": ")[2]):
        find_unsound(Repository(one.path), [git(one.path, "rev-parse", "s").strip()], [])


def test_only_what_is_unsound_is_found(machine):
    """Of many tips exactly those, each with git's words."""
    one = machine("one")
    for number in range(7):
        one.say(f"s{number}", f"hello {number}")
    lose(one, "s2")
    poison(one, "old")
    tips = dict(
        line.split()[::-1]
        for line in git(one.path, "for-each-ref", "--format=%(objectname) %(refname:short)").splitlines()
    )
    found = find_unsound(Repository(one.path), tips.values(), [])
    assert found.keys() == {tips["s2"], tips["old"]}
    assert "missingSpaceBeforeEmail" in found[tips["old"]]


def test_what_git_does_not_name_is_found(machines):
    """Of an object whose file is a directory git says what failed, and not where: its session is found all the same."""
    one, other = machines
    one.say("bad", "some text")
    one.say("good", "hello")
    loosen(one)
    tip = git(one.path, "rev-parse", "bad").strip()
    harm(one.path / "objects" / tip[:2] / tip[2:], "a directory in its place")

    report = one.sync()

    assert report.sent.new == ("good",)
    assert [notice.partition(",")[0] for notice in report.notices] == ["bad is not sent"]
    other.sync()
    assert other.ids() == ["good"]


def test_one_that_git_does_not_name_is_found_alone(machine):
    """Also where nothing else is to be sent, and so nothing else succeeds."""
    one = machine("one")
    one.say("bad", "some text")
    loosen(one)
    tip, tree = (git(one.path, "rev-parse", name).strip() for name in ("bad", "bad^{tree}"))
    harm(one.path / "objects" / tree[:2] / tree[2:], "a directory in its place")
    assert find_unsound(Repository(one.path), [tip], []).keys() == {tip}


def test_what_the_other_side_has_may_be_damaged_here(machine):
    """Git walks into it to learn what need not be sent: then the pack has all, and nobody else is blamed for it."""
    one = machine("one")
    one.say("good", "hello")
    for text in "abc":
        one.say("bad", text)
    good, bad, older = (git(one.path, "rev-parse", name).strip() for name in ("good", "bad", "bad~1"))
    loosen(one)
    harm(one.path / "objects" / older[:2] / older[2:], "truncated")
    repository = Repository(one.path)
    assert find_unsound(repository, [good], sorted(present(repository, [bad]))) == {}
    assert find_unsound(repository, [good, bad], []).keys() == {bad}
    assert present(repository, [bad, older]) == {bad}


def test_all_of_a_session_stays_or_none(machine):
    """Its snapshots, too; and what the other side has of it."""
    one = machine("one")
    one.say("s", "hello")
    repository = Repository(one.path)
    seen = {"refs/heads/a": "1" * 40, "refs/tags/a/x": "2" * 40, "refs/heads/b": "3" * 40}
    view = {
        "refs/heads/a": "4" * 40,
        "refs/tags/a/y": "5" * 40,
        "refs/heads/c": "6" * 40,
        "ledger/marks.json": "7" * 40,
    }
    sent, notes = leave_out(repository, seen, view, {"4" * 40: "unable to read it"})
    assert sent == {
        "refs/heads/a": "1" * 40,
        "refs/tags/a/x": "2" * 40,
        "refs/heads/c": "6" * 40,
        "ledger/marks.json": "7" * 40,
    }
    assert [(note.session_id, note.other) for note in notes] == [("a", "unable to read it")]


def test_a_git_that_says_nothing_is_no_error_of_its_own():
    """Where git fails without a word, the line for people is empty, and nothing breaks over it."""
    assert first_words("") == ""
    assert first_words("\n") == ""
