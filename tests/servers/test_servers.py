"""The servers do with plain git what servers of teams do: they let in, refuse, run hooks, break, and end."""

from __future__ import annotations

import os
import socket
import subprocess
import time

import pytest

from servers import CuttingProxy, GitDaemon, Served, ServerFailed
from servers.process import Server

SHARE = "refs/superqode/shares/0123456789abcdefghjkmnpqrs"
WHO = '#!/bin/sh\necho "user=$GL_USER$REMOTE_USER" >&2\n'
REFUSE = "#!/bin/sh\necho 'shares only, please' >&2\nexit 1\n"


@pytest.fixture
def work(git):
    """A client's repository with one commit and a file of 200 kB that does not compress."""
    git.path.mkdir()
    git("init", "--quiet", "--initial-branch=main")
    (git.path / "noise").write_bytes(os.urandom(200_000))
    git("add", "noise")
    git("commit", "--quiet", "--message=first")
    return git


def _far(request, kind: str) -> tuple[Server, Served]:
    if kind == "ssh":
        server = request.getfixturevalue("ssh_server")
    elif kind == "git":
        server = request.getfixturevalue("git_daemon")
    else:
        server = request.getfixturevalue("web_server")
    served = server.repository()
    return server, server.plain(served) if kind == "http" else served


@pytest.fixture(params=["ssh", "https", "http", "git"])
def far(request):
    """Every kind of server, with a new repository."""
    return _far(request, request.param)


@pytest.fixture(params=["ssh", "https", "http"])
def guarded(request):
    """The kinds that know their users, with a new repository."""
    return _far(request, request.param)


def test_push_fetch_and_clone(far, work, home, tmp_path):
    """Through every server alice pushes a branch and a share's ref, lists them, clones, and fetches the share."""
    server, served = far
    server.access("alice").use(home)
    work("push", "--quiet", served.url, "main", f"main:{SHARE}")
    tip = work("rev-parse", "main")
    assert served.refs() == {"refs/heads/main": tip, SHARE: tip}
    assert f"{tip}\t{SHARE}" in work("ls-remote", served.url).splitlines()
    work("clone", "--quiet", served.url, str(tmp_path / "clone"))
    clone = type(work)(tmp_path / "clone")
    assert clone("rev-parse", "HEAD") == tip
    clone("fetch", "--quiet", served.url, f"{SHARE}:refs/heads/mine")
    assert clone("rev-parse", "mine") == tip
    clone.fsck()


def test_bob_reads_and_does_not_write(guarded, work, home):
    """A user who may read fetches, and is refused when pushing; nothing changes."""
    server, served = guarded
    server.access("alice").use(home)
    work("push", "--quiet", served.url, "main")
    before = served.refs()
    server.access("bob").use(home)
    work("fetch", "--quiet", served.url, "main")
    done = work.run("push", served.url, "main:other")
    assert done.returncode != 0
    assert "DENIED" in done.stderr or "403" in done.stderr
    assert served.refs() == before


@pytest.mark.parametrize("who", ["stranger", "nobody"])
def test_strangers_are_refused(who, guarded, work, home, monkeypatch):
    """With a wrong key or password, or with none, not even the refs are told."""
    server, served = guarded
    server.access(who).use(home)
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    done = work.run("ls-remote", served.url)
    assert done.returncode != 0
    assert any(
        told in done.stderr for told in ("Permission denied", "Authentication failed", "terminal prompts disabled")
    )


@pytest.mark.parametrize("trust", ["unknown", "other"])
@pytest.mark.parametrize("kind", ["ssh", "https"])
def test_a_server_that_is_not_trusted_is_refused(kind, trust, request, work, home):
    """A client that does not know the server's key or authority, or knows another, does not go on."""
    server, served = _far(request, kind)
    server.access("alice", trust).use(home)
    ssh_command = server.access("alice", trust).settings.get("core.sshCommand", "ssh")
    done = work.run("-c", f"core.sshCommand={ssh_command} -o BatchMode=yes", "ls-remote", served.url)
    assert done.returncode != 0
    assert "Host key verification failed" in done.stderr or "certificate" in done.stderr


def test_the_certificate_is_for_one_name_and_one_time(web_server, work, home):
    """A name that the certificate does not have is refused, and so is one that ran out; then all is well again."""
    served = web_server.repository()
    web_server.access("alice").use(home)
    named = work.run("ls-remote", served.url.replace("127.0.0.1", "localhost"))
    assert "localhost" in named.stderr
    assert named.returncode != 0
    web_server.run_out()
    try:
        late = work.run("ls-remote", served.url)
    finally:
        web_server.run_out(days=1)
    assert "certificate" in late.stderr
    assert work("ls-remote", served.url) == ""


def test_the_users_name_reaches_hooks(guarded, work, home):
    """A hook sees who pushes, in GL_USER or REMOTE_USER, and what it says reaches the client."""
    server, served = guarded
    served.hook("post-receive", WHO)
    server.access("alice").use(home)
    done = work.run("push", served.url, f"main:{SHARE}")
    assert done.returncode == 0, done.stderr
    assert "remote: user=alice" in done.stderr


def test_hooks_refuse(far, work, home):
    """What a pre-receive hook refuses is not taken, with its message to the client."""
    server, served = far
    served.hook("pre-receive", REFUSE)
    server.access("alice").use(home)
    done = work.run("push", served.url, f"main:{SHARE}")
    assert done.returncode != 0
    assert "remote: shares only, please" in done.stderr
    assert served.refs() == {}


def test_a_hook_is_not_overwritten(git_daemon):
    """A hook that is there stays."""
    served = git_daemon.repository()
    served.hook("pre-receive", WHO)
    with pytest.raises(FileExistsError):
        served.hook("pre-receive", REFUSE)


def test_a_host_that_takes_branches_only(ssh_server, work, home):
    """Where only branches are allowed, a ref elsewhere is refused and a branch is taken."""
    url = ssh_server.branches_only("heads")
    ssh_server.access("alice").use(home)
    assert "DENIED" in work.run("push", url, f"main:{SHARE}").stderr
    work("push", "--quiet", url, "main")


def test_settings_of_the_server(far, work, home):
    """A repository is made with its own settings, such as hidden refs."""
    server, _ = far
    hidden = server.repository(settings={"receive.hideRefs": "refs/superqode"})
    server.access("alice").use(home)
    assert "deny updating a hidden ref" in work.run("push", hidden.url, f"main:{SHARE}").stderr


def test_the_reading_daemon_takes_no_push(reading_daemon, work):
    """A daemon without receive-pack lists and does not take."""
    served = reading_daemon.repository()
    assert work("ls-remote", served.url) == ""
    assert work.run("push", served.url, "main").returncode != 0
    assert served.refs() == {}


def test_killed_and_started_again(work):
    """A server that was killed refuses at once; started again it has its port and repositories; stopped, nothing."""
    server = GitDaemon().start()
    try:
        served = server.repository()
        work("push", "--quiet", served.url, "main")
        server.kill()
        assert work.run("ls-remote", served.url).returncode != 0
        server.start()
        assert "refs/heads/main" in work("ls-remote", served.url)
        folder = server.folder
    finally:
        server.stop()
    assert not folder.exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", served.port)) != 0


def test_a_start_that_fails_shows_the_logs(monkeypatch):
    """A server that does not start says why, and leaves nothing behind."""
    server = GitDaemon()
    commands = server._commands
    monkeypatch.setattr(server, "_commands", lambda: [[*commands()[0], "--no-such-option"]])
    folder = server.folder
    with pytest.raises(ServerFailed, match="usage: git daemon"), server:
        pass
    assert not folder.exists()


@pytest.mark.parametrize("kind", ["ssh", "https", "http", "git"])
def test_a_proxy_breaks_a_push_in_the_middle(kind, request, work, home):
    """Behind a proxy that passes 50 kB a push of 200 kB fails and changes nothing; healed, it goes through."""
    server, served = _far(request, kind)
    server.access("alice").use(home)
    with CuttingProxy(served.port, sent=50_000) as proxy:
        assert work.run("push", served.through(proxy.port), "main").returncode != 0
        assert proxy.broken.is_set()
        assert proxy.passed["sent"] == 50_000
        assert served.refs() == {}
        proxy.heal()
        work("push", "--quiet", served.through(proxy.port), "main")
    assert set(served.refs()) == {"refs/heads/main"}


@pytest.mark.parametrize("kind", ["ssh", "https", "http", "git"])
def test_a_proxy_loses_the_answer(kind, request, work, home):
    """Behind a proxy that loses the last answer a push seems to fail, and the server has taken it."""
    server, served = _far(request, kind)
    server.access("alice").use(home)
    with CuttingProxy(served.port, gate=lambda: not served.refs()) as proxy:
        assert work.run("push", served.through(proxy.port), "main").returncode != 0
        assert proxy.broken.is_set()
    assert set(served.refs()) == {"refs/heads/main"}


def test_a_proxy_that_stalls_keeps_the_connection(git_daemon, work):
    """A proxy told to stall answers no more, and the client waits until it is ended."""
    served = git_daemon.repository()
    with CuttingProxy(served.port, answered=0, then="stall") as proxy:
        started = time.monotonic()
        with pytest.raises(subprocess.TimeoutExpired):
            subprocess.run(["git", "ls-remote", served.through(proxy.port)], timeout=1, check=False)
        assert time.monotonic() - started >= 1
