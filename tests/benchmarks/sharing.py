"""Sharing a long session over a local remote, beside plain git moving the same commits; keys cost the same at any size."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from bench import HERE, Bench, timed
from ours import USER, make_session, to_entry
from peers import run_git
from table import Row, Section, most

from superqode.session import Session, SessionSharingManager, SessionStore, ShareConfig
from superqode.session.sharing.kdf import new_kdf

__all__ = ["measure"]

_SESSION: Final = "shared"
_MS: Final = "ms"
_RATIO: Final = "÷ git"
_KIB: Final = 1024
# How far the process that shares may go above one that loads the session, in megabytes.
_ABOVE: Final = 64
# Loads what the store needs for the session, then shares it or not; says how much it needed at most, in bytes.
_PROGRAM: Final = """
import resource, sys
sys.path.insert(0, {here!r})
from ours import USER
from superqode.session import SessionSharingManager, SessionStore
store = SessionStore({root!r}, user=USER)
manager = SessionSharingManager(store, {remote!r})
if {share}:
    manager.create_share({session!r})
else:
    loaded = store.load({session!r})
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(peak if sys.platform == "darwin" else peak * 1024)
"""


def measure(bench: Bench) -> list[Section]:
    """Measure and give three sections: moving a share, what an update sends, memory."""
    count = bench.choose(10_000, 60)
    bench.say(f"making a session of {count:,} messages, a save each")
    root = bench.root / "store"
    session = _seed(bench, root, count)
    with SessionStore(root, user=USER) as store:
        first, _ = timed(lambda: store.scan([_SESSION]))
        again, _ = timed(lambda: store.scan([_SESSION]))
        moved = _moved(bench, store, count)
        moved.rows.append(Row("looking for secrets", {_MS: first * 1000, "again": again * 1000}))
        return [moved, _update(bench, store, session), *_memory(bench, root)]


def _seed(bench: Bench, root: Path, count: int) -> Session:
    with SessionStore(root, durability="fast", user=USER) as store:
        session = make_session(_SESSION, ())
        for turn in bench.workload().turns(count):
            for record in turn:
                session.add(to_entry(record))
            store.save(session)
        store.maintain()
    return session


def _remote(bench: Bench, name: str) -> Path:
    root = bench.root / name
    root.mkdir(parents=True)
    run_git(root, "init", "--quiet", "--bare")
    return root


def _moved(bench: Bench, store: SessionStore, count: int) -> Section:
    rounds = bench.choose(5, 1)
    seconds: dict[str, list[float]] = {}
    for turn in range(rounds):
        bench.say(f"sharing, round {turn + 1} of {rounds}")
        for label, action in _actions(bench, store, turn):
            took, _ = timed(action)
            seconds.setdefault(label, []).append(took * 1000)
    medians = {label: statistics.median(times) for label, times in seconds.items()}
    title = f"share {count:,} messages over a local remote"
    section = Section("share", title, (_MS, _RATIO, "again"))
    for label, value in medians.items():
        if label.startswith("git"):
            section.rows.append(Row(label, {_MS: value}))
            continue
        peer = medians["git push" if "share" in label else "git fetch"]
        section.rows.append(Row(label, {_MS: value, _RATIO: value / peer}, limits={_RATIO: most(3)}))
    kdf = statistics.median(timed(lambda: new_kdf(password=True).derive("a password", bytes(16)))[0] for _ in range(3))
    section.rows.append(Row("a password's key derivation, besides", {_MS: kdf * 1000}))
    return section


def _actions(bench: Bench, store: SessionStore, turn: int) -> list[tuple[str, Callable[[], Any]]]:
    plain, sealed, public = (_remote(bench, f"{name}-{turn}") for name in ("plain", "sealed", "public"))
    into = _remote(bench, f"fetched-{turn}")
    reader = SessionSharingManager(SessionStore(bench.root / f"reader-{turn}", user=USER))
    links: dict[str, str] = {}

    def share(visibility: str, remote: Path) -> None:
        manager = SessionSharingManager(store, remote)
        links[visibility] = manager.create_share(_SESSION, ShareConfig(visibility=visibility)).share_url

    hooks = ("-c", "core.hooksPath=/dev/null")  # the store's own hook refuses plain sessions
    return [
        ("git push", lambda: run_git(store.path, *hooks, "push", "--quiet", str(plain), _SESSION)),
        ("share, encrypted", lambda: share("unlisted", sealed)),
        ("share, public", lambda: share("public", public)),
        ("git fetch", lambda: run_git(into, "fetch", "--quiet", str(plain), f"{_SESSION}:refs/heads/{_SESSION}")),
        ("open, encrypted", lambda: reader.get_share(links["unlisted"])),
        ("open, public", lambda: reader.get_share(links["public"])),
    ]


def _update(bench: Bench, store: SessionStore, session: Session) -> Section:
    """What an update after ten more messages adds to the remote, beside what their commits weigh in a pack."""
    remote = _remote(bench, "updated")
    manager = SessionSharingManager(store, remote)
    share = manager.create_share(_SESSION)
    session = store.load(session.id)
    before, tip = _weight(remote), session._saved.commit
    for number in range(10):
        session.add(to_entry(bench.workload().appended(number)))
        store.save(session)
    manager.update_share(share.share_token)
    names = f"{session._saved.commit}\n^{tip}\n".encode()
    packed = len(run_git(store.path, "pack-objects", "--quiet", "--stdout", "--revs", "--thin", data=names))
    sent = _weight(remote) - before
    section = Section("update", "an update after 10 more messages, KiB", ("KiB",))
    section.rows.append(Row("their commits in a pack", {"KiB": packed / _KIB}))
    section.rows.append(Row("sent", {"KiB": sent / _KIB}, limits={"KiB": most(round((2 * packed) / _KIB + 64, 1))}))
    return section


def _weight(remote: Path) -> int:
    return sum(path.stat().st_size for path in (remote / "objects").rglob("*") if path.is_file())


def _memory(bench: Bench, root: Path) -> list[Section]:
    if sys.platform == "win32":
        return []
    bench.say("memory to share it")
    section = Section("share-memory", "memory to share it, MB", ("MB",))
    load = _peak(bench, root, share=False)
    share = _peak(bench, root, share=True)
    section.rows.append(Row("a process that loads the session", {"MB": load / 1e6}))
    section.rows.append(
        Row("a process that shares it", {"MB": share / 1e6}, limits={"MB": most(round(load / 1e6) + _ABOVE)})
    )
    return [section]


def _peak(bench: Bench, root: Path, *, share: bool) -> int:
    remote = str(_remote(bench, f"memory-{share}"))
    program = _PROGRAM.format(here=str(HERE), root=str(root), remote=remote, share=share, session=_SESSION)
    # Linux counts what stood in a process before its exec, which is this one; a shell between the two is small.
    command = ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", program]
    return int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
