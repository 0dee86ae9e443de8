"""Installing the store's hook: what was there before is never lost, and what stands there is told truly."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from superqode.session.errors import NotAStore, StoreError, StoreNotFound, StoreUnwritable
from superqode.session.store.hooks import HookState, hook_file, hook_status, install_hooks, remove_hooks

TEXT = hook_file("store/pre-push")
FOREIGN = b"#!/bin/sh\n# somebody's own \xff\nexit 7\n"


@pytest.fixture(autouse=True)
def _own_git(monkeypatch, tmp_path):
    """Git as on a new machine: no settings of the user, the system or the caller."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.fixture
def store(tmp_path) -> Path:
    """A bare repository without hooks, as libgit2 makes it."""
    path = tmp_path / "store"
    subprocess.run(["git", "init", "-q", "--bare", "--template=", str(path)], check=True)
    return path


@pytest.fixture
def hook(store) -> Path:
    """Where Git looks for the hook; the folder is there, the hook is not."""
    (store / "hooks").mkdir()
    return store / "hooks" / "pre-push"


@pytest.fixture
def kept(hook) -> Path:
    """Where the hook from before is kept."""
    return hook.with_name("pre-push.before-superqode")


def _put(path: Path, text: bytes, mode: int = 0o755) -> None:
    path.write_bytes(text)
    path.chmod(mode)


def _older(text: bytes) -> bytes:
    assert b" version 1\n" in text
    return text.replace(b" version 1\n", b" version 0001\n") + b"# an older line\n"


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_store_gets_the_hook(store):
    """Installing makes the folder, the very text of the project's hook, executable, and nothing else."""
    assert hook_status(store).state is HookState.MISSING

    installed = install_hooks(store)

    hook = store / "hooks" / "pre-push"
    assert hook.read_bytes() == TEXT == (Path(__file__).parents[3] / "hooks/store/pre-push").read_bytes()
    assert stat.S_IMODE(hook.stat().st_mode) == 0o755
    assert _names(hook.parent) == ["pre-push"]
    assert (installed.path, installed.state, installed.kept) == (str(hook), HookState.INSTALLED, "")
    assert installed.version == installed.available == 1
    assert installed.guarding


def test_a_narrow_umask_leaves_the_hook_executable(store):
    """The hook's mode does not depend on the caller's umask, and no temporary file stays."""
    before = os.umask(0o777)
    try:
        (store / "hooks").mkdir(mode=0o755)
        (store / "hooks").chmod(0o755)
        install_hooks(store)
    finally:
        os.umask(before)

    assert stat.S_IMODE((store / "hooks" / "pre-push").stat().st_mode) == 0o755


def test_installing_again_changes_nothing(store):
    """The second time the file is not even touched."""
    first = install_hooks(store)
    before = Path(first.path).stat()

    assert install_hooks(store) == first
    after = Path(first.path).stat()
    assert (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns)


def test_the_installed_hook_guards(store, tmp_path):
    """Git itself finds the hook, runs it, and does not push a session."""
    remote = tmp_path / "remote"
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.invalid", "-C", str(store)]
    tree = subprocess.run([*git, "mktree"], input=b"", capture_output=True, check=True).stdout.decode().strip()
    command = [*git, "commit-tree", tree, "-m", "a session"]
    oid = subprocess.run(command, capture_output=True, check=True).stdout.decode().strip()
    subprocess.run([*git, "update-ref", "refs/heads/session-1", oid], check=True)
    install_hooks(store)

    pushed = subprocess.run([*git, "push", str(remote), "session-1"], capture_output=True, check=False)

    assert pushed.returncode == 1
    assert b"superqode: nothing was pushed" in pushed.stderr
    remove_hooks(store)
    assert subprocess.run([*git, "push", "-q", str(remote), "session-1"], check=False).returncode == 0


@pytest.mark.parametrize("mode", [0o755, 0o700, 0o644])
def test_an_existing_hook_is_kept_and_comes_back(store, hook, kept, mode):
    """Another hook is moved beside ours and restored byte for byte, the same file with the same mode."""
    _put(hook, FOREIGN, mode)
    inode = hook.stat().st_ino
    assert hook_status(store).state is HookState.FOREIGN

    installed = install_hooks(store)

    assert (installed.state, installed.kept) == (HookState.INSTALLED, str(kept))
    assert (hook.read_bytes(), kept.read_bytes()) == (TEXT, FOREIGN)
    removed = remove_hooks(store)
    assert (removed.state, removed.kept, removed.version) == (HookState.FOREIGN, "", 0)
    assert (hook.read_bytes(), stat.S_IMODE(hook.stat().st_mode)) == (FOREIGN, mode)
    assert hook.stat().st_ino == inode
    assert _names(hook.parent) == ["pre-push"]


def test_a_hook_that_is_a_link_is_kept_as_a_link(store, hook, kept, tmp_path):
    """A link to a shared hook, whole or broken, is neither followed nor written through."""
    shared = tmp_path / "shared"
    _put(shared, FOREIGN)
    for target in (shared, tmp_path / "gone"):
        hook.symlink_to(target)

        install_hooks(store)

        assert not hook.is_symlink()
        assert kept.readlink() == target
        remove_hooks(store)
        assert hook.readlink() == target
        assert shared.read_bytes() == FOREIGN
        hook.unlink()


def test_the_kept_hook_runs(store, hook):
    """What is kept under our name for it is what our hook looks for, and its exit code is passed on."""
    _put(hook, FOREIGN)
    install_hooks(store)

    ran = subprocess.run(["hooks/pre-push", "origin", "url"], cwd=store, stdin=subprocess.DEVNULL, check=False)

    assert ran.returncode == 7


@pytest.mark.parametrize("text", [_older(TEXT), TEXT + b"# changed here\n", TEXT[:80]])
def test_an_older_or_changed_hook_of_ours_is_replaced(store, hook, kept, text):
    """It is recognised by its second line, told as outdated, and not kept as if it were somebody's."""
    _put(hook, text)
    assert hook_status(store).state is HookState.OUTDATED
    assert not hook_status(store).guarding

    install_hooks(store)

    assert hook.read_bytes() == TEXT
    assert not kept.exists()


def test_replacing_an_older_hook_leaves_the_kept_one(store, hook, kept):
    """An update of ours does not touch the hook from before."""
    _put(kept, FOREIGN)
    _put(hook, _older(TEXT))

    install_hooks(store)

    assert (hook.read_bytes(), kept.read_bytes()) == (TEXT, FOREIGN)


def test_a_hook_that_cannot_run_is_repaired(store, hook):
    """Ours without its executable bit is ignored by Git, so it does not count as installed."""
    _put(hook, TEXT, 0o644)
    assert hook_status(store).state is HookState.OUTDATED

    assert install_hooks(store).guarding
    assert stat.S_IMODE(hook.stat().st_mode) == 0o755


def test_a_newer_hook_stays(store, hook):
    """A hook that a newer superqode installed is not turned back."""
    newer = TEXT.replace(b" version 1\n", b" version 2\n")
    _put(hook, newer)

    installed = install_hooks(store)

    assert hook.read_bytes() == newer
    assert (installed.state, installed.version, installed.available) == (HookState.INSTALLED, 2, 1)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"#!/bin/sh\nexit 0\n# superqode-hook pre-push version 1\n",
        b"# superqode-hook pre-push version 1\n",
        b"\n#!/bin/sh\n# superqode-hook pre-push version 1\n",
        b"#!/bin/sh\n# superqode-hook pre-push version x\n",
        b"#!/bin/sh\n# superqode-hook pre-push version 1 and mine\n",
    ],
)
def test_what_only_mentions_ours_is_not_ours(store, hook, kept, text):
    """A hook counts as ours by its second line alone; anything else is kept."""
    _put(hook, text)

    install_hooks(store)

    assert kept.read_bytes() == text


def test_a_pipe_in_place_of_the_hook_blocks_nobody(store, hook, kept):
    """Something that is no file is not opened; it is kept like another hook."""
    os.mkfifo(hook)

    assert hook_status(store).state is HookState.FOREIGN
    install_hooks(store)
    assert kept.is_fifo()
    remove_hooks(store)
    assert hook.is_fifo()


def test_two_hooks_that_both_want_to_be_kept_are_an_error(store, hook, kept):
    """Another program's hook over ours, with an earlier one kept: neither is overwritten, we ask."""
    _put(kept, FOREIGN)
    _put(hook, b"#!/bin/sh\n# of another program\n")

    with pytest.raises(StoreError, match=r"pre-push\.before-superqode .* Join them"):
        install_hooks(store)

    assert (kept.read_bytes(), hook.read_bytes()) == (FOREIGN, b"#!/bin/sh\n# of another program\n")
    assert _names(hook.parent) == ["pre-push", "pre-push.before-superqode"]


def test_an_installation_cut_short_is_finished_by_the_next(store, hook, kept, monkeypatch):
    """After any step the other hook is still in place, or both are; installing again completes it."""
    _put(hook, FOREIGN)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(StoreUnwritable, match="No space left on device"):
            install_hooks(store)
    assert hook.read_bytes() == FOREIGN
    assert _names(hook.parent) == ["pre-push", "pre-push.before-superqode"]

    install_hooks(store)

    assert (hook.read_bytes(), kept.read_bytes()) == (TEXT, FOREIGN)


def test_the_hook_is_on_disk_before_it_takes_its_place(store, hook, monkeypatch):
    """The text is flushed to the disk while the earlier hook still stands; a power cut leaves one of the two."""
    _put(hook, FOREIGN)
    seen = []

    def sync(handle: int) -> None:
        seen.append((hook.read_bytes(), os.fstat(handle).st_size))

    monkeypatch.setattr(os, "fsync", sync)

    install_hooks(store)

    assert seen == [(FOREIGN, len(TEXT))]


def test_removing_ours_leaves_nothing(store, hook):
    """Without an earlier hook nothing is left, and a second time there is nothing to do."""
    install_hooks(store)

    assert remove_hooks(store).state is HookState.MISSING
    assert _names(hook.parent) == []
    assert remove_hooks(store).state is HookState.MISSING


def test_removing_leaves_another_hook_alone(store, hook, kept):
    """A hook that is not ours stays, and what we kept before it came stays too."""
    _put(hook, b"#!/bin/sh\n# of another program\n")
    _put(kept, FOREIGN)

    assert remove_hooks(store).state is HookState.FOREIGN
    assert (hook.read_bytes(), kept.read_bytes()) == (b"#!/bin/sh\n# of another program\n", FOREIGN)


def test_removing_brings_the_kept_hook_back_where_ours_is_gone(store, hook, kept):
    """Somebody deleted our hook by hand: the one from before still comes back."""
    _put(kept, FOREIGN)

    assert remove_hooks(store).state is HookState.FOREIGN
    assert hook.read_bytes() == FOREIGN


def test_a_hooks_path_elsewhere_shadows_the_hook(store, tmp_path):
    """Where Git looks into another folder the hook is in place but guards nothing."""
    elsewhere = str(tmp_path / "elsewhere")

    installed = install_hooks(store, configured_hooks_path=elsewhere)

    assert (installed.state, installed.shadowed_by) == (HookState.INSTALLED, elsewhere)
    assert not installed.guarding
    assert not (tmp_path / "elsewhere").exists()
    for configured in ("", "/dev/null", "~/hooks", "../hooks"):
        assert hook_status(store, configured_hooks_path=configured).shadowed_by
        assert not remove_hooks(store, configured_hooks_path=configured).guarding
        install_hooks(store)


def test_a_hooks_path_that_leads_here_shadows_nothing(store, tmp_path):
    """The store's own folder, absolute, relative or through a link, is where Git looks anyway."""
    (tmp_path / "link").symlink_to(store)
    install_hooks(store)

    for configured in (None, "hooks", "./hooks/", str(store / "hooks"), str(tmp_path / "link" / "hooks")):
        assert hook_status(store, configured_hooks_path=configured).guarding


def test_only_a_repository_gets_hooks(tmp_path):
    """A missing folder, a file, and a folder that is something else are errors, and stay as they are."""
    (tmp_path / "file").write_text("text")
    (tmp_path / "folder" / "objects").mkdir(parents=True)
    for verb in (hook_status, install_hooks, remove_hooks):
        with pytest.raises(StoreNotFound):
            verb(tmp_path / "missing")
        with pytest.raises(NotAStore):
            verb(tmp_path / "file")
        with pytest.raises(NotAStore):
            verb(tmp_path / "folder")
    assert [name for name in _names(tmp_path) if name != ".home"] == ["file", "folder"]
    assert _names(tmp_path / "folder") == ["objects"]


def test_a_folder_that_cannot_be_written_is_told(store):
    """An error of the file system names the hook, as an error of this library."""
    (store / "hooks").write_text("a file")

    with pytest.raises(StoreUnwritable, match="hooks"):
        install_hooks(store)


def test_a_hook_that_is_not_packaged_is_told():
    """An installation without its hooks says so instead of installing an empty one."""
    with pytest.raises(StoreError, match="store/nothing is not part of this installation"):
        hook_file("store/nothing")
