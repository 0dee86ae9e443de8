"""Talking to an ACP agent: prompts go out one after the other, the answer is shown as it comes, each turn is saved.

The prompt is saved before the agent hears it, and what it answered when its turn is over, however it ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from superqode.session import clock
from superqode.session.errors import AgentError, SessionError, SessionNotFound
from superqode.session.models import Entry, Message, MessageRole, ToolExecution
from superqode.tui.opened import OpenSession
from superqode.tui.pacing import Paced
from superqode.tui.settings import Agent

if TYPE_CHECKING:
    from superqode.acp import AcpAgent, Turn, Update
    from superqode.acp.permission import AskPermission

__all__ = ["Answer", "Talk", "Watcher"]

# How long an agent may take to end a turn when the session is left, in seconds.
_GRACE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told of a talk.

    Attributes:
        show: given the entries of the answer so far; none when they are in the session.
        saved: called when the session has grown.
        busy: given what the agent is doing, one line; empty when it waits.
        failed: given what went wrong, also what nobody thought of.
        unsaid: given a prompt that cannot be said, as the session is not there any more; `failed` hears of it, too.
        ask: answers the agent's questions.
    """

    show: Callable[[Sequence[Entry]], None]
    saved: Callable[[], None]
    busy: Callable[[str], None]
    failed: Callable[[BaseException], None]
    unsaid: Callable[[str], None]
    ask: AskPermission


class Answer:
    """An answer as far as it has come, as entries that are shown and not saved."""

    def __init__(self, agent_name: str) -> None:
        self._agent_name = agent_name
        self._parts: dict[str, Entry | list[str]] = {}
        self._begun = clock.now()
        self._last = ""

    def take(self, update: Update) -> None:
        """Take in what the agent tells."""
        if update.call is not None:
            self._last = f"call:{update.call.id}"
            self._parts[self._last] = update.call
        elif update.kind in ("text", "thought") and update.text:
            if not self._last.startswith(f"{update.kind}:"):
                self._last = f"{update.kind}:{len(self._parts)}"
                self._parts[self._last] = []
            part = self._parts[self._last]
            if isinstance(part, list):
                part.append(update.text)

    def entries(self) -> list[Entry]:
        """Give the entries in the order in which they began."""
        return [self._entry(key, part) for key, part in self._parts.items()]

    def _entry(self, key: str, part: Entry | list[str]) -> Entry:
        if isinstance(part, Message | ToolExecution):
            return part
        thought = key.startswith("thought:")
        return Message(
            id=f"live-{key}",
            role=MessageRole.ASSISTANT,
            content="" if thought else "".join(part),
            timestamp=self._begun,
            agent_name=self._agent_name or None,
            metadata={"thinking": "".join(part)} if thought else {},
        )


class Talk:
    """A conversation of a session with one agent, which is started with the first prompt.

    Args:
        opened: the session.
        agent: the agent.
        folder: where it is started.
        watcher: who is told.
    """

    def __init__(self, opened: OpenSession, agent: Agent, folder: Path, watcher: Watcher) -> None:
        self.agent = agent
        self._opened = opened
        self._folder = folder
        self._watcher = watcher
        self._prompts: asyncio.Queue[str] = asyncio.Queue()
        self._connected: AcpAgent | None = None
        self._answer: Answer | None = None
        self._drawing = Paced(lambda: self._watcher.show(self.live))
        self._pending = 0
        self._running: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._is_closing = False
        self.is_stopping = False

    @property
    def is_busy(self) -> bool:
        """Whether a prompt waits for its answer."""
        return self._pending > 0

    @property
    def live(self) -> list[Entry]:
        """What the agent has answered so far, and is not saved."""
        return self._answer.entries() if self._answer is not None else []

    def say(self, text: str) -> None:
        """Have a prompt said after those that wait."""
        self._pending += 1
        self._idle.clear()
        self._prompts.put_nowait(text)
        if self._running is None:
            self._begin()

    def _begin(self) -> None:
        self._running = asyncio.create_task(self._run())
        self._running.add_done_callback(self._ended)

    def _ended(self, running: asyncio.Task[None]) -> None:
        """Tell of an exception nobody thought of; what waits is said all the same."""
        if running.cancelled() or (problem := running.exception()) is None:
            return
        self._running = None
        self._done()
        self._watcher.failed(problem)
        if not self._prompts.empty():
            self._begin()

    async def _run(self) -> None:
        """Start the agent and talk until cancelled; an agent that fails is told of, and started anew for the next."""
        while not self._is_closing:
            text = await self._prompts.get()
            try:
                await self._say(text)
                from superqode.acp import AcpAgent  # only now: where it fails to load, it fails once for each prompt

                self._watcher.busy(f"starting {self.agent.name}…")
                async with AcpAgent(self.agent.command, cwd=self._folder, files="write") as connected:
                    self._connected = connected
                    await self._turn(connected, text)
                    await self._go_on(connected)
            except (SessionError, OSError) as problem:
                self._watcher.failed(problem)
            finally:
                self._connected = None
                self._end()
            self._done()  # by `_ended` where it does not come to this

    async def _go_on(self, connected: AcpAgent) -> None:
        while True:
            text = await self._prompts.get()
            await self._say(text)
            await self._turn(connected, text)

    async def _say(self, text: str) -> None:
        try:
            await self._opened.say(text)
        except SessionNotFound:
            self._watcher.unsaid(text)
            raise
        self._watcher.saved()

    async def _turn(self, connected: AcpAgent, text: str) -> None:
        from superqode.acp import Turn

        self._answer = Answer(connected.agent_name or self.agent.name)
        self._watcher.busy(f"{self.agent.name} answers…")
        try:
            turn = await connected.prompt(text, on_update=self._took, ask_permission=self._watcher.ask)
        except AgentError as problem:
            if problem.turn is not None:
                await self._keep(problem.turn)
            raise
        except BaseException:  # it would not stop, and was cancelled: what it said until then is all there will be
            await self._put(Turn("", tuple(self.live)))
            raise
        await self._keep(turn)
        self._end()
        self._done()

    async def _keep(self, turn: Turn) -> None:
        # Its first entry is the prompt, which is saved already.
        await self._put(replace(turn, entries=turn.entries[1:]))

    async def _put(self, said: Turn) -> None:
        await self._opened.change(lambda: said.add_to(self._opened.session))

    def _took(self, update: Update) -> None:
        if self._answer is not None:
            self._answer.take(update)
            self._drawing.ask()

    def _done(self) -> None:
        self._pending -= 1
        if not self._pending:
            self._idle.set()

    def _end(self) -> None:
        self._drawing.drop()
        self._answer = None
        self.is_stopping = False
        self._watcher.busy("")
        self._watcher.saved()

    async def stop(self) -> None:
        """Ask the agent to stop answering; what it said so far is kept."""
        if self._connected is not None:
            self.is_stopping = True
            await self._connected.cancel()

    async def close(self) -> None:
        """Stop the agent, keep what it said so far, and end it; prompts it did not hear are kept, too."""
        # Whoever closes it may have left the screen already: there is nothing to draw on.
        self._watcher = replace(self._watcher, show=_nothing, saved=_nothing, busy=_nothing, unsaid=_nothing)
        self._is_closing = True
        unheard: list[str] = []
        while not self._prompts.empty():
            unheard.append(self._prompts.get_nowait())
            self._done()
        await self.stop()
        running = self._running
        if running is not None:
            if self._connected is not None and self.is_busy:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._idle.wait(), _GRACE)
            running.cancel()
            await asyncio.wait([running])
        try:
            for text in unheard:
                await self._opened.say(text)
        except (SessionError, OSError) as problem:
            self._watcher.failed(problem)


def _nothing(*_told: object) -> None:
    """Draw nothing."""
