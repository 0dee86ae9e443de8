"""A team's server with very many shares: what each call of ours costs there, in time, on the wire, and in its memory.

The shares are real commits of share messages in packs, under names in packed-refs; their trees are all the same one.
A real `git daemon` serves them, a proxy counts what passes, and the kernel tells how much the server needed at most.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench import HERE, Bench, timed
from ours import USER, make_session, to_entry
from peers import run_git
from table import Row, Section

from superqode.session import SessionSharingManager, SessionStore, ShareConfig
from superqode.session.git.packwriting import PackWriter
from superqode.session.sharing.links import new_share_id
from superqode.session.sharing.wire import format_seconds
from superqode.session.store.hooks import install_server_hooks, tune_server

sys.path.append(str(HERE.parent))
from servers import CuttingProxy, WebServer

__all__ = ["measure"]

_SESSION: Final = "shared"
_SHARES: Final = "refs/superqode/shares/"
_PUBLIC: Final = "refs/superqode/shares/public/"
_COLUMNS: Final = ("s", "MB sent", "MB got", "server MB")
# One share in so many is public, and so many of all have expired.
_PUBLIC_EVERY: Final = 100
_EXPIRED: Final = 100
# Starts a program, ends it when told to, and says how much memory it or one of its own needed at most, in KiB.
_RUNNER: Final = """
import os, signal, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
_, _, used = os.wait4(child, 0)
print(used.ru_maxrss)
"""


def measure(bench: Bench) -> list[Section]:
    """Measure and give a section for each number of shares."""
    return [_Team(bench, count).section() for count in bench.choose((10_000, 100_000, 1_000_000), (1_000,))]


class _Team:
    """A server with so many shares, and somebody who shares there."""

    def __init__(self, bench: Bench, count: int) -> None:
        self._root = bench.root / str(count)
        self._count = count
        self._say = bench.say
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        self._server = self._root / "served" / "team.git"
        self._server.mkdir(parents=True)
        run_git(self._server, "init", "--quiet", "--bare")
        run_git(self._server, "config", "receive.autogc", "false")
        run_git(self._server, "config", "uploadpack.allowFilter", "true")
        self._store = SessionStore(self._root / "store", durability="fast", user=USER)
        self._store.save(make_session(_SESSION, bench.workload().turns(100)))
        self._more = [to_entry(bench.workload().appended(number)) for number in range(20)]

    def section(self) -> Section:
        """Fill the server and measure."""
        self._say(f"a server with {self._count:,} shares")
        section = Section("server", f"a server with {self._count:,} shares", _COLUMNS)
        # A share remembers its server's address: the proxy stays, the server behind it starts anew for each row.
        with CuttingProxy(self._port) as self._proxy:
            for label, values in self._measured():
                section.rows.append(Row(label, values))
        return section

    def _measured(self) -> Iterator[tuple[str, dict[str, float]]]:
        took, size = timed(self._fill)
        self._say(f"filled in {took:.0f} s, packed-refs has {size / 1e6:.1f} MB")
        share = SessionSharingManager(self._store, self._server).create_share(_SESSION).share_token
        exact = _SHARES + share.partition(".")[0]
        into = self._root / "into"
        into.mkdir()
        run_git(into, "init", "--quiet", "--bare")
        yield "git ls-remote", self._seen(lambda url: run_git(into, "ls-remote", "--quiet", url, exact))
        yield "git fetch of one ref", self._seen(lambda url: run_git(into, "fetch", "--quiet", url, f"{exact}:{exact}"))
        yield "open", self._seen(lambda url: self._reader(url).get_share(share))
        yield "list the public ones", self._seen(lambda url: self._reader(url).list_shares(remote=True))
        yield f"prune {_EXPIRED} expired ones", self._seen(self._prune)
        for hooks in ("", ", with the server's hooks"):
            if hooks:
                self._install_hooks()
                yield "the server's first look at all", {_COLUMNS[0]: timed(self._expire)[0]}
            yield f"share{hooks}", self._seen(self._share)
            yield f"update{hooks}", self._seen(self._update)
            yield f"revoke{hooks}", self._seen(self._revoke)
        yield from self._over_http()
        yield "the server's own look at all", {_COLUMNS[0]: timed(self._expire)[0]}

    # -- what is measured -----------------------------------------------------------------------------------------

    def _reader(self, url: str) -> SessionSharingManager:
        return SessionSharingManager(SessionStore(self._root / "reader", user=USER), url)

    def _sharer(self, url: str) -> SessionSharingManager:
        return SessionSharingManager(self._store, url)

    def _share(self, url: str) -> None:
        self._token = self._sharer(url).create_share(_SESSION).share_token

    def _update(self, url: str) -> None:
        session = self._store.load(_SESSION)
        session.add(self._more.pop())
        self._store.save(session)
        self._sharer(url).update_share(self._token)

    def _revoke(self, url: str) -> None:
        self._sharer(url).revoke_share(self._token)

    def _prune(self, url: str) -> None:
        told = self._sharer(url).prune(all_owners=True)
        if len(told.pruned) != _EXPIRED:
            raise AssertionError(f"{len(told.pruned)} were pruned: {told.failed}")

    def _seen(self, action: Callable[[str], Any]) -> dict[str, float]:
        """Do something with the server's URL; gives what was seen of it."""
        memory: list[int] = []
        before = dict(self._proxy.passed)
        with _served(self._server.parent, self._port, memory):
            took, _ = timed(lambda: action(f"git://127.0.0.1:{self._proxy.port}/team.git"))
        sent, got = (self._proxy.passed[way] - before[way] for way in ("sent", "answered"))
        told = (took, sent / 1e6, got / 1e6, memory[0] / 1e6)
        return dict(zip(_COLUMNS, told, strict=True))

    def _over_http(self) -> Iterator[tuple[str, dict[str, float]]]:
        """Share, update and revoke where nginx has git list the one ref that a push is about."""
        if WebServer.obstacles():
            return
        with WebServer() as web:
            served = web.repository("many")
            served.path.rename(served.path.with_suffix(".empty"))
            served.path.symlink_to(self._server)
            with CuttingProxy(web.ports["http"]) as proxy:
                url = f"http://alice:{web.password('alice')}@127.0.0.1:{proxy.port}/many"
                for label, action in (("share", self._share), ("update", self._update), ("revoke", self._revoke)):
                    before = dict(proxy.passed)
                    took, _ = timed(partial(action, url))
                    sent, got = (proxy.passed[way] - before[way] for way in ("sent", "answered"))
                    told = (took, sent / 1e6, got / 1e6)
                    yield f"{label}, hooks, one ref told", dict(zip(_COLUMNS, told, strict=False))

    def _expire(self) -> None:
        subprocess.run([self._server / "hooks" / "post-receive", "--expire", self._server], check=True)

    # -- the server -----------------------------------------------------------------------------------------------

    def _install_hooks(self) -> None:
        install_server_hooks(self._server)
        tune_server(self._server)

    def _fill(self) -> int:
        """Put the shares there; gives the size of packed-refs in bytes."""
        manager = SessionSharingManager(self._store, self._server)
        later = timedelta(days=7)
        models = [
            manager.create_share(_SESSION, ShareConfig(visibility=visibility, expires_in=later))
            for visibility in ("unlisted", "public")
        ]
        ends = format_seconds(models[0].expires_at or datetime.now(UTC))
        sealed, public = (self._commit(share.id) for share in models)
        over = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}".encode()
        pack = PackWriter(self._server / "objects" / "pack", _refuse, few=0)
        refs: list[str] = []
        for number in range(self._count):
            open_to_all = number % _PUBLIC_EVERY == 0
            model, raw = (models[1], public) if open_to_all else (models[0], sealed)
            share = new_share_id()
            content = raw.replace(model.id.encode(), share.encode())
            if number % (self._count // _EXPIRED) == 1:
                content = content.replace(ends.encode(), over)
            refs.append(f"{_PUBLIC if open_to_all else _SHARES}{share} {pack.add('commit', content)}")
        pack.finish()
        lines = [
            "# pack-refs with: peeled fully-peeled sorted ",
            *(" ".join(ref.split()[::-1]) for ref in sorted(refs)),
        ]
        packed = self._server / "packed-refs"
        packed.write_text("\n".join(lines) + "\n", "ascii")
        # As a server is kept: one pack, and a graph of the commits.
        run_git(self._server, "repack", "-a", "-d", "--quiet", "--window=0")
        run_git(self._server, "commit-graph", "write", "--reachable", "--no-progress")
        return packed.stat().st_size

    def _commit(self, share: str) -> bytes:
        name = run_git(self._server, "for-each-ref", "--format=%(refname)", f"{_SHARES}**/{share}", _SHARES + share)
        return run_git(self._server, "cat-file", "commit", name.decode().strip())


def _refuse(kind: str, content: bytes) -> None:
    raise AssertionError(f"a {kind} of {len(content)} bytes is for a pack")


@contextmanager
def _served(folder: Path, port: int, memory: list[int]) -> Iterator[None]:
    """Serve repositories; at the end notes the server's peak of memory in bytes."""
    daemon = Path(run_git(folder, "--exec-path").decode().strip(), "git-daemon")
    options = ["--export-all", "--enable=receive-pack", "--listen=127.0.0.1", f"--port={port}", f"--base-path={folder}"]
    command = [sys.executable, "-S", "-c", _RUNNER, str(daemon), "--reuseaddr", *options]
    environment = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GL_USER": "alice"}
    silent = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=silent, env=environment) as process:
        try:
            while not _answers(port):
                time.sleep(0.02)
            yield
            time.sleep(0.3)  # it waits for its own that have just ended
        finally:
            process.terminate()
            memory.append(int(process.communicate()[0]) * 1024)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
