"""The share of version 1 that must stay readable: by us, byte for byte the same when made again, and by a stranger."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.shares.make_share_1 import DATA_KEY, LINK, LOCKS, PASSWORD, seal_files, vectors
from session.sharing import reader
from session.sharing.whole import Share
from superqode.session import Session, SessionStore
from superqode.session.sharing import kdf, keys
from superqode.session.sharing.trailers import IDENT, parse_envelope

DATA = Path(__file__).parents[2] / "data" / "shares"
KNOWN = json.loads((DATA / "share-1.json").read_text("utf-8"))
FILES = {
    path.relative_to(DATA / "share-1").as_posix(): path.read_bytes()
    for path in (DATA / "share-1").rglob("*")
    if path.is_file()
}
READER = Path(reader.__file__)


def _open(password, numbers):
    """Open the fixture with some of its key files."""
    kept = {path: data for path, data in FILES.items() if not path.startswith("keys/") or path in numbers}
    return Share(kept, DATA_KEY, [], share_id=LINK.share_id, secret=LINK.secret, password=password).open()


@pytest.mark.parametrize("number", [0, 1, 2], ids=["link", "argon2id", "scrypt"])
def test_the_fixture_opens_by_each_key(number):
    """Every later version opens it, by link, by Argon2id and by scrypt, and finds the same."""
    password = None if number == 0 else PASSWORD

    manifest, opened = _open(password, {f"keys/{number}.json"})

    assert json.loads(manifest.encode()) == KNOWN["manifest"]
    assert all(bundle.startswith(b"# v2 git bundle\n") for bundle in opened)
    assert [segment.chunks for segment in manifest.segments] == [3, 1]
    assert manifest.segments[1].prerequisite == manifest.segments[0].tip


def test_the_same_share_is_made_again():
    """From the same plaintext and chance every version writes the same bytes, key files and manifest included."""
    _, opened = _open(None, {"keys/0.json"})

    assert seal_files(opened, KNOWN["manifest"]) == FILES


def test_every_value_on_the_way_is_the_known_one():
    """Normalised password, derived keys, salt, content keys and sums are those that are written down."""
    assert vectors(FILES) == KNOWN


def test_the_password_opens_in_any_form():
    """Typed composed instead of decomposed it is the same password; without the space at its end another."""
    data = FILES["keys/1.json"]
    assert keys.unwrap({1: data}, "\u00c5ngstr\u00f6m fi 1 ", LINK.secret, LINK.share_id) == DATA_KEY
    assert kdf.normalise_password(PASSWORD.strip()) != kdf.normalise_password(PASSWORD)
    assert len(LOCKS) == 3


class _Git:
    """Plain git on one repository, with the fixed ident and date of shares."""

    def __init__(self, path):
        self.path = path
        name, address = IDENT
        fixed = {"NAME": name, "EMAIL": address, "DATE": "@0 +0000"}
        self._idents = {f"GIT_{who}_{what}": fixed[what] for who in ("AUTHOR", "COMMITTER") for what in fixed}

    def __call__(self, *arguments, data=b""):
        """Run git, which must succeed; gives its output without the last newline."""
        command = ["git", "-C", str(self.path), *arguments]
        done = subprocess.run(command, input=data, capture_output=True, check=False, env=os.environ | self._idents)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().removesuffix("\n")


REF = f"refs/superqode/shares/{LINK.share_id}"


def _publish(path, files):
    """Put a share's files on a remote, as an orphan commit."""
    path.mkdir()
    git = _Git(path)
    git("init", "-q", "--bare")
    blobs = {name: git("hash-object", "-w", "--stdin", data=data) for name, data in files.items()}
    git("update-index", "--index-info", data="".join(f"100644 {blobs[name]}\t{name}\n" for name in blobs).encode())
    git("update-ref", REF, git("commit-tree", git("write-tree"), data=KNOWN["message"].encode()))
    git("fsck", "--strict")
    return git


def test_the_commit_on_the_remote_is_fixed(tmp_path):
    """Tree, ident, date and message of the share's commit give one id, for ever."""
    git = _publish(tmp_path / "remote.git", FILES)

    assert git("cat-file", "-p", REF) == (
        "tree e98f82ce59091f6e0ca4861faf11fe90796bb415\n"
        "author superqode <share@superqode.invalid> 0 +0000\n"
        "committer superqode <share@superqode.invalid> 0 +0000\n"
        "\n" + KNOWN["message"].removesuffix("\n")
    )
    assert parse_envelope(KNOWN["message"].encode(), LINK.share_id).expires_at == datetime(2026, 11, 29, 10, tzinfo=UTC)


@pytest.mark.parametrize("number", [0, 1, 2], ids=["link", "argon2id", "scrypt"])
def test_a_stranger_s_reader_unpacks_it(tmp_path, number):
    """Forty lines without any code of ours give a repository that holds the session, with its snapshot."""
    only = {path: data for path, data in FILES.items() if "keys/" not in path or path == f"keys/{number}.json"}
    remote = _publish(tmp_path / "remote.git", only).path
    secret, target = LINK.token.partition(".")[2], tmp_path / "unpacked.git"
    typed = (PASSWORD if number else "") + "\n"

    command = [sys.executable, str(READER), str(remote), REF, secret, str(target)]
    done = subprocess.run(command, input=typed.encode(), capture_output=True, check=False, timeout=120)

    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout) == KNOWN["manifest"]
    _Git(target)("fsck", "--strict", "--full")
    with SessionStore(tmp_path / "store") as store:
        store.save(Session(id="first"))
        _Git(tmp_path / "store")("fetch", "-q", "--no-tags", str(target), "refs/*:refs/*")
        session = store.load("session-123")
        assert [message.content[:26] for message in session.messages] == [
            "Fix the SQL injection vuln",
            "I'll fix that…",
        ]
        assert [(snapshot.id, snapshot.description) for snapshot in session.snapshots] == [
            ("before-review", "Before review")
        ]


def test_the_reader_is_short_and_a_stranger():
    """It imports nothing of ours, and has forty lines behind its docstring, empty ones and imports not counted."""
    lines = READER.read_text("utf-8").partition('"""\n\n')[2].splitlines()
    imports = [line for line in lines if line.startswith(("import ", "from "))]

    assert not any("superqode" in line for line in imports)
    assert len([line for line in lines if line.strip() and line not in imports]) <= 40


def test_a_wrong_password_opens_nothing_for_a_stranger(tmp_path):
    """The stranger's reader too says that no key opens, and unpacks nothing."""
    remote = _publish(tmp_path / "remote.git", FILES).path
    with pytest.raises(SystemExit, match="no key opens"):
        reader.read_share(str(remote), REF, "A" * 22, str(tmp_path / "none.git"), "wrong")
    assert not (tmp_path / "none.git").exists()
