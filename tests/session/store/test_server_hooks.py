"""Installing the hooks of a team's Git server: in the place its software looks at, keeping what is there."""

import os
import subprocess
from pathlib import Path

import pytest

from superqode.session.errors import StoreError, StoreUnwritable
from superqode.session.store.hooks import (
    HookState,
    ServerLayout,
    hook_file,
    install_server_hooks,
    remove_server_hooks,
    server_hook_status,
    tune_server,
)

NAMES = ("pre-receive", "post-receive")
FOREIGN = b"#!/bin/sh\n# somebody's own \xff\nexit 7\n"
# What Gitea writes there, in short: it runs every program of the folder beside it.
DISPATCHER = b"""#!/bin/sh
data=$(cat)
for hook in "hooks/$(basename "$0").d/"*; do
    [ -x "$hook" ] || continue
    printf '%s\\n' "$data" | "$hook" || exit 1
done
"""


@pytest.fixture
def server(tmp_path) -> Path:
    """A bare repository on a server."""
    path = tmp_path / "team.git"
    subprocess.run(["git", "init", "-q", "--bare", "--template=", str(path)], check=True)
    return path


@pytest.fixture
def gitea(server) -> Path:
    """A bare repository as Gitea and Forgejo keep it."""
    for name in NAMES:
        (server / "hooks" / f"{name}.d").mkdir(parents=True)
        for path, text in ((name, DISPATCHER), (f"{name}.d/gitea", b"#!/bin/sh\nexit 0\n")):
            (server / "hooks" / path).write_bytes(text)
            (server / "hooks" / path).chmod(0o755)
    return server


def _names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def _push(server: Path, ref: str) -> subprocess.CompletedProcess[str]:
    client = server.with_name("client.git")
    subprocess.run(["git", "init", "-q", "--bare", str(client)], check=True)
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.invalid", "-C", str(client)]
    tree = subprocess.run([*git, "mktree"], input="", capture_output=True, text=True, check=True).stdout.strip()
    commit = [*git, "commit-tree", tree, "-m", "no share"]
    oid = subprocess.run(commit, capture_output=True, text=True, check=True).stdout.strip()
    return subprocess.run([*git, "push", str(server), f"{oid}:{ref}"], capture_output=True, text=True, check=False)


def test_both_hooks_are_installed(server):
    """The very texts of the project, executable, and nothing else; a second time changes nothing."""
    assert [hook.state for hook in server_hook_status(server).hooks] == [HookState.MISSING] * 2
    assert not server_hook_status(server).guarding

    installed = install_server_hooks(server)

    assert (installed.path, installed.layout, installed.guarding) == (str(server), ServerLayout.GIT, True)
    assert [hook.path for hook in installed.hooks] == [str(server / "hooks" / name) for name in NAMES]
    for name in NAMES:
        assert (server / "hooks" / name).read_bytes() == hook_file(f"server/{name}")
        assert os.access(server / "hooks" / name, os.X_OK)
    assert _names(server / "hooks") == sorted(NAMES)
    assert install_server_hooks(server) == server_hook_status(server) == installed


def test_the_installed_hooks_guard(server):
    """Git runs them: what is no share is refused under a share's name, and passes elsewhere."""
    install_server_hooks(server)

    refused = _push(server, f"refs/superqode/shares/{'0' * 26}")

    assert refused.returncode == 1
    assert "superqode: refs/superqode/shares/0000" in refused.stderr
    assert _push(server, "refs/heads/main").returncode == 0


def test_existing_hooks_are_kept_and_come_back(server):
    """Another hook moves beside ours, has its say after it, and is restored byte for byte."""
    hooks = server / "hooks"
    hooks.mkdir()
    for name in NAMES:
        (hooks / name).write_bytes(FOREIGN)
        (hooks / name).chmod(0o755)

    installed = install_server_hooks(server)

    assert [hook.kept for hook in installed.hooks] == [str(hooks / f"{name}.before-superqode") for name in NAMES]
    assert _push(server, "refs/heads/main").returncode == 1
    removed = remove_server_hooks(server)
    assert [hook.state for hook in removed.hooks] == [HookState.FOREIGN] * 2
    assert [(hooks / name).read_bytes() for name in NAMES] == [FOREIGN] * 2
    assert _names(hooks) == sorted(NAMES)


def test_removing_leaves_the_record_of_owners(server):
    """Without the hooks nothing is left of them; who owns what stays for the next time."""
    install_server_hooks(server)
    (server / "superqode-server").mkdir()

    removed = remove_server_hooks(server)

    assert [hook.state for hook in removed.hooks] == [HookState.MISSING] * 2
    assert _names(server / "hooks") == []
    assert (server / "superqode-server").is_dir()


def test_gitea_keeps_its_own_hooks(gitea):
    """Ours go into the folders whose programs Gitea runs, its own files stay as they are, and ours are run."""
    before = {name: (gitea / "hooks" / name).read_bytes() for name in _names(gitea / "hooks")}

    installed = install_server_hooks(gitea)

    assert installed.layout is ServerLayout.GITEA
    assert installed.guarding
    assert [hook.path for hook in installed.hooks] == [
        str(gitea / "hooks" / f"{name}.d" / "superqode") for name in NAMES
    ]
    assert {name: (gitea / "hooks" / name).read_bytes() for name in before} == before
    assert "superqode: " in _push(gitea, "refs/superqode/shares/x").stderr
    assert _push(gitea, "refs/heads/main").returncode == 0
    remove_server_hooks(gitea)
    assert _names(gitea / "hooks") == sorted(before)


def test_a_hook_of_our_name_in_gitea_is_an_error(gitea):
    """Gitea would run what we keep there a second time, so another hook called `superqode` stays, and is named."""
    other = gitea / "hooks" / "post-receive.d" / "superqode"
    other.write_bytes(FOREIGN)

    with pytest.raises(StoreError, match=r"post-receive\.d/superqode is not superqode's\. Give it another name"):
        install_server_hooks(gitea)

    assert other.read_bytes() == FOREIGN
    assert remove_server_hooks(gitea).hooks[1].state is HookState.FOREIGN
    assert other.read_bytes() == FOREIGN


def test_gitlab_has_a_folder_of_its_own(server):
    """Where GitLab looks for a repository's own hooks, whatever `core.hooksPath` says."""
    (server / "custom_hooks").mkdir()

    installed = install_server_hooks(server, configured_hooks_path="/somewhere")

    assert (installed.layout, installed.guarding) == (ServerLayout.GITLAB, True)
    assert _names(server / "custom_hooks") == sorted(NAMES)


def test_a_hooks_path_elsewhere_shadows_them(server, tmp_path):
    """In place, and guarding nothing; a path that leads here is no other."""
    installed = install_server_hooks(server, configured_hooks_path=str(tmp_path / "elsewhere"))

    assert [hook.shadowed_by for hook in installed.hooks] == [str(tmp_path / "elsewhere")] * 2
    assert not installed.guarding
    assert server_hook_status(server, configured_hooks_path="hooks").guarding


def test_one_of_two_does_not_guard(server):
    """Without pre-receive everything is let in, without post-receive nothing expires."""
    for name in NAMES:
        install_server_hooks(server)
        (server / "hooks" / name).unlink()
        assert not server_hook_status(server).guarding


def test_only_a_bare_repository_gets_hooks(tmp_path):
    """Nothing, a file, a folder and a working tree are errors that say what to give, and stay as they are."""
    (tmp_path / "file").write_text("text")
    (tmp_path / "folder").mkdir()
    subprocess.run(["git", "init", "-q", str(tmp_path / "work")], check=True)
    for verb in (server_hook_status, install_server_hooks, remove_server_hooks):
        for name in ("missing", "file", "folder", "work"):
            with pytest.raises(StoreError, match=r"is no bare Git repository\. Give the folder of the repository"):
                verb(tmp_path / name)
    assert _names(tmp_path / "folder") == []


def test_a_folder_that_cannot_be_written_is_told(server):
    """An error of the file system names the hook."""
    (server / "hooks").write_text("a file")

    with pytest.raises(StoreUnwritable, match="hooks"):
        install_server_hooks(server)


def test_a_server_is_tuned_where_nothing_is_set(server):
    """What somebody set stays, a repository with real alternates keeps comparing with them, and twice is as once."""
    subprocess.run(["git", "-C", str(server), "config", "uploadpack.allowFilter", "false"], check=True)
    assert tune_server(server) == ["core.alternateRefsPrefixes=refs/none"]
    assert tune_server(server) == []

    for name in ("uploadpack.allowFilter", "core.alternateRefsPrefixes"):
        subprocess.run(["git", "-C", str(server), "config", "--unset", name], check=True)
    alternates = server / "objects" / "info" / "alternates"
    alternates.parent.mkdir(exist_ok=True)
    alternates.write_text(f"{server.parent}/other.git/objects\n")
    assert tune_server(server) == ["uploadpack.allowFilter=true"]
