"""The library's remotes against real servers: what goes through, and that each failure is told as what it is."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from servers import CuttingProxy, GitDaemon, Served, Server, bare_repository
from servers.repositories import refs_of, server_git
from superqode.session.errors import (
    FetchTooLarge,
    HostKeyRejected,
    NamespaceRefused,
    RemoteRefMoved,
    RemoteRefNotFound,
    RemoteRejected,
    RemoteUnauthorized,
    RemoteUnreachable,
)
from superqode.session.git.remote import Update, fetch, ls_remote, push
from superqode.session.git.remotes import add_remote, resolve_remote

SHARE = "refs/superqode/shares/0123456789abcdefghjkmnpqrs"
KINDS = ["ssh", "https", "http", "git"]
REFUSE = "#!/bin/sh\necho 'shares only, please' >&2\nexit 1\n"
# Says that it began, and does not end by itself.
HANG = '#!/bin/sh\ncat >/dev/null\n: > "$(git rev-parse --absolute-git-dir)/began"\nexec sleep 60\n'
# A hook may not change refs while objects wait in quarantine; who pushes at the same time has none.
MEANWHILE = "#!/bin/sh\nunset GIT_QUARANTINE_PATH\nexec git update-ref {ref} {oid}\n"
QUICK = 30.0  # seconds: far more than any refusal takes, far less than a prompt that waits


@dataclass
class Far:
    """A server and a new repository on it."""

    server: Server
    served: Served

    @property
    def url(self) -> str:
        return self.served.url

    def refs(self) -> dict[str, str]:
        return self.served.refs()


def far_away(request, kind: str) -> Far:
    """A new repository on a server of this kind; the home is alice's."""
    name = {"ssh": "ssh_server", "git": "git_daemon"}.get(kind, "web_server")
    server = request.getfixturevalue(name)
    server.access("alice").use(request.getfixturevalue("home"))
    served = server.repository()
    return Far(server, server.plain(served) if kind == "http" else served)


def made(tmp_path: Path, name: str, size: int) -> Path:
    """A repository: `refs/heads/s` is at a commit of so many bytes of noise, `refs/heads/next` one further."""
    path = bare_repository(tmp_path / name)
    (tmp_path / "noise").write_bytes(os.urandom(size))
    blob = server_git(path, "hash-object", "-w", str(tmp_path / "noise"))
    (tmp_path / "listing").write_text(f"100644 blob {blob}\tnoise\n", "ascii")
    with (tmp_path / "listing").open("rb") as listing:
        tree = subprocess.run(["git", "--git-dir", path, "mktree"], stdin=listing, capture_output=True, check=True)
    ident = ("-c", "user.name=a", "-c", "user.email=a@example.invalid")
    parents: tuple[str, ...] = ()
    for branch in ("s", "next"):
        commit = server_git(path, *ident, "commit-tree", *parents, "-m", branch, tree.stdout.decode().strip())
        server_git(path, "update-ref", f"refs/heads/{branch}", commit)
        parents = ("-p", commit)
    return path


@pytest.fixture
def ours(tmp_path) -> Path:
    """Our repository, of 300 kB."""
    return made(tmp_path, "ours", 300_000)


@pytest.fixture
def large(tmp_path) -> Path:
    """A repository of 16 MB: more than sockets and pipes hold, so that git knows what it has not sent."""
    return made(tmp_path, "large", 16_000_000)


def tip(ours: Path, branch: str = "s") -> str:
    return refs_of(ours)[f"refs/heads/{branch}"]


def send(ours: Path, url: str, **more) -> None:
    push(ours, url, [Update("refs/heads/s", SHARE, None)], **more)


def processes_of(port: int) -> list[bytes]:
    """The command lines of processes that name the port, once those that were killed had time to go."""
    deadline = time.monotonic() + 5
    while (found := _naming(f":{port}/".encode())) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _naming(mark: bytes) -> list[bytes]:
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            lines.append(file.read_bytes())
    return [line for line in lines if mark in line]


# -- what goes through ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_life_of_a_ref(kind, request, ours, tmp_path):
    """Through every server a share's ref is made, listed, fetched, moved on, guarded against surprise, and deleted."""
    far = far_away(request, kind)
    first, second = tip(ours), tip(ours, "next")
    push(ours, far.url, [Update("refs/heads/s", SHARE, None), Update(first, "refs/heads/also", None)])
    assert far.refs() == {SHARE: first, "refs/heads/also": first}
    assert ls_remote(far.url) == far.refs()
    assert ls_remote(far.url, [SHARE]) == {SHARE: first}
    assert ls_remote(far.url, ["refs/superqode/shares/*"]) == {SHARE: first}
    push(ours, far.url, [Update("refs/heads/next", SHARE, first)], ciphertext=True)
    with pytest.raises(RemoteRefMoved):
        push(ours, far.url, [Update("refs/heads/s", SHARE, first)])
    into = bare_repository(tmp_path / "into")
    fetch(into, far.url, {SHARE: "refs/heads/got"})
    assert refs_of(into) == {"refs/heads/got": second}
    server_git(into, "fsck", "--strict")
    push(ours, far.url, [Update("", SHARE, second)])
    assert far.refs() == {"refs/heads/also": first}
    with pytest.raises(RemoteRefNotFound):
        fetch(into, far.url, {SHARE: "refs/heads/got"})


@pytest.mark.parametrize("kind", ["ssh", "https"])
def test_progress_and_many_refs(kind, request, ours):
    """A hundred and twenty refs go through, and progress is told meanwhile."""
    far = far_away(request, kind)
    steps = []
    updates = [Update("refs/heads/s", f"{SHARE[:-3]}{number:03}", None) for number in range(120)]
    push(ours, far.url, updates, progress=lambda done, of, what: steps.append((done, of, what)))
    assert far.refs() == {update.target: tip(ours) for update in updates}
    assert any(what == "Writing objects" and 0 < done == of for done, of, what in steps)


@pytest.mark.parametrize("kind", KINDS)
def test_all_or_none(kind, request, ours):
    """Where one ref of a push is not where it was expected, the others are not changed either."""
    far = far_away(request, kind)
    send(ours, far.url)
    before = far.refs()
    with pytest.raises(RemoteRefMoved):
        push(ours, far.url, [Update("refs/heads/s", "refs/heads/new", None), Update("refs/heads/next", SHARE, None)])
    assert far.refs() == before


@pytest.mark.parametrize("kind", KINDS)
def test_two_at_the_same_time(kind, request, ours):
    """Somebody else who pushes while the server works on our push wins, and we are told that the ref has moved."""
    far = far_away(request, kind)
    theirs, own = tip(ours), tip(ours, "next")
    push(ours, far.url, [Update("refs/heads/s", "refs/heads/theirs", None)])
    far.served.hook("pre-receive", MEANWHILE.format(ref=SHARE, oid=theirs))
    with pytest.raises(RemoteRefMoved):
        push(ours, far.url, [Update(own, SHARE, None)])
    assert far.refs()[SHARE] == theirs


def test_a_configured_remote_is_gits_too(request, ours):
    """A remote that was added by name is reached by its name, by us and by plain git."""
    far = far_away(request, "https")
    add_remote(ours, "team", far.url)
    send(ours, resolve_remote(ours, "team").push_url)
    listed = subprocess.run(["git", "--git-dir", ours, "ls-remote", "team"], capture_output=True, text=True, check=True)
    assert listed.stdout == f"{tip(ours)}\t{SHARE}\n"


# -- who is let in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["stranger", "nobody"])
@pytest.mark.parametrize("kind", ["ssh", "https", "http"])
def test_strangers_are_unauthorised(kind, who, request, ours, home, tmp_path):
    """With a wrong key or password, or with none, every command says that access is refused, at once."""
    far = far_away(request, kind)
    far.server.access(who).use(home)
    began = time.monotonic()
    for call in (
        lambda: ls_remote(far.url),
        lambda: send(ours, far.url),
        lambda: fetch(bare_repository(tmp_path / "into"), far.url, {SHARE: "refs/heads/got"}),
    ):
        with pytest.raises(RemoteUnauthorized) as raised:
            call()
        assert not isinstance(raised.value, HostKeyRejected)
        assert raised.value.outcome == "not sent"
    assert time.monotonic() - began < QUICK
    assert far.refs() == {}


@pytest.mark.parametrize("kind", ["ssh", "https", "http"])
def test_who_may_read_only_is_told_so(kind, request, ours, home):
    """Bob lists and may not push: unauthorised, and nothing is changed."""
    far = far_away(request, kind)
    send(ours, far.url)
    before = far.refs()
    far.server.access("bob").use(home)
    assert ls_remote(far.url) == before
    with pytest.raises(RemoteUnauthorized):
        push(ours, far.url, [Update("refs/heads/next", SHARE, before[SHARE])])
    with pytest.raises(RemoteUnauthorized):
        push(ours, far.url, [Update("", SHARE, before[SHARE])])
    assert far.refs() == before


def test_a_daemon_that_only_reads(reading_daemon, ours):
    """A git daemon that takes no pushes refuses them as unauthorised, although it calls that as it calls an absence."""
    served = reading_daemon.repository()
    assert ls_remote(served.url) == {}
    with pytest.raises(RemoteUnauthorized):
        send(ours, served.url)
    assert served.refs() == {}


@pytest.mark.parametrize(
    ("kind", "trust", "reason"),
    [
        pytest.param("ssh", "unknown", "not known yet", id="ssh key unknown"),
        pytest.param("ssh", "other", "not the one", id="ssh key changed"),
        pytest.param("https", "unknown", "certificate", id="authority unknown"),
        pytest.param("https", "other", "certificate", id="other authority"),
    ],
)
def test_a_server_that_is_not_trusted(kind, trust, reason, request, ours, home):
    """A host key or certificate that is unknown, or another than was known, is told as that, and nothing is sent."""
    far = far_away(request, kind)
    far.server.access("alice", trust).use(home)
    for call in (lambda: ls_remote(far.url), lambda: send(ours, far.url)):
        with pytest.raises(HostKeyRejected, match=reason) as raised:
            call()
        assert raised.value.outcome == "not sent"
    assert far.refs() == {}


def test_certificates_for_another_name_or_time(request, web_server, ours):
    """A certificate for another name and one that ran out are told as an identity that was not proved."""
    far = far_away(request, "https")
    with pytest.raises(HostKeyRejected, match="localhost"):
        ls_remote(far.url.replace("127.0.0.1", "localhost"))
    web_server.run_out()
    try:
        with pytest.raises(HostKeyRejected, match="certificate"):
            send(ours, far.url)
    finally:
        web_server.run_out(days=1)
    send(ours, far.url)


def test_a_password_in_the_url_is_used_and_not_told(request, web_server, ours, home):
    """Credentials in a URL work; those that are wrong are refused, and no error or attribute has them."""
    far = far_away(request, "https")
    web_server.access("nobody").use(home)
    send(ours, far.url.replace("://", f"://alice:{web_server.password('alice')}@"))
    assert far.refs() == {SHARE: tip(ours)}
    with pytest.raises(RemoteUnauthorized) as raised:
        ls_remote(far.url.replace("://", "://alice:s3cret-and-wrong@"))
    assert "s3cret" not in f"{raised.value} {raised.value.__dict__} {raised.value.__cause__!r}"
    assert raised.value.remote == far.url


ON_A_TERMINAL = """\
import os, sys, termios
os.open(sys.argv[1], os.O_RDWR)  # the first terminal that a session's leader opens is its own
os.close(os.open("/dev/tty", os.O_RDWR))
from superqode.session.errors import RemoteError
from superqode.session.git.remote import ls_remote
try:
    ls_remote(sys.argv[2])
except RemoteError as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize(
    ("kind", "who", "trust", "told"),
    [
        pytest.param("ssh", "alice", "unknown", "HostKeyRejected", id="host key"),
        pytest.param("https", "nobody", "right", "RemoteUnauthorized", id="password"),
    ],
)
def test_nothing_is_asked_on_a_terminal(kind, who, trust, told, request, home):
    """Even where there is a terminal to ask on, a call that is not interactive asks nothing and ends."""
    far = far_away(request, kind)
    far.server.access(who, trust).use(home)
    ours_end, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-c", ON_A_TERMINAL, os.ttyname(theirs), far.url],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=QUICK,
            check=False,
            start_new_session=True,
        )
        assert done.stdout == f"{told}\n", done.stderr
        assert select.select([ours_end], [], [], 0) == ([], [], [])
    finally:
        os.close(ours_end)
        os.close(theirs)


# -- who is not there -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["https", "git"])
def test_no_such_repository(kind, request, ours):
    """A server without the repository: unreachable, for want of one."""
    far = far_away(request, kind)
    for call in (lambda: ls_remote(far.server.nowhere()), lambda: send(ours, far.server.nowhere())):
        with pytest.raises(RemoteUnreachable, match="no Git repository") as raised:
            call()
        assert raised.value.outcome == "not sent"


def test_gitolite_does_not_tell_what_is_not_there(request, ours):
    """Gitolite says of an absent repository what it says of a forbidden one; its own words are passed on."""
    far = far_away(request, "ssh")
    for call in (lambda: ls_remote(far.server.nowhere()), lambda: send(ours, far.server.nowhere())):
        with pytest.raises(RemoteUnauthorized, match=r"not-here alice DENIED"):
            call()


@pytest.mark.parametrize("scheme", ["ssh", "https", "http", "git"])
def test_no_server(scheme, ours, tmp_path):
    """Where nothing listens every command says so, and that nothing was sent."""
    with GitDaemon() as gone:
        port = gone.ports["git"]
    url = f"{scheme}://127.0.0.1:{port}/sessions"
    into = bare_repository(tmp_path / "into")
    for call in (lambda: ls_remote(url), lambda: send(ours, url), lambda: fetch(into, url, {SHARE: "refs/heads/x"})):
        with pytest.raises(RemoteUnreachable) as raised:
            call()
        assert raised.value.outcome == "not sent"
        assert str(port) in str(raised.value)


def test_a_server_that_comes_back(ours):
    """What could not be pushed while the server was away goes through, unchanged, when it is back."""
    with GitDaemon() as server:
        served = server.repository()
        server.kill()
        with pytest.raises(RemoteUnreachable):
            send(ours, served.url)
        server.start()
        send(ours, served.url)
        assert served.refs() == {SHARE: tip(ours)}


# -- who goes away in the middle --------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [0, 300, 3_000, 150_000])
@pytest.mark.parametrize("kind", KINDS)
def test_a_connection_that_breaks_while_sending(kind, sent, request, ours):
    """However far a push came it ends as unreachable, leaves nothing there, and can be repeated."""
    far = far_away(request, kind)
    with CuttingProxy(far.served.port, sent=sent) as proxy:
        with pytest.raises(RemoteUnreachable) as raised:
            send(ours, far.served.through(proxy.port))
        assert proxy.broken.is_set()
        assert far.refs() == {}
        if sent == 0:
            assert raised.value.outcome == "not sent"
        proxy.heal()
        send(ours, far.served.through(proxy.port))
    assert far.refs() == {SHARE: tip(ours)}


@pytest.mark.parametrize("kind", ["ssh", "git"])
def test_a_connection_that_breaks_and_comes_back(kind, request, large):
    """Where the connection breaks in the middle and the remote can be asked, it is known that nothing was done."""
    far = far_away(request, kind)
    with CuttingProxy(far.served.port, sent=150_000, then="recover") as proxy:
        with pytest.raises(RemoteUnreachable) as raised:
            send(large, far.served.through(proxy.port))
        assert proxy.broken.is_set()
    assert raised.value.outcome == "not sent"
    assert far.refs() == {}


@pytest.mark.parametrize("sent", [1_000, 150_000, 3_000_000])
@pytest.mark.parametrize("kind", ["https", "http"])
def test_a_request_that_breaks_and_is_repeated(kind, sent, request, large):
    """By HTTP git may repeat a request that broke: a push that ends well is there, one that was not sent is not."""
    far = far_away(request, kind)
    with CuttingProxy(far.served.port, sent=sent, then="recover") as proxy:
        outcome = "done"
        try:
            send(large, far.served.through(proxy.port))
        except RemoteUnreachable as error:
            outcome = error.outcome
        assert proxy.broken.is_set()
    there = far.refs() == {SHARE: tip(large)}
    assert (outcome, there) in {("done", True), ("not sent", False), ("unknown", True), ("unknown", False)}


@pytest.mark.parametrize("then", ["close", "vanish"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_is_lost(kind, then, request, ours):
    """Where the server did it and its answer is lost for good, the outcome is unknown, and said to be."""
    far = far_away(request, kind)
    with CuttingProxy(far.served.port, gate=lambda: not far.refs(), then=then) as proxy:
        with pytest.raises(RemoteUnreachable, match="unknown") as raised:
            send(ours, far.served.through(proxy.port))
        assert proxy.broken.is_set()
    assert raised.value.outcome == "unknown"
    assert far.refs() == {SHARE: tip(ours)}
    send(ours, far.url)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_is_lost_and_asked_for_again(kind, request, ours):
    """Where the server did it, its answer is lost, and it can be asked: the push is done."""
    far = far_away(request, kind)
    with CuttingProxy(far.served.port, gate=lambda: not far.refs(), then="recover") as proxy:
        send(ours, far.served.through(proxy.port))
        assert proxy.broken.is_set()
    assert far.refs() == {SHARE: tip(ours)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_fetch_that_breaks(kind, request, ours, tmp_path):
    """A fetch that breaks in the middle says so and leaves no refs and no half packs; repeated, it goes through."""
    far = far_away(request, kind)
    send(ours, far.url)
    into = bare_repository(tmp_path / "into")
    with CuttingProxy(far.served.port, answered=150_000) as proxy:
        with pytest.raises(RemoteUnreachable):
            fetch(into, far.served.through(proxy.port), {SHARE: "refs/heads/got"})
        assert proxy.broken.is_set()
        assert refs_of(into) == {}
        assert list((into / "objects" / "pack").iterdir()) == []
        proxy.heal()
        fetch(into, far.served.through(proxy.port), {SHARE: "refs/heads/got"})
    assert refs_of(into) == {"refs/heads/got": tip(ours)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_falls_silent(kind, request, ours, tmp_path):
    """A server that answers no more is given up after the patience asked for, and no process stays behind."""
    far = far_away(request, kind)
    with CuttingProxy(far.served.port, sent=100_000, then="stall") as proxy:
        url = far.served.through(proxy.port)
        began = time.monotonic()
        with pytest.raises(RemoteUnreachable) as raised:
            send(ours, url, patience=1.0)
        assert time.monotonic() - began < QUICK
        assert raised.value.outcome == "unknown"
        with pytest.raises(RemoteUnreachable) as raised:
            ls_remote(url, patience=1.0)
        assert raised.value.outcome == "not sent"
        assert processes_of(proxy.port) == []
    assert far.refs() == {}


@pytest.mark.parametrize("kind", ["ssh", "git"])
def test_a_server_killed_while_it_works(kind, ours, request, home):
    """A server that dies before it answers, with all sent: the outcome is unknown, and said to be."""
    server = type(far_away(request, kind).server)()
    with server:
        server.access("alice").use(home)
        served = server.repository()
        served.hook("pre-receive", HANG)
        script = (
            "import sys\nfrom pathlib import Path\nfrom superqode.session.errors import RemoteUnreachable\n"
            "from superqode.session.git.remote import Update, push\n"
            "try:\n    push(Path(sys.argv[1]), sys.argv[2], [Update('refs/heads/s', sys.argv[3], None)])\n"
            "except RemoteUnreachable as error:\n    print(error.outcome)\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", script, str(ours), served.url, SHARE], stdout=subprocess.PIPE, text=True
        ) as pushing:
            deadline = time.monotonic() + QUICK
            while not (served.path / "began").exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            server.kill()
            told, _ = pushing.communicate(timeout=QUICK)
        assert told == "unknown\n"
        assert served.refs() == {}


# -- who says no ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_hook_that_refuses(kind, request, ours):
    """What a hook refuses is rejected in the hook's own words, and nothing is changed."""
    far = far_away(request, kind)
    far.served.hook("pre-receive", REFUSE)
    with pytest.raises(RemoteRejected, match="shares only, please") as raised:
        send(ours, far.url)
    assert raised.value.ref == SHARE
    assert not isinstance(raised.value, RemoteRefMoved | NamespaceRefused)
    assert far.refs() == {}


@pytest.mark.parametrize("kind", KINDS)
def test_a_host_that_hides_the_namespace(kind, request, ours):
    """A host that takes nothing below refs/superqode says so in its way; a branch goes through."""
    far = far_away(request, kind)
    hidden = far.server.repository(settings={"receive.hideRefs": "refs/superqode"})
    with pytest.raises(NamespaceRefused):
        send(ours, hidden.url)
    push(ours, hidden.url, [Update("refs/heads/s", "refs/heads/superqode-shares/x", None)])
    assert set(hidden.refs()) == {"refs/heads/superqode-shares/x"}


def test_a_host_that_takes_branches_only(ssh_server, home, ours):
    """Gitolite that allows branches and nothing else refuses the namespace, and takes a branch."""
    ssh_server.access("alice").use(home)
    url = ssh_server.branches_only("only-heads")
    with pytest.raises(NamespaceRefused, match="DENIED"):
        send(ours, url)
    push(ours, url, [Update("refs/heads/s", "refs/heads/superqode-shares/x", None)])
    assert set(ls_remote(url)) == {"refs/heads/superqode-shares/x"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_fetch_that_grows_too_large(kind, request, ours, tmp_path):
    """A fetch of more bytes than allowed is stopped, and leaves nothing half."""
    far = far_away(request, kind)
    send(ours, far.url)
    into = bare_repository(tmp_path / "into")
    with pytest.raises(FetchTooLarge):
        fetch(into, far.url, {SHARE: "refs/heads/got"}, max_bytes=100_000)
    assert not [name for name in os.listdir(into / "objects" / "pack") if re.match("tmp_", name)]
