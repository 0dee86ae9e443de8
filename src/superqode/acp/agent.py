"""`AcpAgent`: an agent that was started, and a conversation with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from superqode import __version__
from superqode.acp.files import FileAccess, FileRefused, Files
from superqode.acp.permission import AskPermission, permission_of
from superqode.acp.process import AgentProcess
from superqode.acp.turn import Mark, Turn, Update, turn_since, update_of
from superqode.acp.wire import Wire
from superqode.session import clock
from superqode.session.errors import (
    AcpMissing,
    AgentDied,
    AgentError,
    AgentProtocolError,
    AgentRefused,
    AgentTimedOut,
)
from superqode.session.importers.acp import Conversation, Traffic
from superqode.session.importers.fields import mapping_at, text_at

if TYPE_CHECKING:
    from acp.connection import Connection
    from pydantic import BaseModel

__all__ = ["AcpAgent"]

# How long an agent may take to end a turn that was cancelled, in seconds.
CANCEL_GRACE: Final = 5.0
_INVALID_PARAMS: Final = -32602

OnUpdate = Callable[[Update], None]


class AcpAgent:
    """Starts an agent, and talks to it in one session of the protocol; an asynchronous context manager.

    Args:
        command: the program and its arguments.
        cwd: the project's folder, in which it is started.
        env: its whole environment; None hands on our own.
        files: whether the agent may read, or read and write, the project's files through us (most do it themselves).
        load: the agent's own id of a session to go on with; None begins one.
        start_timeout: how long it may take until the session is there, in seconds.

    Attributes:
        agent_name: the agent's name as it says itself.
        session_id: the agent's own id of the session.
        can_load: whether it can load sessions.
        replayed: what it repeated of the session that was loaded; None for one that began here.

    Raises (on entering):
        AcpMissing: the package for the protocol is not installed.
        AgentError: see `session/errors`; the agent is gone then.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: str | Path,
        env: Mapping[str, str] | None = None,
        files: FileAccess = "none",
        load: str | None = None,
        start_timeout: float = 60.0,
    ) -> None:
        self.agent_name = ""
        self.session_id = ""
        self.can_load = False
        self.replayed: Turn | None = None
        self._command = tuple(command)
        self._cwd = Path(cwd).resolve()
        self._env = env
        self._load = load
        self._start_timeout = start_timeout
        self._files = Files(self._cwd, files)
        self._traffic = Traffic()
        self._process: AgentProcess | None = None
        self._wire: Wire | None = None
        self._connection: Connection | None = None
        # What the prompt at hand is told, in order; None ends it, an error is the caller's own.
        self._news: asyncio.Queue[Update | BaseException | None] | None = None
        self._ask: AskPermission | None = None
        self._cancelled = asyncio.Event()

    # -- beginning and end ----------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(self._start_timeout) as limit:
                await self._start()
        except BaseException as problem:
            await self.close()
            if isinstance(problem, TimeoutError) and limit.expired():
                raise AgentTimedOut(self._program, "begin a session", self._start_timeout) from problem
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the agent and everything it started; again is harmless."""
        connection, self._connection = self._connection, None
        self._cancelled.set()
        if connection is not None:
            await connection.close()
        if self._process is not None:
            await self._process.end()
        self._traffic.finish()

    async def _start(self) -> None:
        try:
            from acp import PROTOCOL_VERSION, schema
            from acp.connection import Connection
        except ImportError as problem:
            raise AcpMissing from problem
        self._process = await AgentProcess.start(self._command, cwd=self._cwd, env=self._env)
        self._wire = Wire(self._process, self._saw)
        self._connection = Connection(self._answer, self._wire)
        serves = schema.FileSystemCapabilities(
            read_text_file=self._files.access != "none", write_text_file=self._files.access == "write"
        )
        hello = schema.InitializeRequest(
            protocol_version=PROTOCOL_VERSION,
            client_capabilities=schema.ClientCapabilities(fs=serves),
            client_info=schema.Implementation(name="superqode", version=__version__),
        )
        told = await self._request("initialize", hello)
        if self._traffic.protocol != PROTOCOL_VERSION:
            raise AgentProtocolError(self._program, f"it speaks version {self._traffic.protocol or 'unknown'}, not 1")
        self.agent_name = self._traffic.agent_name
        self.can_load = mapping_at(told, "agentCapabilities").get("loadSession") is True
        cwd = str(self._cwd)
        if self._load is None:
            told = await self._request("session/new", schema.NewSessionRequest(cwd=cwd, mcp_servers=[]))
            self.session_id = text_at(told, "sessionId")
            if not self.session_id:
                raise AgentProtocolError(self._program, "its new session has no id")
        elif not self.can_load:
            raise AgentRefused(self._program, "to load a session", 0, "it cannot load sessions")
        else:
            self.session_id = self._load
            wanted = schema.LoadSessionRequest(session_id=self._load, cwd=cwd, mcp_servers=[])
            await self._request("session/load", wanted)
            self.replayed = turn_since(self._talk, self.agent_name, Mark(), "")

    @property
    def title(self) -> str:
        """The agent's name for people."""
        return self._traffic.agent.get("title") or self.agent_name

    @property
    def version(self) -> str:
        """The agent's version, where it tells one."""
        return self._traffic.agent.get("version", "")

    @property
    def stderr_tail(self) -> str:
        """The last of what the agent wrote on stderr, at most 64 KiB."""
        return self._process.stderr_tail if self._process is not None else ""

    @property
    def _program(self) -> str:
        return self._command[0] if self._command else ""

    @property
    def _talk(self) -> Conversation:
        return self._traffic.conversations[self.session_id]

    # -- talking --------------------------------------------------------------------------------------------

    async def prompt(
        self,
        text: str,
        *,
        on_update: OnUpdate | None = None,
        ask_permission: AskPermission | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - a turn that took too long is cancelled, and what it came to is told
    ) -> Turn:
        """Say something, and wait for the end of the agent's turn.

        Args:
            text: the prompt.
            on_update: told of everything the agent says, in order.
            ask_permission: answers the agent's questions with an option's id, or None; without it each is cancelled.
            timeout: how long the turn may take, in seconds.

        Raises:
            AgentTimedOut: it took longer; the turn is cancelled.
            AgentDied, AgentProtocolError, AgentRefused: it has no end. Each has in `turn` what came before.
            RuntimeError: the agent was not started, or another prompt is going on.
        """
        if self._connection is None or self._news is not None:
            raise RuntimeError("an agent takes one prompt at a time, between entering and leaving its block")
        from acp import schema

        mark = Mark.of(self._talk, self.agent_name)
        news = self._news = asyncio.Queue()
        self._ask = ask_permission
        self._cancelled.clear()
        said = schema.PromptRequest(
            session_id=self.session_id, prompt=[schema.TextContentBlock(type="text", text=text)]
        )
        request = asyncio.create_task(self._request("session/prompt", said))
        request.add_done_callback(lambda _done: news.put_nowait(None))
        try:
            async with asyncio.timeout(timeout) as limit:
                await _tell(news, on_update)
            reason = text_at(request.result(), "stopReason")
        except AgentError as problem:
            problem.turn = turn_since(self._talk, self.agent_name, mark, "")
            raise
        except TimeoutError as problem:
            if not limit.expired():
                raise
            await self._stop(request)
            late = AgentTimedOut(self._program, "finish the turn", timeout or 0)
            late.turn = turn_since(self._talk, self.agent_name, mark, "")
            raise late from problem
        finally:
            await self._stop(request)
            self._news = self._ask = None
        return turn_since(self._talk, self.agent_name, mark, reason)

    async def cancel(self) -> None:
        """Ask the agent to stop: its prompt ends with `cancelled`, and its open questions are cancelled."""
        if self._connection is None or self._news is None:
            return
        self._cancelled.set()
        with suppress(ConnectionError):
            await self._connection.send_notification("session/cancel", {"sessionId": self.session_id})

    async def _stop(self, request: asyncio.Task[dict[str, Any]]) -> None:
        """See to it that a prompt is over."""
        if not request.done():
            await self.cancel()
            await asyncio.wait([request], timeout=CANCEL_GRACE)
            request.cancel()
        with suppress(asyncio.CancelledError, AgentError):
            await request

    async def _request(self, method: str, params: BaseModel) -> dict[str, Any]:
        from acp import RequestError

        if self._connection is None:
            raise RuntimeError("the agent was not started")
        try:
            told = await self._connection.send_request(
                method, params.model_dump(mode="json", by_alias=True, exclude_none=True)
            )
        except RequestError as problem:
            raise AgentRefused(self._program, method, problem.code, str(problem)) from problem
        except ConnectionError as problem:
            raise await self._ended() from problem
        return told if isinstance(told, dict) else {}

    async def _ended(self) -> AgentError:
        if self._wire is not None and self._wire.problem:
            return AgentProtocolError(self._program, self._wire.problem)
        code = await self._process.exit_code() if self._process is not None else None
        return AgentDied(self._program, code, self.stderr_tail)

    # -- listening ------------------------------------------------------------------------------------------

    def _saw(self, message: dict[str, Any], from_agent: bool) -> None:
        self._traffic.take(message, from_agent=from_agent, time=clock.now())
        params = mapping_at(message, "params")
        if self._news is None or not from_agent or message.get("method") != "session/update":
            return
        if text_at(params, "sessionId") == self.session_id:
            self._news.put_nowait(update_of(mapping_at(params, "update"), self._talk, self.agent_name))

    async def _answer(self, method: str, params: Any, notification: bool) -> dict[str, Any] | None:
        from acp import RequestError

        asked = params if isinstance(params, dict) else {}
        if notification:
            return None
        if text_at(asked, "sessionId") != self.session_id:
            raise RequestError(_INVALID_PARAMS, "there is no such session")
        if method == "session/request_permission":
            return {"outcome": await self._decide(asked)}
        try:
            if method == "fs/read_text_file":
                return {"content": self._files.read(asked)}
            if method == "fs/write_text_file":
                self._files.write(asked)
                return {}
        except FileRefused as problem:
            raise RequestError(_INVALID_PARAMS, str(problem)) from problem
        raise RequestError.method_not_found(method)

    async def _decide(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Let the caller answer a question; what goes wrong there is the prompt's error."""
        ask, news = self._ask, self._news
        call = self._talk.call(text_at(mapping_at(asked, "toolCall"), "toolCallId"), clock.now())
        if ask is None or news is None:
            return {"outcome": "cancelled"}
        answering = asyncio.ensure_future(ask(permission_of(asked, call.entry(self.agent_name))))
        stopping = asyncio.create_task(self._cancelled.wait())
        try:
            await asyncio.wait([answering, stopping], return_when=asyncio.FIRST_COMPLETED)
            if answering.done() and not answering.cancelled():
                if problem := answering.exception():
                    news.put_nowait(problem)
                elif chosen := answering.result():
                    return {"outcome": "selected", "optionId": chosen}
        finally:
            answering.cancel()
            stopping.cancel()
        return {"outcome": "cancelled"}


async def _tell(news: asyncio.Queue[Update | BaseException | None], on_update: OnUpdate | None) -> None:
    """Hand on what the agent says until the turn is over.

    Raises:
        BaseException: what the caller's own answer to a question raised.
    """
    while (item := await news.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        if on_update is not None:
            on_update(item)
