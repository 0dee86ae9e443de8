"""Backup and restore: one verified file with everything, and nothing of a hostile one gets in."""

import os
import stat
import subprocess
import sys

import pytest

from faults.harms import harm
from superqode.session import Session, SessionStore
from superqode.session.errors import BackupError, GitMissing, SessionError, StoreNotFound
from superqode.session.git import bundle, durability
from superqode.session.git.workplaces import Workplace


@pytest.fixture
def filled(store, git):
    """Sessions with snapshots, a fork, one in the trash, a quarantined file, a remote."""
    for number in range(3):
        session = Session(id=f"s{number}", title=f"T{number}", tags=["t"])
        session.add_message("user", "text " * 3_000)
        session.create_snapshot("here", snapshot_id="here")
        store.save(session)
    store.fork("s0", new_id="fork")
    store.delete("s1")
    folder = store.path / "superqode" / "quarantine"
    folder.mkdir(exist_ok=True)
    (folder / "20261122T100000-abc-damaged").write_bytes(b"damaged bytes")
    git("config", "remote.team.url", "https://example.invalid/team.git")
    git("config", "user.name", "Ada Example")
    return store


def _refs(store):
    return set(store._open().refs.names("refs/"))


def _told(store):
    return {
        "sessions": {found.id: store.load(found.id).to_dict() for found in store.list_sessions()},
        "histories": {found.id: store.history(found.id) for found in store.list_sessions()},
        "trash": store.trash(),
        "latest": store.load_latest().id,
    }


@pytest.mark.parametrize("packed", [False, True], ids=["loose", "packed"])
def test_everything_comes_back(filled, tmp_path, git, packed):
    """Sessions, saves, snapshots, trash, quarantine, remotes, mode and hooks are those of the store backed up."""
    if packed:
        filled.maintain()
    refs = git("for-each-ref")

    path = filled.backup(tmp_path / "backup")
    assert git("for-each-ref") == refs
    with SessionStore.restore_backup(path, tmp_path / "restored") as restored:
        assert _told(restored) == _told(filled)
        assert restored.verify().ok
        quarantine = tmp_path / "restored" / "superqode" / "quarantine"
        assert [file.read_bytes() for file in quarantine.iterdir() if file.is_file()] == [b"damaged bytes"]
        settings = restored._open().settings()
        assert settings["remote.team.url"] == "https://example.invalid/team.git"
        assert settings["user.name"] == "Ada Example"
        assert restored.undelete("s1") == "s1"
        session = restored.load("s0")
        session.add_message("user", "on")
        restored.save(session)

    assert stat.S_IMODE((tmp_path / "restored").stat().st_mode) == 0o700
    assert (tmp_path / "restored" / "hooks" / "pre-push").exists()
    done = subprocess.run(
        ["git", "-C", str(tmp_path / "restored"), "fsck", "--strict"], capture_output=True, check=False
    )
    assert done.returncode == 0


def test_the_file_is_for_its_owner_and_plain_git(filled, tmp_path):
    """A backup holds secrets, so its mode is 0600; plain git verifies and lists it."""
    path = filled.backup(tmp_path / "backup")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    listed = subprocess.run(
        ["git", "bundle", "list-heads", str(path)], capture_output=True, text=True, check=True
    ).stdout
    assert "refs/heads/s0" in listed
    assert [file.name for file in tmp_path.iterdir() if "backup" in file.name] == ["backup"]


def test_a_backup_never_replaces_a_file(filled, tmp_path):
    """A file that is there stays, and a folder that is not there is told."""
    (tmp_path / "there").write_text("mine")

    with pytest.raises(BackupError, match=r"is there already\. Choose another name"):
        filled.backup(tmp_path / "there")
    assert (tmp_path / "there").read_text() == "mine"
    with pytest.raises(BackupError, match="There is no folder"):
        filled.backup(tmp_path / "nowhere" / "b")


def test_no_store_has_no_backup(store, tmp_path):
    """Where there is no store there is nothing to back up."""
    with pytest.raises(StoreNotFound):
        store.backup(tmp_path / "b")


def test_without_git_it_is_one_clear_error(filled, tmp_path, monkeypatch, git):
    """The error names what git is needed for; no file and no ref is left."""
    refs = git("for-each-ref")
    with monkeypatch.context() as patched:
        patched.setenv("PATH", str(tmp_path / "empty"))
        with pytest.raises(GitMissing, match="Making a backup needs the git program"):
            filled.backup(tmp_path / "b")
    assert git("for-each-ref") == refs
    assert [file.name for file in tmp_path.iterdir() if file.name not in (".home", "store")] == []


def test_a_backup_goes_into_an_empty_folder_only(filled, tmp_path):
    """An empty folder is used; one that holds anything is refused and stays as it is."""
    path = filled.backup(tmp_path / "backup")
    (tmp_path / "empty").mkdir()
    SessionStore.restore_backup(path, tmp_path / "empty").close()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")

    with pytest.raises(BackupError, match="is not empty"):
        SessionStore.restore_backup(path, tmp_path / "full")
    assert [file.name for file in (tmp_path / "full").iterdir()] == ["mine"]


def _refused(path, tmp_path, told):
    before = sorted(file.name for file in tmp_path.iterdir())
    with pytest.raises(BackupError, match=told):
        SessionStore.restore_backup(path, tmp_path / "restored")
    assert sorted(file.name for file in tmp_path.iterdir()) == before


@pytest.mark.parametrize("keep", [0, 10, 200, 0.3, 0.7, 0.99], ids=str)
def test_a_truncated_file_leaves_nothing_behind(filled, tmp_path, keep):
    """However early a backup ends it is refused, and no folder stays."""
    path = filled.backup(tmp_path / "backup")
    data = path.read_bytes()
    path.write_bytes(data[: keep if isinstance(keep, int) else int(len(data) * keep)])

    _refused(path, tmp_path, "backup")


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9])
def test_a_damaged_file_leaves_nothing_behind(filled, tmp_path, place):
    """A byte that turned in the pack is found."""
    path = filled.backup(tmp_path / "backup")
    data = bytearray(path.read_bytes())
    begin = data.index(b"PACK")
    data[begin + int((len(data) - begin) * place)] ^= 0xFF
    path.write_bytes(bytes(data))

    _refused(path, tmp_path, "is damaged, and nothing was restored")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda data: data.replace(b" refs/heads/s0\n", b" refs/remotes/x/y\n", 1),
            "a store has no ref refs/remotes/x/y",
        ),
        (lambda data: data.replace(b" refs/heads/s0\n", b" refs/../../evil\n", 1), "is refused: its header names"),
        (lambda data: data.replace(b" refs/heads/s0\n", b" hooks/pre-push\n", 1), "is refused: its header names"),
        (
            lambda data: data.replace(b" refs/heads/superqode\n", b" refs/heads/another\n", 1),
            "no backup of a session store",
        ),
        (
            lambda data: data.replace(b" refs/superqode/backup\n", b" refs/superqode/backed\n", 1),
            "no backup of a session",
        ),
        (
            lambda data: data.replace(b"\n\nPACK", b"\n" + b"1" * 40 + b" refs/heads/none\n\nPACK", 1),
            "an object that is not in it",
        ),
        (lambda data: b"not a bundle at all", "does not begin like a Git bundle"),
    ],
    ids=range(7),
)
def test_hostile_headers_are_refused(filled, tmp_path, change, told):
    """Refs that no store has, names that are paths, missing parts: refused with the reason, and nothing is left."""
    path = filled.backup(tmp_path / "backup")
    path.write_bytes(change(path.read_bytes()))

    _refused(path, tmp_path, told)


def test_a_file_that_is_not_there_is_told(tmp_path):
    """A path that leads nowhere is BackupError with the path."""
    _refused(tmp_path / "nowhere", tmp_path, "cannot be restored")


def test_settings_that_could_run_something_do_not_come_back(filled, tmp_path, git):
    """Of a backup's settings only those come back that describe: no program, no hook path, no alias."""
    hostile = {
        "core.sshCommand": "touch /tmp/evil",
        "core.hooksPath": "/tmp/evil",
        "core.fsmonitor": "/tmp/evil",
        "core.pager": "evil",
        "core.editor": "evil",
        "credential.helper": "!evil",
        "alias.log": "!evil",
        "filter.x.clean": "evil",
        "gpg.program": "evil",
        "uploadpack.packObjectsHook": "evil",
        "remote.team.uploadpack": "evil",
        "remote.team.receivepack": "evil",
        "remote.team.proxy": "evil",
        "remote.team.vcs": "evil",
        "remote.team.fetch": "+refs/*:refs/*",
        "remote.ext.url": "ext::sh -c evil",
        "remote.dash.url": "-oProxyCommand=evil",
        "remote.sshdash.url": "ssh://-oProxyCommand=evil/x",
        "remote.fd.url": "fd::17",
        "url.ext::sh.insteadOf": "https://",
        "superqode.format": "99",
        "superqode.allowPlaintextPush": "true",
        "receive.denyDeletes": "false",
        "transfer.hideRefs": "",
        "safe.directory": "*",
        "http.proxy": "http://evil.invalid",
        "protocol.allow": "user",
    }
    for key, value in hostile.items():
        git("config", "--replace-all", key, value)
    path = filled.backup(tmp_path / "backup")

    with SessionStore.restore_backup(path, tmp_path / "restored") as restored:
        settings = restored._open().settings()

    values = set(settings.values())
    assert not [value for value in hostile.values() if value and value not in ("true", "false") and value in values]
    assert settings["superqode.format"] == "1"
    assert settings["receive.denydeletes"] == "true"
    assert settings["transfer.hiderefs"] == "!refs/superqode/shares"
    assert "superqode.allowplaintextpush" not in settings
    assert settings["remote.team.url"] == "https://example.invalid/team.git"


def test_a_bundle_of_plain_git_is_no_backup(filled, tmp_path, git):
    """A bundle that somebody made of branches is told apart, and plain git can still fetch it."""
    git("bundle", "create", str(tmp_path / "plain"), "--branches")

    _refused(tmp_path / "plain", tmp_path, "is a Git bundle, but no backup of a session store")


def test_errors_are_ours(tmp_path):
    """A folder in the file's place, or a file in the folder's, is our error too."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    for source, target in (("folder", "new"), ("file", "file"), ("file", "file/below")):
        try:
            SessionStore.restore_backup(tmp_path / source, tmp_path / target)
        except (SessionError, NotADirectoryError):
            continue
        raise AssertionError((source, target))


def test_progress_is_told(filled, tmp_path):
    """A long backup says where it is."""
    told = []
    filled.backup(tmp_path / "backup", progress=lambda *step: told.append(step[:2]))

    assert told == [(0, 2), (2, 2)]


def test_a_backup_that_is_told_of_is_on_the_disk(filled, tmp_path, monkeypatch):
    """Its bytes are synced before it has its name, and the name before `backup` says that it is there."""
    synced = []
    monkeypatch.setattr(durability, "sync", lambda handle: synced.append((os.fstat(handle).st_ino, target.exists())))
    target = tmp_path / "backup"

    filled.backup(target)

    assert synced[-2:] == [(target.stat().st_ino, False), (tmp_path.stat().st_ino, True)]


def test_a_restored_store_is_on_the_disk(filled, tmp_path, monkeypatch):
    """The last that a restore does, after the store has its name, is to sync it."""
    path = filled.backup(tmp_path / "backup")
    flushed = []
    monkeypatch.setattr(
        durability, "flush", lambda folder, written: flushed.append((folder, list(written), target.exists()))
    )
    target = tmp_path / "restored"

    SessionStore.restore_backup(path, target).close()

    assert flushed[-1] == (tmp_path, [str(target / "HEAD"), str(target / "config")], True)


def test_nobody_else_reads_a_backup_while_it_is_written(filled, tmp_path, monkeypatch):
    """Git makes the file as the umask says, in a folder that only its owner enters; that one goes."""
    seen = []
    real = bundle.write_bundle

    def look(repository, target, *arguments):
        real(repository, target, *arguments)
        seen.append((target.parent.parent, stat.S_IMODE(target.parent.stat().st_mode)))

    monkeypatch.setattr(bundle, "write_bundle", look)
    before = set(tmp_path.iterdir())
    filled.backup(tmp_path / "backup")

    assert seen == [(tmp_path, 0o700)]
    assert set(tmp_path.iterdir()) - before == {tmp_path / "backup"}


def test_the_next_backup_removes_what_a_killed_one_left(filled, tmp_path):
    """The folder of a process that is gone goes, one that is written in stays, and so does what only looks like it."""
    (tmp_path / "out").mkdir()
    killed, living, foreign = (tmp_path / "out" / f".superqode-backup-{name}" for name in "abc")
    kill = (
        "import os, sys; from pathlib import Path; from superqode.session.git.workplaces import Workplace;"
        "place = Workplace(lambda: Path(sys.argv[1])); (place.path / 'bundle').touch(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", kill, str(killed)], check=False)
    assert (killed / "bundle").exists()
    place = Workplace(lambda: living)
    foreign.mkdir()

    filled.backup(tmp_path / "out" / "backup")

    assert set((tmp_path / "out").iterdir()) == {tmp_path / "out" / "backup", living, foreign}
    place.close()


@pytest.mark.parametrize("back", [False, True], ids=["on", "there and back"])
def test_a_ref_that_moves_while_git_reads_it_is_no_damage(filled, tmp_path, monkeypatch, back):
    """What an operation had only begun is removed beside a backup; git then finds it missing, and is asked again."""
    real = bundle.write_bundle
    oplog = filled.path / "refs" / "superqode" / "oplog"
    settled, begun, asked = oplog.read_text(), "1" * 40 + "\n", []
    if not back:
        oplog.write_text(begun)

    def settle(*arguments):
        if back and not asked:
            oplog.write_text(begun)
        asked.append(1)
        try:
            real(*arguments)
        finally:
            oplog.write_text(settled)

    monkeypatch.setattr(bundle, "write_bundle", settle)
    path = filled.backup(tmp_path / "backup")

    assert f"{settled.strip()} refs/superqode/oplog".encode() in path.read_bytes()
    assert len(asked) == 2


def test_damage_is_told_at_once(filled, tmp_path, monkeypatch, git):
    """Where no ref moved, git is not asked again: what it could not read is damaged."""
    asked = []
    real = bundle.write_bundle
    monkeypatch.setattr(bundle, "write_bundle", lambda *arguments: asked.append(1) or real(*arguments))
    oid = git("rev-parse", "s0:session.json")
    (filled.path / "objects" / oid[:2] / oid[2:]).unlink()

    with pytest.raises(BackupError, match=oid):
        filled.backup(tmp_path / "backup")
    assert asked == [1]


@pytest.mark.parametrize("what", ["s0:session.json", "s0^{tree}", "s0", "refs/tags/s0/here"])
@pytest.mark.parametrize("how", ["gone", "truncated", "zero length"])
def test_a_damaged_session_keeps_no_other_from_a_backup(filled, tmp_path, git, how, what):
    """What is damaged is left out by name, where that is allowed; all else is in the backup, whole."""
    oid = git("rev-parse", what)
    harm(filled.path / "objects" / oid[:2] / oid[2:], how)
    left_out = {}

    filled.backup(tmp_path / "backup", damaged=left_out.__setitem__)

    restored = SessionStore.restore_backup(tmp_path / "backup", tmp_path / "restored")
    assert f"refs/{'tags/s0/here' if 'tags' in what else 'heads/s0'}" in left_out
    assert all(name.endswith(("/s0", "/fork", "/here")) and oid in reason for name, reason in left_out.items())
    assert _refs(restored) == _refs(filled) - left_out.keys()
    assert restored.load("s2") == filled.load("s2")
    assert restored.verify().ok


def test_a_backup_that_would_not_be_whole_is_refused(filled, tmp_path, git):
    """Unless it may be left out, damage is an error that names it and says what to do; no file is there then."""
    oid = git("rev-parse", "s0:session.json")
    (filled.path / "objects" / oid[:2] / oid[2:]).unlink()

    with pytest.raises(BackupError, match=rf"refs/\S+ is damaged .*{oid}.* as are \d more refs.*sessions repair"):
        filled.backup(tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


def test_a_store_without_its_own_branch_is_not_backed_up(filled, tmp_path, git):
    """Whatever may be left out, a file that could not be restored is not written."""
    oid = git("rev-parse", "superqode")
    (filled.path / "objects" / oid[:2] / oid[2:]).unlink()

    with pytest.raises(BackupError, match="refs/heads/superqode is damaged"):
        filled.backup(tmp_path / "backup", damaged=lambda name, reason: None)
