"""`QESession`: a quality run on a project, kept in a session as it happens."""

from __future__ import annotations

import asyncio
import shlex
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from superqode.qe.faults import Places
from superqode.qe.project import Project
from superqode.qe.recording import Record
from superqode.qe.roles import MODES, chosen_roles
from superqode.qe.running import Runner
from superqode.qe.runs import QERun, RoleResult, read_run, verdict_of
from superqode.qe.sandbox import Sandbox, open_sandbox
from superqode.qe.working import Event, EventKind, Listener, Worker
from superqode.session import Session, SessionStore
from superqode.session.errors import ProjectUnusable, SessionError
from superqode.session.models.findings import Verdict
from superqode.session.models.severity import Severity

__all__ = ["QESession"]

T = TypeVar("T")

_TITLE: Final = "Quality of {name}"


class QESession:
    """A quality session: a sandbox of a project, roles that work in it, and a session that keeps every step.

    Used as `with` or `async with`, it makes the sandbox at the beginning and removes it at the end; `run` alone does
    both itself. The project's own folder is never written. A session that was made here is saved with the first step.

    Args:
        project_path: the project's folder.
        title: the session's title; without one it names the project, and the verdict once there is one.
        roles: names of roles; those of the mode without any.
        store: where the session is saved; `~/.superqode/sessions` without one.
        mode: `quick`, or `deep` for more roles and more time.
        agent: how the agent of agent roles is started: a command that speaks ACP, as words or as one line.
        session_id: go on in this session, instead of making one.
        timeout: seconds for each role; the mode's without it (300, 1800).
        fail_on: findings as bad as this, or worse, fail the run.
        on_event: told what happens as it happens, also from other threads.
        sandboxes: the folder below which a folder for sandboxes is made; the folder for temporary files without it.

    Raises:
        ProjectUnusable: there is no such folder.
        UnknownRole: there is no such role or mode.
        NoAgent: a role needs an agent, and none was given.
    """

    def __init__(
        self,
        project_path: str | Path,
        *,
        title: str | None = None,
        roles: Iterable[str] | None = None,
        store: SessionStore | None = None,
        mode: str = "quick",
        agent: str | Sequence[str] | None = None,
        session_id: str | None = None,
        timeout: float | None = None,
        fail_on: Severity | str = Severity.MEDIUM,
        on_event: Listener | None = None,
        sandboxes: Path | None = None,
    ) -> None:
        self.project_path = _folder(project_path)
        self.agent = tuple(shlex.split(agent) if isinstance(agent, str) else agent or ())
        self.roles = chosen_roles(roles, mode, agent=bool(self.agent))
        self.mode = mode
        self.fail_on = Severity(fail_on)
        named = _TITLE.format(name=self.project_path.name)
        self.session = Session(title=title or named, project_path=self.project_path)
        # What the verdict is put behind; a title that was given stays.
        self._title = "" if title and session_id is None else named
        self._session_id = session_id
        self._given_store = store
        self._seconds = MODES[mode][1] if timeout is None else timeout
        self._on_event = on_event or _ignore
        self._sandboxes = sandboxes
        self._stop = threading.Event()
        self._open: tuple[ExitStack, SessionStore, Sandbox] | None = None

    # -- the sandbox ----------------------------------------------------------------------------------------------

    @property
    def sandbox(self) -> Sandbox | None:
        """The sandbox, while there is one."""
        return self._open[2] if self._open is not None else None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            store = self._given_store
            if store is None:
                store = stack.enter_context(SessionStore())
            if self._session_id is not None:
                self.session = store.load(self._session_id)
            sandbox = stack.enter_context(open_sandbox(self.project_path, self._sandboxes))
            self._open = (stack.pop_all(), store, sandbox)
        self._tell("sandbox", f"{sandbox.files:,} files, {sandbox.kind}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        opened, self._open = self._open, None
        if opened is not None:
            opened[0].close()

    async def __aenter__(self) -> Self:
        try:
            return await self._in_thread(self.__enter__)
        except asyncio.CancelledError:
            self.__exit__(None, None, None)  # it may have been made by then
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._in_thread(lambda: self.__exit__(kind, problem, trace))

    # -- the run --------------------------------------------------------------------------------------------------

    def run(self) -> QERun:
        """Let every role work; gives what they found. It may be run again, in the same session.

        Raises:
            ProjectUnusable, SandboxFailed, GitMissing: no sandbox can be made.
            SessionNotFound, CorruptSession: the session to go on in.
            SaveFailed, SessionDeleted, StoreLocked: a step cannot be saved.
        """
        if self._open is not None:
            return self._run(self._open[1], self._open[2])
        with self:
            return self.run()

    async def run_async(self) -> QERun:
        """As `run`, in a thread; cancelled, it stops what runs and keeps what there is."""
        return await self._in_thread(self.run)

    def stop(self) -> None:
        """End the run from another thread: what runs is ended, the rest is left out, and the verdict is incomplete.

        Where none is on, it holds for the next.
        """
        self._stop.set()

    def _run(self, store: SessionStore, sandbox: Sandbox) -> QERun:
        places = Places(sandbox.project, sandbox.home)
        record = Record(self.session, store, places.plain, self._title)
        worker = Worker(self._project(sandbox), places, record, self.fail_on, self.agent, self._on_event)
        record.begin(str(self.project_path), self.mode, self.roles, self.fail_on, sandbox)
        try:
            results = [worker.work(role) for role in self.roles if not self._stop.is_set()]
            verdict, why = self._verdict(results)
        except BaseException as problem:
            with suppress(SessionError, OSError):
                record.end(Verdict.INCOMPLETE, f"It was ended: {type(problem).__name__}.")
            raise
        finally:
            self._stop.clear()  # it may be run again
        record.end(verdict, why)
        self._tell("verdict", verdict.value)
        return read_run(self.session)

    def _verdict(self, results: Sequence[RoleResult]) -> tuple[Verdict, str]:
        verdict = verdict_of(results, self.fail_on)
        if len(results) == len(self.roles):
            return verdict, ""
        return verdict if verdict is Verdict.FAILED else Verdict.INCOMPLETE, "It was stopped."

    def _project(self, sandbox: Sandbox) -> Project:
        folder, home = sandbox.project, sandbox.home
        temporary = str(sandbox.temporary)
        environment = {
            "TMPDIR": temporary,
            "TEMP": temporary,
            "TMP": temporary,
            "PYTHONPYCACHEPREFIX": str(home / "pycache"),  # links lead out of the sandbox; compiled files stay in it
        }
        # Before an editable install of the project, which would lead to its own folder.
        paths = [folder / "src" if (folder / "src").is_dir() else folder]
        return Project(folder, home, Runner(folder, environment, paths, self._stop), self._seconds)

    def _tell(self, kind: EventKind, text: str) -> None:
        self._on_event(Event(kind, "", text))

    async def _in_thread(self, call: Callable[[], T]) -> T:
        """Await a call in a thread; cancelled, it is stopped and waited for, so that nothing goes on behind."""
        task = asyncio.create_task(asyncio.to_thread(call))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self.stop()
            await asyncio.wait((task,))
            self._stop.clear()  # where it was no run
            task.exception()  # it is told by the cancellation
            raise


def _ignore(_event: Event) -> None:
    return


def _folder(path: str | Path) -> Path:
    """The project's folder, absolute and without links."""
    try:
        folder = Path(path).expanduser()
    except RuntimeError as problem:  # ~somebody, whom this machine does not know
        raise ProjectUnusable(path, str(problem)) from problem
    if not folder.is_dir():
        raise ProjectUnusable(path, "there is no such folder")
    return folder.resolve()
