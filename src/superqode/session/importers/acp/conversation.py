"""One session of the protocol as it goes on: chunks become answers, updates become calls, turns begin and end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, Literal

from superqode.session.importers.acp.calls import Call
from superqode.session.importers.acp.content import described, text_of
from superqode.session.importers.acp.drafts import OPEN, OVER, Answer, Drafts, Said, draft_of, sort_of
from superqode.session.importers.acp.story import Story
from superqode.session.importers.fields import mapping_at, objects_at, text_at
from superqode.session.importers.shelf import make_shelf
from superqode.session.importers.spool import KeyMap
from superqode.session.models import Entry, MessageRole
from superqode.session.models.files import FileTouch

__all__ = ["Conversation"]

Chunk = Literal["text", "thought"]

_CHUNKS: Final[dict[str, Chunk]] = {"agent_message_chunk": "text", "agent_thought_chunk": "thought"}
# Updates that say nothing in the conversation: what they are counted as.
_SETTINGS: Final = {
    "available_commands_update": "lists of commands",
    "current_mode_update": "settings",
    "config_option_update": "settings",
    "usage_update": "token counts",
    "plan_removed": "plans",
}
REPEATED: Final = "repeated on load"


class Conversation:
    """A session of the protocol.

    Args:
        session_id: the agent's id of it.
        time: when it was first heard of, aware UTC.
        drafts: where what was said stands, of this session and of others; None for a place of its own.

    Attributes:
        id: the agent's id of it.
        cwd: the folder it works in.
        parent_id: the session it is a fork of; empty for none.
        title: as the agent last told; empty where it does not.
        model, mode: as last told.
        usage: token counts as last told.
        plan: the agent's plan as last told.
        began: when it was first heard of.
        now: when it was last heard of.
        touches: what was done to files, in order.
        present: files of which a diff showed what was in them before.
        turns_over: how many turns and loads have come to their end.
    """

    def __init__(self, session_id: str, time: datetime, drafts: Drafts | None = None) -> None:
        self.id = session_id
        self.cwd = ""
        self.parent_id = ""
        self.title = ""
        self.model = ""
        self.mode = ""
        self.usage: dict[str, Any] = {}
        self.plan: list[Any] = []
        self.began = time
        self.now = time
        self.touches: list[tuple[FileTouch, str]] = []
        self.present: set[str] = set()
        self.turns_over = 0
        # Touches that are alike are one.
        self._touched: dict[tuple[FileTouch, str], tuple[FileTouch, str]] = {}
        self._drafts = make_shelf(sort_of, big=False) if drafts is None else drafts
        self._story = Story(self._drafts)
        # The numbers of the calls by their ids, and by the client's terminals that they show.
        self._calls = KeyMap()
        self._terminals = KeyMap()
        self._answer: int | None = None
        self._last_chunk = ""
        self._turn = "start"
        self._answers_in_turn = 0
        self._open_turns = 0
        # Some agents count tokens at each answer's beginning and end, which tells answers apart.
        self._counts_tokens = self._counted = False
        # What an agent repeats of a person's words: chunks that are not yet a prompt, and how far an echo came.
        self._heard: list[dict[str, Any]] = []
        self._prompt_text = self._echoed = ""
        self._loading = False
        self._replay: Conversation | None = None

    # -- what there is --------------------------------------------------------------------------------------

    def entries(self, agent: str, *, settled: bool = False) -> list[Entry]:
        """Give the entries as they are now; with `settled` only those of turns that are over, which will not change."""
        return self._story.entries(agent, settled=settled)

    def stream(self, agent: str) -> Iterator[Entry]:
        """Give the entries one by one, as they are now; none of them is kept."""
        return self._story.stream(agent)

    def counts(self) -> tuple[int, int]:
        """How many messages and executions there are."""
        return self._story.counts()

    def shown_in(self, terminal: str) -> Call | None:
        """Give the call that shows one of the client's terminals."""
        number = self._terminals.get(terminal)
        return None if number is None else self._call_at(number)

    def touch(self, touch: FileTouch, path: str) -> None:
        """Note what was done to a file."""
        told = (touch, path)
        self.touches.append(self._touched.setdefault(told, told))

    def _call_at(self, number: int) -> Call | None:
        found = self._drafts[number]
        return found if isinstance(found, Call) else None

    def _make_room(self) -> None:
        """No draft is held now, but for the answer at hand."""
        self._drafts.let_go(self._answer)

    def remember(self, entries: Iterable[Entry]) -> None:
        """Begin with what is known of it already; what the agent repeats of that is not taken twice."""
        for entry in entries:
            draft = draft_of(entry, self._turn)
            self._story.add(draft)
            if isinstance(draft, Call):
                self._calls[draft.id] = draft.number
            elif isinstance(draft, Said) and draft.role is MessageRole.USER:
                self._turn = draft.entry_id
            self._story.ids.claim(entry.id)
        self._story.settle()

    def __bool__(self) -> bool:
        return bool(self._story)

    # -- turns ----------------------------------------------------------------------------------------------

    def prompt(self, blocks: list[dict[str, Any]], time: datetime) -> None:
        """Begin a turn with what a person said."""
        self._hear_out()
        self.now = time
        self._open_turns += 1
        self._begin_turn(blocks, time)

    def _begin_turn(self, blocks: list[dict[str, Any]], time: datetime) -> None:
        self._make_room()
        text = "".join(map(text_of, blocks))
        attached = [told for block in blocks if (told := described(block))]
        details: dict[str, Any] = {"attachments": attached} if attached else {}
        prompt = Said(self._story.ids.derive("prompt", text), MessageRole.USER, text, time, details)
        self._story.add(prompt)
        self._turn, self._answers_in_turn, self._answer = prompt.entry_id, 0, None
        self._prompt_text, self._echoed = text, ""
        self._counts_tokens = self._counted = False

    def end_turn(self, result: Mapping[str, Any], time: datetime) -> None:
        """End a turn with the agent's answer to the prompt's request."""
        self._hear_out()
        self.now = time
        reason = text_at(result, "stopReason")
        if usage := mapping_at(result, "usage"):
            self.usage = {**self.usage, **usage}
        if reason == "cancelled":
            for call in self._story.calls(OPEN):
                call.refuse("cancelled", time)
        last = self._story.last_said()
        if reason and reason != "end_turn" and last is not None:
            last.details["stop_reason"], last.kept = reason, None
        self._close_turn()

    def fail_turn(self, error: Mapping[str, Any], time: datetime) -> None:
        """End a turn that the agent answers with an error."""
        self._hear_out()
        self.now = time
        text = text_at(error, "message") or "the agent answered with an error"
        if told := text_at(mapping_at(error, "data"), "details", "message"):
            text = f"{text}: {told}"
        self.notice(text, {"kind": "error", "code": error.get("code")}, time)
        self._close_turn()

    def break_off(self) -> None:
        """The connection is over: a turn that is still open has no end, and what was being loaded is all there is."""
        self.end_load()
        self._hear_out()
        if self._open_turns:
            last = self._story.last_said()
            if last is not None:
                last.details["interrupted"], last.kept = True, None
            self._open_turns = 1
            self._close_turn()

    def _close_turn(self) -> None:
        self.turns_over += 1
        self._open_turns = max(0, self._open_turns - 1)
        self._answer = None
        if not self._open_turns:
            self._story.settle()

    def notice(self, text: str, details: dict[str, Any], time: datetime) -> None:
        """Add a remark that neither the person nor the model made."""
        plain = {name: value for name, value in details.items() if isinstance(value, str | int)}
        self._story.add(Said(self._story.ids.derive("notice", text), MessageRole.SYSTEM, text, time, plain))
        self._answer = None

    # -- updates --------------------------------------------------------------------------------------------

    def update(self, update: Mapping[str, Any], time: datetime) -> str:
        """Take a `session/update`; says why it is left out, or nothing."""
        if self._replay is not None:
            self._replay.update(update, time)
            return REPEATED
        self.now = time
        kind = text_at(update, "sessionUpdate")
        if kind == "user_message_chunk":
            return self._hear(mapping_at(update, "content"))
        self._hear_out()
        if kind in _CHUNKS:
            return self._take_chunk(_CHUNKS[kind], update, time)
        if kind in ("tool_call", "tool_call_update"):
            self.take_call(update, time, again=kind == "tool_call")
            return ""
        return self._take_setting(kind, update)

    def take_call(self, told: Mapping[str, Any], time: datetime, *, asking: bool = False, again: bool = False) -> None:
        """Take what is told of a call, in an update or in a question for permission.

        Args:
            told: the update, or the `toolCall` of the question.
            time: when.
            asking: whether it is the question.
            again: whether an id of an earlier turn means another call; some servers count anew.
        """
        call = self.call(text_at(told, "toolCallId"), time)
        if again and call.ended is not None and call.turn != self._turn:
            call = self._new_call(text_at(told, "toolCallId"), time)
        ended = call.take(told, time, asking=asking)
        for item in call.content:
            if text_at(item, "type") == "terminal":
                self._terminals[text_at(item, "terminalId")] = call.number
            elif text_at(item, "type") == "diff" and text_at(item, "oldText"):
                self.present.add(text_at(item, "path"))
        if ended:
            self._touch_all(call)

    def _touch_all(self, call: Call) -> None:
        for touch, path in call.touches():
            self.touch(touch, path)

    def _take_setting(self, kind: str, update: Mapping[str, Any]) -> str:
        if kind in ("plan", "plan_update"):
            self.plan = objects_at(update, "entries") or self.plan
            return "plans"
        if kind == "session_info_update":
            self.title = text_at(update, "title") or self.title
            return "settings"
        if kind == "usage_update":
            told = {name: update[name] for name in ("used", "size", "cost") if name in update}
            self.usage = {**self.usage, **told}
            self._counts_tokens = self._counted = True
        elif kind == "current_mode_update":
            self.mode = text_at(update, "currentModeId", "modeId") or self.mode
        return _SETTINGS.get(kind, f"updates of kind {kind[:40]}" if kind.isidentifier() else "unknown updates")

    def _hear(self, block: dict[str, Any]) -> str:
        """Take a piece of a person's words as the agent repeats them."""
        if self._open_turns and self._prompt_text.startswith(self._echoed + text_of(block)):
            self._echoed += text_of(block)
            return REPEATED
        self._heard.append(block)
        return ""

    def _hear_out(self) -> None:
        if self._heard:
            heard, self._heard = self._heard, []
            self._begin_turn(heard, self.now)

    def _take_chunk(self, chunk: Chunk, update: Mapping[str, Any], time: datetime) -> str:
        block = mapping_at(update, "content")
        text, told = text_of(block), described(block)
        if not text and not told:
            return "empty chunks"
        native_id = text_at(update, "messageId")
        answer = self._answer_for(chunk, native_id, time)
        if chunk == "text":
            answer.texts.append(text)
            if told:
                answer.details.setdefault("attachments", []).append(told)
        elif answer.thinking and self._last_chunk == f"thought {native_id}":
            answer.thinking[-1] += text
        else:
            answer.thinking.append(text)
        self._last_chunk = f"{chunk} {native_id}"
        return ""

    def _answer_for(self, chunk: Chunk, native_id: str, time: datetime) -> Answer:
        """Give the answer a chunk belongs to: the one at hand, unless an id or a call's end says it is the next."""
        answer = self._answer_at_hand()
        if answer is None:
            return self._new_answer(native_id, time)
        if not native_id or native_id not in answer.native_ids:
            another = bool(native_id and answer.texts and answer.native_ids and chunk == "text")
            if another or self._is_over(answer):
                return self._new_answer(native_id, time)
            if native_id:
                answer.native_ids.append(native_id)
        self._counted = False
        return answer

    def _is_over(self, answer: Answer) -> bool:
        """Whether what comes now is the next answer: a call of this one has ended, and tokens were counted since."""
        answered = any(self._drafts.sort_of(number) == OVER for number in answer.calls)
        return answered and (self._counted or not self._counts_tokens)

    def _answer_at_hand(self) -> Answer | None:
        found = None if self._answer is None else self._drafts[self._answer]
        return found if isinstance(found, Answer) else None

    def _new_answer(self, native_id: str, time: datetime) -> Answer:
        self._answer = None
        self._make_room()
        self._answers_in_turn += 1
        wanted = native_id or f"{self._turn}-answer-{self._answers_in_turn}"
        answer = Answer(self._story.ids.claim(wanted), self._turn, time, [native_id] if native_id else [])
        if self.model:
            answer.details["model"] = self.model
        self._story.add(answer)
        self._answer = answer.number
        self._last_chunk = ""
        self._counted = False
        return answer

    def call(self, call_id: str, time: datetime) -> Call:
        """Give the call of an id; a new one belongs to the answer at hand."""
        number = self._calls.get(call_id)
        known = None if number is None else self._call_at(number)
        return known or self._new_call(call_id, time)

    def _new_call(self, call_id: str, time: datetime) -> Call:
        self._hear_out()
        self._make_room()
        call = Call(call_id or f"call-{len(self._calls) + (call_id not in self._calls)}", time, self._turn)
        answer = self._answer_at_hand()
        if answer is None or (self._is_over(answer) and not call.batch_number):
            answer = self._new_answer("", time)
        self._counted = False
        call.entry_id = self._story.ids.claim(call.id)
        self._story.add(call)
        answer.calls.append(call.number)
        self._calls[call_id] = call.number
        self._last_chunk = ""
        return call

    # -- loading --------------------------------------------------------------------------------------------

    def begin_load(self, time: datetime) -> None:
        """The agent is about to repeat the conversation; of one that is known, nothing is taken twice."""
        self._loading = True
        if self:
            self._replay = Conversation(self.id, time, self._drafts)
            self._replay.begin_load(time)

    def end_load(self) -> None:
        """The agent has repeated everything; what was not known is added where it belongs."""
        if not self._loading:
            return
        self._hear_out()
        self._loading = False
        if self._replay is None:
            self._story.mark_replayed()
        else:
            replay, self._replay = self._replay, None
            self._absorb(replay)
        self._answer = None
        self.turns_over += 1
        self._story.settle()

    def _absorb(self, replay: Conversation) -> None:
        replay._hear_out()
        replay._story.mark_replayed()
        self.present |= replay.present
        for draft in self._story.absorb(replay._story, self._calls):
            if isinstance(draft, Call):
                self._calls[draft.id] = draft.number
                self._touch_all(draft)
        # Only now: a call that is folded has no diffs any more.
        replay._story.settle()

    def branch(self, session_id: str, time: datetime) -> Conversation:
        """Give the conversation of a fork: everything so far, under another id."""
        fork = Conversation(session_id, time, self._drafts)
        fork.cwd, fork.parent_id, fork.model, fork.mode = self.cwd, self.id, self.model, self.mode
        fork._story = self._story.branch()
        fork._calls = self._calls.copy()
        fork.touches = list(self.touches)
        return fork
