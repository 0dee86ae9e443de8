"""A store looked over by a process of its own, under an alarm: what each verb says of it, as plain JSON."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from superqode.session import Session, SessionStore
from superqode.session.errors import SaveFailed, SessionError

# A hang, in seconds: no verb takes a tenth of it.
_ALARM = 60
_PR_CAPBSET_DROP = 24  # <linux/prctl.h>
_CAPABILITY_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3, capget(2)
_DAC_OVERRIDE, _DAC_READ_SEARCH = 1, 2  # capabilities(7)


def obey_modes() -> None:
    """Let a file without rights be unreadable for root, too: here, and in every program that is started from here."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return
    library = ctypes.CDLL(None, use_errno=True)
    for capability in (_DAC_OVERRIDE, _DAC_READ_SEARCH):
        library.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()
    library.capget(header, sets)
    mask = ~(1 << _DAC_OVERRIDE | 1 << _DAC_READ_SEARCH) & 0xFFFFFFFF
    sets[0] &= mask  # effective
    sets[1] &= mask  # permitted
    if library.capset(header, sets) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _said(verb: Callable[[], Any]) -> list[Any]:
    """`["done", result]`, or the error's kind and text."""
    try:
        return ["done", verb()]
    except SaveFailed as problem:
        return [problem.outcome, str(problem)]
    except SessionError as problem:
        return ["refused", f"{type(problem).__name__}: {problem}"]
    except Exception:  # noqa: BLE001 - told to the test, which fails of it
        return ["raw", traceback.format_exc()]


def _add(store: SessionStore, session: Session, text: str) -> str:
    session.add_message("user", text)
    store.save(session)
    return text


def _texts(session: Session) -> list[str]:
    return [message.content for message in session.messages]


def look(path: str, names: list[str]) -> dict[str, Any]:
    """What a process that never saw the store says of it; nothing is changed."""
    with SessionStore(path) as store:
        return {
            "loaded": {name: _said(lambda name=name: _texts(store.load(name))) for name in names},
            "snapshots": {
                name: _said(lambda name=name: [len(s.state.messages) for s in store.load(name).snapshots])
                for name in names
            },
            "listed": _said(lambda: {row.id: row.problem for row in store.list_sessions()}),
            "found": _said(lambda: sorted({hit.session_id for hit in store.search("hello")})),
            "history": {name: _said(lambda name=name: len(store.history(name))) for name in names},
            "trash": _said(lambda: [item.session_id for item in store.trash()]),
            "verified": _said(
                lambda: [[f.severity, f.session_id, f"{f.path} {f.message}"] for f in store.verify().findings]
            ),
        }


def write(path: str, names: list[str], text: str) -> dict[str, Any]:
    """Let a process that never saw the store add to each session, and make one."""
    with SessionStore(path) as store:
        saved = {name: _said(lambda name=name: _add(store, store.load(name), text)) for name in names}
        made = Session(id=f"new-{text}")
        return {"saved": saved, "made": _said(lambda: _add(store, made, text))}


def repair(path: str, places: list[str]) -> list[Any]:
    """Let it be repaired; gives how many steps were done, and what is lost."""
    with SessionStore(path) as store:

        def mend() -> list[Any]:
            report = store.repair(places)
            return [len(report.steps), [f"{step.session_id} {step.name} {step.detail}" for step in report.lost]]

        return _said(mend)


def undelete(path: str, names: list[str]) -> list[Any]:
    """Bring back those of the sessions that are in the trash; gives which."""
    with SessionStore(path) as store:
        return _said(lambda: [store.undelete(item.session_id) for item in store.trash() if item.session_id in names])


def hold(path: str, names: list[str], wait: Callable[[], object]) -> dict[str, Any]:
    """Hold sessions open while the harm is done; then add to each, and save."""
    with SessionStore(path) as store:
        sessions = {name: store.load(name) for name in names}
        wait()
        return {name: _said(lambda s=session: _add(store, s, "held")) for name, session in sessions.items()}


def witness(path: str, names: list[str], places: list[str]) -> dict[str, Any]:
    """Tell all that is to be seen of a harm, before a repair and after it, by a process that never saw the store."""
    return {
        "before": look(path, names),
        "written": write(path, names, "first"),
        "repaired": repair(path, places),
        "undeleted": undelete(path, names),
        "after": look(path, names),
        "rewritten": write(path, names, "second"),
        "last": look(path, names),
    }


def serve(tell: Callable[[str], object]) -> None:
    """For each line read, the path of a store and places of copies, let children look at a harm to it.

    One tells `ready` when it holds its sessions, goes on with the next line, and tells what became of its saves. Then
    another one looks at what there is.
    """
    with tempfile.TemporaryDirectory() as folder:  # loads every module, so that no child has to
        template(Path(folder, "store"))
        hold(str(Path(folder, "store")), list(TEXTS), lambda: None)
        witness(str(Path(folder, "store")), list(TEXTS), [])

    def wait() -> None:
        tell("ready")
        sys.stdin.readline()

    for line in sys.stdin:
        path, places = json.loads(line)
        _in_a_child(lambda path=path: {"held": hold(path, list(TEXTS), wait)}, tell)
        _in_a_child(lambda path=path, places=places: witness(path, list(TEXTS), places), tell)


def _in_a_child(work: Callable[[], dict[str, Any]], tell: Callable[[str], object]) -> None:
    child = os.fork()
    if child == 0:
        signal.alarm(_ALARM)
        obey_modes()
        tell(json.dumps(work()))
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if status:
        tell(json.dumps({"died": os.waitstatus_to_exitcode(status)}))


def template(place: Path) -> None:
    """Make what the harms are done to: `s` with a snapshot and a long text, its fork `f`, `t`, and `gone` in the trash."""
    with SessionStore(place) as store:
        session = Session(id="s", title="Title of s")
        session.add_message("user", "hello s")
        store.save(session)
        session.create_snapshot("kept").id = "kept"
        session.add_message("assistant", LONG, agent_name="a")
        store.save(session)
        for name in ("t", "gone"):
            other = Session(id=name, title=f"Title of {name}")
            other.add_message("user", f"hello {name}")
            store.save(other)
        store.fork("s", new_id="f")
        store.delete("gone")
        store.list_sessions()


LONG = ("a" * 3000 + "\n") * 4
TEXTS = {"s": ["hello s", LONG], "t": ["hello t"], "f": ["hello s", LONG]}
