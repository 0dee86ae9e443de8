"""One session of the protocol as it goes on: chunks become answers, updates become calls, turns begin and end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Literal

from superqode.session.importers.acp.calls import Call
from superqode.session.importers.acp.content import described, text_of
from superqode.session.importers.acp.drafts import Answer, Draft, Said, draft_of, entry_of, is_empty, keep, says_more
from superqode.session.importers.fields import mapping_at, objects_at, text_at
from superqode.session.importers.origin import EntryIds
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
        terminals: the call that shows each of the client's terminals.
        turns_over: how many turns and loads have come to their end.
    """

    def __init__(self, session_id: str, time: datetime) -> None:
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
        self.terminals: dict[str, Call] = {}
        self.turns_over = 0
        self._drafts: list[Draft] = []
        self._calls: dict[str, Call] = {}
        self._ids = EntryIds()
        self._answer: Answer | None = None
        self._last_chunk = ""
        self._turn = "start"
        self._answers_in_turn = 0
        self._open_turns = 0
        self._settled = 0
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
        made = [keep(draft, agent) for draft in self._drafts[: self._settled] if not is_empty(draft)]
        if not settled:
            made += [entry_of(draft, agent) for draft in self._drafts[self._settled :] if not is_empty(draft)]
        return made

    def remember(self, entries: Iterable[Entry]) -> None:
        """Begin with what is known of it already; what the agent repeats of that is not taken twice."""
        for entry in entries:
            draft = draft_of(entry, self._turn)
            if isinstance(draft, Call):
                self._calls[draft.id] = draft
            elif isinstance(draft, Said) and draft.role is MessageRole.USER:
                self._turn = draft.entry_id
            self._ids.claim(entry.id)
            self._drafts.append(draft)
        self._settled = len(self._drafts)

    def __bool__(self) -> bool:
        return any(not is_empty(draft) for draft in self._drafts)

    # -- turns ----------------------------------------------------------------------------------------------

    def prompt(self, blocks: list[dict[str, Any]], time: datetime) -> None:
        """Begin a turn with what a person said."""
        self._hear_out()
        self.now = time
        self._open_turns += 1
        self._begin_turn(blocks, time)

    def _begin_turn(self, blocks: list[dict[str, Any]], time: datetime) -> None:
        text = "".join(map(text_of, blocks))
        attached = [told for block in blocks if (told := described(block))]
        details: dict[str, Any] = {"attachments": attached} if attached else {}
        prompt = Said(self._ids.derive("prompt", text), MessageRole.USER, text, time, details)
        self._drafts.append(prompt)
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
        for call in self._calls.values() if reason == "cancelled" else ():
            if call.ended is None:
                call.refuse("cancelled", time)
        last = next((draft for draft in reversed(self._drafts) if not isinstance(draft, Call)), None)
        if reason and reason != "end_turn" and isinstance(last, Answer | Said):
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
            last = next((draft for draft in reversed(self._drafts) if not isinstance(draft, Call)), None)
            if last is not None:
                last.details["interrupted"], last.kept = True, None
            self._open_turns = 1
            self._close_turn()

    def _close_turn(self) -> None:
        self.turns_over += 1
        self._open_turns = max(0, self._open_turns - 1)
        self._answer = None
        if not self._open_turns:
            self._settle()

    def _settle(self) -> None:
        """What is there will not change any more, and is kept as short as it is."""
        for draft in self._drafts[self._settled :]:
            if isinstance(draft, Call):
                draft.fold()
            elif isinstance(draft, Answer):
                draft.texts = [draft.text] if draft.texts else []
        self._settled = len(self._drafts)

    def notice(self, text: str, details: dict[str, Any], time: datetime) -> None:
        """Add a remark that neither the person nor the model made."""
        plain = {name: value for name, value in details.items() if isinstance(value, str | int)}
        self._drafts.append(Said(self._ids.derive("notice", text), MessageRole.SYSTEM, text, time, plain))
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
            del self._calls[text_at(told, "toolCallId")]
            call = self.call(text_at(told, "toolCallId"), time)
        ended = call.take(told, time, asking=asking)
        for item in call.content:
            if text_at(item, "type") == "terminal":
                self.terminals[text_at(item, "terminalId")] = call
            elif text_at(item, "type") == "diff" and text_at(item, "oldText"):
                self.present.add(text_at(item, "path"))
        if ended:
            self.touches.extend(call.touches())

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
        answer = self._answer
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
        return answer.answered and (self._counted or not self._counts_tokens)

    def _new_answer(self, native_id: str, time: datetime) -> Answer:
        self._answers_in_turn += 1
        wanted = native_id or f"{self._turn}-answer-{self._answers_in_turn}"
        answer = Answer(self._ids.claim(wanted), self._turn, time, [native_id] if native_id else [])
        if self.model:
            answer.details["model"] = self.model
        self._drafts.append(answer)
        self._answer = answer
        self._last_chunk = ""
        self._counted = False
        return answer

    def call(self, call_id: str, time: datetime) -> Call:
        """Give the call of an id; a new one belongs to the answer at hand."""
        known = self._calls.get(call_id)
        if known is not None:
            return known
        self._hear_out()
        call = Call(call_id or f"call-{len(self._calls) + 1}", time, self._turn)
        answer = self._answer
        if answer is None or (self._is_over(answer) and not call.batch_number):
            answer = self._new_answer("", time)
        self._counted = False
        call.entry_id = self._ids.claim(call.id)
        answer.calls.append(call)
        self._drafts.append(call)
        self._calls[call_id] = call
        self._last_chunk = ""
        return call

    # -- loading --------------------------------------------------------------------------------------------

    def begin_load(self, time: datetime) -> None:
        """The agent is about to repeat the conversation; of one that is known, nothing is taken twice."""
        self._loading = True
        if self:
            self._replay = Conversation(self.id, time)
            self._replay.begin_load(time)

    def end_load(self) -> None:
        """The agent has repeated everything; what was not known is added where it belongs."""
        if not self._loading:
            return
        self._hear_out()
        self._loading = False
        if self._replay is None:
            for call in self._calls.values():
                call.replayed = True
        else:
            replay, self._replay = self._replay, None
            replay.end_load()
            self._absorb(replay)
        self._answer = None
        self.turns_over += 1
        self._settle()

    def _absorb(self, replay: Conversation) -> None:
        """Add what only the replay tells of, each draft behind the one it follows there."""
        places = {draft.entry_id: place for place, draft in enumerate(self._drafts)}
        answers = [draft for draft in self._drafts if isinstance(draft, Answer)]
        said = {(answer.turn, answer.text or "".join(answer.thinking)) for answer in answers}
        merged: list[Draft] = []
        taken = 0
        for draft in replay._drafts:
            place = places.get(draft.entry_id, -1)
            if place >= 0:
                if says_more(draft, self._drafts[place]):
                    self._drafts[place] = draft
                    self._take_over(draft)
                merged += self._drafts[taken : place + 1]
                taken = max(taken, place + 1)
            elif not is_empty(draft) and not (isinstance(draft, Answer) and self._knows(draft, said)):
                self._ids.claim(draft.entry_id)
                merged.append(draft)
                self._take_over(draft)
        self._drafts = merged + self._drafts[taken:]

    def _take_over(self, draft: Draft) -> None:
        if isinstance(draft, Call):
            self._calls[draft.id] = draft
            self.touches.extend(draft.touches())

    def _knows(self, answer: Answer, said: set[tuple[str, str]]) -> bool:
        """Whether a repeated answer is known under another id, or is nothing but calls that are known."""
        words = answer.text or "".join(answer.thinking)
        return (answer.turn, words) in said if words else all(call.id in self._calls for call in answer.calls)

    def branch(self, session_id: str, time: datetime) -> Conversation:
        """Give the conversation of a fork: everything so far, under another id."""
        fork = Conversation(session_id, time)
        fork.cwd, fork.parent_id, fork.model, fork.mode = self.cwd, self.id, self.model, self.mode
        fork._drafts = list(self._drafts)
        fork._calls = dict(self._calls)
        fork.touches = list(self.touches)
        for draft in fork._drafts:
            fork._ids.claim(draft.entry_id)
        fork._settled = len(fork._drafts)
        return fork
