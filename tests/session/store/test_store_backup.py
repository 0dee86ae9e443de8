"""Backup and the way back: everything returns, and nothing comes in that a backup has no business to bring."""

from __future__ import annotations

import json
import stat

import pytest

from superqode.session import MessageRole, Session, SessionStore
from superqode.session.errors import BackupError, StoreNotFound


@pytest.fixture
def full(store, store_path, git):
    """A store with all there can be in one."""
    session = Session(id="work", title="Work")
    session.add_message(MessageRole.USER, "one")
    session.create_snapshot("Before", snapshot_id="before")
    store.save(session)
    store.fork("work", new_id="gone")
    store.delete("gone")
    git("branch", "feature/x", "work")
    for key, value in (
        ("remote.team.url", "https://git.example/team.git"),
        ("user.name", "Ann"),
        ("user.email", "ann@example.invalid"),
    ):
        git("config", key, value)
    quarantine = store_path / "superqode" / "quarantine"
    quarantine.mkdir()
    (quarantine / "20261122-damaged").write_bytes(b"what was left")
    return store


def test_everything_comes_back(full, git, tmp_path):
    """Sessions, snapshots, trash, remotes, user, quarantine, and a folder closed to others."""
    file = full.backup(tmp_path / "backup")
    assert file == tmp_path / "backup"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with SessionStore.restore_backup(file, tmp_path / "again") as again:
        assert again.load("work") == full.load("work")
        assert again.load("work").snapshots[0].state == full.load("work").snapshots[0].state
        assert again.trash() == full.trash()
        assert again.undelete("gone") == "gone"
        assert {line.id for line in again.list_sessions()} == {"work", "feature/x", "gone"}
        assert again.verify().ok
        session = again.load("work")
        session.add_message(MessageRole.USER, "two")
        again.save(session)
    path = tmp_path / "again"
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    kept = [found.read_bytes() for found in (path / "superqode/quarantine").iterdir() if found.is_file()]
    assert kept == [b"what was left"]
    git.path = path
    assert git("config", "remote.team.url") == "https://git.example/team.git"
    assert (git("config", "--file", "config", "user.name"), git("config", "gc.auto")) == ("Ann", "0")
    assert "refs/superqode/backup" not in git("for-each-ref")
    git.fsck()


def test_refs_that_other_programs_made_do_not_spoil_a_backup(full, git, tmp_path):
    """Notes and remote-tracking branches are no part of a store; the backup can be restored all the same."""
    for name in ("refs/notes/commits", "refs/remotes/team/work"):
        git("update-ref", name, "refs/heads/work")
    with SessionStore.restore_backup(full.backup(tmp_path / "backup"), tmp_path / "again") as again:
        assert again.load("work") == full.load("work")


def test_a_backup_replaces_nothing(full, git, tmp_path):
    """An existing file and a missing folder are refused; nothing is left in the store or beside the target."""
    (tmp_path / "backup").write_text("precious")
    refs = git("for-each-ref")
    for target in (tmp_path / "backup", tmp_path / "no" / "backup"):
        with pytest.raises(BackupError):
            full.backup(target)
    assert (tmp_path / "backup").read_text() == "precious"
    assert git("for-each-ref") == refs
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != ".home") == ["backup", "store"]


def test_there_must_be_something_to_back_up(store, tmp_path):
    """A store that is not there is an error, not an empty backup."""
    with pytest.raises(StoreNotFound):
        store.backup(tmp_path / "backup")


def test_a_backup_is_restored_only_into_an_empty_folder(full, tmp_path):
    """What is in the folder stays; an empty one is fine."""
    file = full.backup(tmp_path / "backup")
    used = tmp_path / "used"
    used.mkdir()
    (used / "file").write_text("precious")
    with pytest.raises(BackupError):
        SessionStore.restore_backup(file, used)
    assert [path.name for path in used.iterdir()] == ["file"]
    (tmp_path / "empty").mkdir()
    SessionStore.restore_backup(file, tmp_path / "empty").close()


def cut(data):
    return data[: len(data) * 2 // 3]


def cut_header(data):
    return data[:100]


def no_pack(data):
    return data[: data.index(b"PACK")]


def garbage(data):
    return b"\0" * len(data)


def flipped(data):
    middle = len(data) - 100
    return data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :]


def nothing(data):
    return data[:0]


def foreign(data):
    return data.replace(b"refs/superqode/backup", b"refs/superqode/backed")


def thin(data):
    return data.replace(b"# v2 git bundle\n", b"# v2 git bundle\n-" + b"1" * 40 + b" x\n")


def sha256(data):
    return data.replace(b"# v2 git bundle\n", b"# v3 git bundle\n@object-format=sha256\n")


def missing_object(data):
    first = data.index(b"\n") + 1
    return data[:first] + b"1" * 40 + data[first + 40 :]


SPOILERS = [cut, cut_header, no_pack, garbage, flipped, nothing, foreign, thin, sha256, missing_object]


@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda spoil: spoil.__name__)
def test_a_spoiled_backup_is_refused_and_leaves_nothing(full, tmp_path, spoil):
    """Cut, garbled, foreign or incomplete: one clear error, and no folder made."""
    file = full.backup(tmp_path / "backup")
    file.write_bytes(spoil(file.read_bytes()))
    before = sorted(tmp_path.iterdir())
    with pytest.raises(BackupError):
        SessionStore.restore_backup(file, tmp_path / "again")
    assert sorted(tmp_path.iterdir()) == before


HOSTILE_REFS = [
    "refs/../../x",
    "refs/heads/../../hooks/post-update",
    "../x",
    "/etc/x",
    "config",
    "hooks/pre-push",
    "refs/heads/a.lock",
    "refs/heads/-x/.git",
    "refs/heads/a//b",
    "refs/notes/x",
    "refs/heads/x\\..\\y",
    "refs/heads/a\0b",
    "refs/heads/" + "x" * 5000,
]


@pytest.mark.parametrize("number", range(len(HOSTILE_REFS)))
def test_a_hostile_ref_in_the_header_is_refused(full, tmp_path, number):
    """A name that leaves the refs of a store never becomes a path."""
    file = full.backup(tmp_path / "backup")
    head, end, rest = file.read_bytes().partition(b"\n\nPACK")
    tip = full.history("work")[0].commit
    file.write_bytes(head + f"\n{tip} {HOSTILE_REFS[number]}".encode() + end + rest)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BackupError):
        SessionStore.restore_backup(file, tmp_path / "again")
    assert sorted(tmp_path.rglob("*")) == before


HOSTILE_SETTINGS = {
    "core.sshCommand": "touch pwned",
    "core.hooksPath": "/hooks",
    "core.fsmonitor": "touch pwned",
    "core.pager": "touch pwned",
    "alias.log": "!touch pwned",
    "include.path": "/etc/passwd",
    "credential.helper": "!touch pwned",
    "remote.x.url": "ext::sh -c touch% pwned",
    "remote.y.url": "-oProxyCommand=touch",
    "remote.y.uploadpack": "touch pwned",
    "remote.z.proxy": "http://evil.invalid",
    "user.signingkey": "x",
    "superqode.allowplaintextpush": "true",
    "url.ext::sh.insteadOf": "https://",
    "user.name": "Eve\n[core]\n\tsshCommand = touch pwned",
}


def test_hostile_settings_are_not_restored(full, git, tmp_path):
    """Only settings that describe come back: nothing that could run, include or redirect anything."""
    file = full.backup(tmp_path / "backup")
    git("bundle", "unbundle", str(file))
    blob = git("hash-object", "-w", "--stdin", stdin=json.dumps({**HOSTILE_SETTINGS, "user.email": "e@x.invalid"}))
    tree = git("mktree", stdin=f"100644 blob {blob}\tsettings.json\n")
    git("update-ref", "refs/superqode/backup", git("commit-tree", tree, "-m", "settings"))
    file.unlink()
    git("bundle", "create", "-q", str(file), "--all")
    SessionStore.restore_backup(file, tmp_path / "again").close()
    git.path = tmp_path / "again"
    settings = git("config", "--file", "config", "--list").lower()
    assert "user.email=e@x.invalid" in settings
    for key in HOSTILE_SETTINGS:
        assert f"{key.lower()}=" not in settings
