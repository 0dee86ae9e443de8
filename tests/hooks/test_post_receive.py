"""`hooks/server/post-receive` with real `git push`: owners on record, and expired shares really gone."""

import os
import subprocess
import time

import pytest

from hooks.envelopes import (
    BRANCHES,
    ID,
    NO_OBJECT,
    OTHER_ID,
    SHARES,
    THIRD_ID,
    envelope,
    public_message,
    public_share,
    session,
    share_of,
)

REF = f"{SHARES}/{ID}"


def _stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def _share(team, share=ID, expires=""):
    return share_of(team.client, envelope(share), share=share, expires=expires)


def _put(team, ref, oid):
    """Let the server have something without its hooks, as if time had passed since it came."""
    team.client.git("push", "-q", str(team.server.path), f"{oid}:refs/heads/carrier", check=True)
    team.server.git("update-ref", ref, oid)
    team.server.git("update-ref", "-d", "refs/heads/carrier")


def _expire(team, *arguments, folder=None):
    """Run what cron runs, in a bare environment, from the folder above the repository or from another."""
    hook = str(team.server.path / "hooks" / "post-receive")
    run = ["env", "-i", f"PATH={os.environ['PATH']}"]
    return subprocess.run(
        [*run, "python3", "-I", hook, "--expire", *arguments],
        cwd=folder or team.server.path.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _record(team, share=ID):
    return team.server.path / "superqode-server" / "owners" / share


def test_the_pusher_hears_how_long_a_share_lives(team):
    """One line for each share: its end, or how to end it, and what a deletion cannot take back."""
    ends = _stamp(86400)
    told = team.accepted(f"{_share(team, expires=ends)}:{REF}", user="alice")
    assert f"remote: superqode: the share {ID} is on the server until {ends[:10]} {ends[11:16]} UTC" in told
    public = public_share(team.client, session(team.client), told=public_message(OTHER_ID))

    told = team.accepted(f"{public}:{SHARES}/public/{OTHER_ID}", f":{REF}", user="alice")

    assert f"the share {OTHER_ID} is on the server until `superqode share revoke` takes it off" in told
    assert f"the share {ID} is off the server; whoever fetched it has it still" in told


def test_many_shares_are_told_in_a_few_lines(team):
    """A push of seven shares is told in six lines."""
    what = [f"{_share(team, f'{number:026d}')}:{SHARES}/{number:026d}" for number in range(7)]

    told = team.accepted(*what)

    assert told.count("remote: superqode: ") == 6
    assert "and 2 more" in told


def test_other_pushes_hear_nothing(team):
    """Code comes and goes without a word, and starts nothing."""
    _put(team, REF, _share(team, expires=_stamp(-5)))

    assert "superqode" not in team.accepted(f"{session(team.client)}:refs/heads/main", user="alice")

    assert REF in team.server.refs()
    assert not (team.server.path / "superqode-server").exists()


def test_the_owner_is_on_record(team):
    """Who pushed a share first is recorded, whoever claimed it before, and forgotten when it is gone."""
    commit = _share(team)
    team.accepted(f"{commit}:{REF}", user="alice")
    assert '"owner": "alice"' in _record(team).read_text()
    _record(team).write_text('{"owner": "bob", "shown": "bob"}')

    told = team.hook("post-receive", f"{NO_OBJECT} {commit} {REF}")
    assert told.returncode == 0
    assert not _record(team).exists()

    team.accepted(f"{_share(team, OTHER_ID)}:{SHARES}/{OTHER_ID}", user="alice")
    team.accepted(f":{SHARES}/{OTHER_ID}", user="alice")
    assert not _record(team, OTHER_ID).exists()


def test_a_share_under_two_names_keeps_its_owner(team):
    """The record goes with the last of a share's refs."""
    commit = _share(team)
    team.accepted(f"{commit}:{REF}", f"{commit}:{BRANCHES}/{ID}", user="alice")

    team.accepted(f":{REF}", user="alice")
    assert _record(team).exists()
    team.refused("belongs to alice", f":{BRANCHES}/{ID}", user="bob")
    team.accepted(f":{BRANCHES}/{ID}", user="alice")

    assert not _record(team).exists()


def test_a_push_takes_expired_shares_away(team):
    """Both kinds in both namespaces go with the next share, whoever pushes; what lives and what is no share stays."""
    over = _stamp(-5)
    public = public_share(team.client, session(team.client), told=public_message(Expires=over))
    plain = session(team.client, 1)
    _put(team, REF, _share(team, expires=over))
    _put(team, f"{SHARES}/public/{OTHER_ID}", public)
    _put(team, f"{BRANCHES}/{OTHER_ID}", _share(team, OTHER_ID, expires=over))
    _put(team, f"{BRANCHES}-public/{ID}", public)
    staying = {
        f"{SHARES}/{THIRD_ID}": _share(team, THIRD_ID, expires=_stamp(60)),
        f"{SHARES}/public/{THIRD_ID}": public_share(team.client, plain),
        f"{SHARES}/odd": public,
        "refs/heads/main": public,
        f"{BRANCHES}/{THIRD_ID}": share_of(team.client, envelope(), expires="2001-02-31T10:00:00Z"),
    }
    for ref, oid in staying.items():
        _put(team, ref, oid)
    new = ID[::-1]

    told = team.accepted(f"{_share(team, new)}:{SHARES}/{new}", user="alice")

    assert "4 expired shares were taken off the server" in told
    assert set(team.server.refs()) == {*staying, f"{SHARES}/{new}"}


def _traced(team, what, **environment):
    """Push; gives the commands of git that ran, on either side, and what the server said."""
    trace = team.server.path.parent / "trace"
    trace.unlink(missing_ok=True)
    told = team.accepted(what, user="alice", GIT_TRACE=str(trace), **environment)
    return [line for line in trace.read_text().splitlines() if "built-in: git for-each-ref" in line], told


def test_a_push_looks_at_no_other_share(team):
    """Once all were looked at, a push asks git for those by name that it changed or that are due, and for no other."""
    _put(team, f"{SHARES}/{OTHER_ID}", _share(team, OTHER_ID, expires=_stamp(3600)))
    first, _ = _traced(team, f"{_share(team)}:{REF}")
    assert any(line.endswith(f" {SHARES}/ {BRANCHES}/ {BRANCHES}-public/") for line in first)

    second, _ = _traced(team, f"{_share(team, THIRD_ID)}:{SHARES}/{THIRD_ID}")

    assert second
    for line in second:
        names = line.split("--format=")[1].split()[2:]
        assert all(name.endswith(THIRD_ID) for name in names), line


def test_shares_are_deleted_when_their_time_comes(team):
    """With the first push after its end a share goes, and is off the record; one that was extended meanwhile stays."""
    pushed, extended, new = (f"{number:026d}" for number in range(3))
    end = time.time() + 10
    soon = _stamp(10)
    first = _share(team, extended, expires=soon)
    team.accepted(
        f"{first}:{SHARES}/{extended}", f"{_share(team, pushed, expires=soon)}:{SHARES}/{pushed}", user="alice"
    )
    later = share_of(team.client, envelope(extended), first, share=extended, expires=_stamp(3600))
    told = team.accepted(f"{later}:{SHARES}/{extended}", user="alice")
    time.sleep(max(0.0, end + 1 - time.time()))

    told += team.accepted(f"{_share(team, new)}:{SHARES}/{new}", user="alice")

    assert "1 expired share was taken off the server" in told
    assert sorted(team.server.refs()) == [f"{SHARES}/{extended}", f"{SHARES}/{new}"]
    left = "".join(file.read_text() for file in (team.server.path / "superqode-server" / "ends").iterdir())
    assert extended in left
    assert pushed not in left


def test_with_very_many_refs_shares_are_deleted_now_and_then(team):
    """Git writes packed-refs anew for each deletion: where that is large, not every push does it; cron does."""
    team.accepted(f"{_share(team)}:{REF}", user="alice")
    team.server.git("pack-refs", "--all")
    with (team.server.path / "packed-refs").open("a") as packed:
        oid = team.server.tell("rev-parse", REF)
        packed.writelines(f"{oid} refs/zeros/{number:060d}\n" for number in range(45_000))
    ends = team.server.path / "superqode-server" / "ends"
    lock = team.server.path / "superqode-server" / "expiring.lock"

    def push_beside_expired(number):
        over, new = (f"{letter}{number:025d}" for letter in "ab")
        _put(team, f"{SHARES}/{over}", _share(team, over, expires=_stamp(-5)))
        (ends / "20010101T00").write_text(f"{time.time() - 5:.0f} {SHARES}/{over}\n")
        return team.accepted(f"{_share(team, new)}:{SHARES}/{new}", user="alice")

    assert "taken off" not in push_beside_expired(1)
    os.utime(lock, (time.time() - 700, time.time() - 700))
    assert "1 expired share was taken off the server" in push_beside_expired(2)
    assert "taken off" not in push_beside_expired(3)
    assert _expire(team, str(team.server.path)).stdout.startswith("2 expired shares deleted")


@pytest.mark.parametrize("line", ["", "x", "1 refs/heads/main", "1 ", "-1 " + REF, "1e9 " + REF, "\0", "1 " + REF[:-4]])
def test_an_odd_line_in_the_record_of_ends_does_no_harm(team, line):
    """A crash may have cut it: it is passed over, and goes."""
    team.accepted(f"{_share(team)}:{REF}", user="alice")
    odd = team.server.path / "superqode-server" / "ends" / "20010101T00"
    odd.write_text(f"{line}\n")
    refs = team.server.refs()

    told = team.accepted(f"{_share(team, OTHER_ID)}:{SHARES}/{OTHER_ID}", user="alice")

    assert "not all was done" not in told
    assert set(refs) < set(team.server.refs())


def test_cron_takes_expired_shares_away(team):
    """`--expire` works on the repository named and on the folder it is in, says what it did, and is quiet otherwise."""
    for arguments, folder in (([str(team.server.path)], None), (["server.git"], None), ([], team.server.path)):
        _put(team, REF, _share(team, expires=_stamp(-5)))
        told = _expire(team, *arguments, folder=folder)
        assert (told.returncode, told.stderr) == (0, "")
        assert told.stdout == "1 expired share deleted; their objects stay until git gc\n"
        assert team.server.refs() == []

    told = _expire(team, str(team.server.path))
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


def test_expiring_forgets_owners_of_what_is_gone(team):
    """Records without a share go when they are old; of a push that may be arriving they stay."""
    new = ID[::-1]
    team.accepted(f"{_share(team, new)}:{SHARES}/{new}", user="alice")
    _put(team, REF, _share(team, expires=_stamp(-5)))
    for share in (ID, OTHER_ID, THIRD_ID):
        _record(team, share).write_text(_record(team, new).read_text())
    for share in (new, ID, OTHER_ID):
        os.utime(_record(team, share), (1, 1))

    assert _expire(team, str(team.server.path)).returncode == 0

    assert sorted(file.name for file in _record(team).parent.iterdir()) == sorted([new, THIRD_ID])


def test_a_share_extended_meanwhile_stays(team):
    """A ref that moved after it was looked at is not deleted, and the others are."""
    commit, other = _share(team, expires=_stamp(-5)), _share(team, OTHER_ID, expires=_stamp(-5))
    _put(team, REF, commit)
    _put(team, f"{SHARES}/{OTHER_ID}", other)
    lock = team.server.path / f"{REF}.lock"
    lock.touch()

    told = _expire(team, str(team.server.path))

    assert told.returncode == 1
    assert told.stdout.startswith("1 expired share deleted")
    assert "1 expired share could not be deleted" in told.stderr
    assert team.server.refs() == [REF]


def _old(team):
    """Let everything in the server's repository be two hours old."""
    for file in (team.server.path / "objects").rglob("*"):
        # Some git forgets this file after a push.
        if file.suffix == ".keep":
            file.unlink()
        else:
            os.utime(file, (time.time() - 7200,) * 2)


def _there(team, oid):
    return team.server.git("cat-file", "-e", oid, check=False).returncode == 0


@pytest.mark.parametrize("limit", ["1", "10000"], ids=["packed", "loose"])
def test_objects_are_pruned_where_that_is_set(team, limit):
    """With superqode.pruneExpired nobody fetches an expired share by its object's id any more; others stay whole."""
    team.server.git("config", "receive.unpackLimit", limit)
    gone, stays = _share(team, expires=_stamp(-5)), _share(team, OTHER_ID, expires=_stamp(600))
    _put(team, REF, gone)
    _put(team, f"{SHARES}/{OTHER_ID}", stays)
    _old(team)
    assert _expire(team, str(team.server.path)).returncode == 0
    assert _there(team, gone)
    team.config("pruneExpired", "true")
    team.server.git("update-ref", REF, gone)

    told = _expire(team, str(team.server.path))

    assert told.stdout == "1 expired share deleted; their objects are gone\n"
    assert not _there(team, gone)
    assert team.server.git("fsck", "--strict", check=False).returncode == 0
    assert team.server.tell("rev-parse", f"{SHARES}/{OTHER_ID}") == stays


def test_what_just_arrived_is_not_pruned(team):
    """Objects younger than an hour may belong to a push that is not finished."""
    team.config("pruneExpired", "true")
    gone = _share(team, expires=_stamp(-5))
    _put(team, REF, gone)

    told = _expire(team, str(team.server.path))

    assert told.returncode == 0
    assert "the objects of 1 stay: they came in the last hour" in told.stdout
    assert team.server.refs() == []
    assert _there(team, gone)


def test_a_push_prunes_behind_its_back(team):
    """After a push pruning goes on by itself; the pusher does not wait for it."""
    team.config("pruneExpired", "true")
    gone = _share(team, expires=_stamp(-5))
    _put(team, REF, gone)
    _old(team)

    team.accepted(f"{_share(team, OTHER_ID)}:{SHARES}/{OTHER_ID}")

    until = time.monotonic() + 30
    while _there(team, gone):
        assert time.monotonic() < until
        time.sleep(0.1)
    while (team.server.path / "gc.pid").exists():
        time.sleep(0.1)
    assert team.server.git("fsck", "--strict", check=False).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["nowhere.git"], "git rev-parse failed"), ([], "git rev-parse failed"), (["a", "b"], "usage: ")],
    ids=["missing", "none", "two"],
)
def test_expire_says_what_is_wrong(team, arguments, told):
    """No repository, or too many: one line and exit code 1."""
    done = _expire(team, *arguments)

    assert (done.returncode, done.stdout) == (1, "")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_earlier_hook_runs_after_ours(team, tmp_path):
    """It reads the same lines, also when our part failed, which is told in one line."""
    earlier = team.server.path / "hooks" / "post-receive.before-superqode"
    earlier.write_text(f"#!/bin/sh\ncat >>'{tmp_path}/told'\n")
    earlier.chmod(0o755)
    first, second = _share(team), _share(team, OTHER_ID)
    team.accepted(f"{first}:{REF}", user="alice")
    _record(team).write_text("{")

    line = f"{NO_OBJECT} {first} {REF}"
    told = team.hook("post-receive", line)

    assert told.returncode == 0
    assert "not all was done after it: the record of who owns the share" in told.stderr
    assert told.stderr.count("\n") == 1
    assert (tmp_path / "told").read_text() == f"{line}\n" * 2
    team.accepted(f"{second}:{SHARES}/{OTHER_ID}")


@pytest.mark.parametrize(
    "line", ["", "nonsense", f"{NO_OBJECT} {'f' * 40} {REF}", f"{NO_OBJECT} {'f' * 40} {SHARES}/x"]
)
def test_odd_lines_leave_no_trace(team, line):
    """What no git says, and objects that are not there: no traceback, at most one line."""
    told = team.hook("post-receive", line)

    assert "Traceback" not in told.stderr
    assert told.stderr.count("\n") <= 1
