"""Puts the records of a Codex rollout together: messages said twice become one, calls find their results.

Nothing is final before the last record: an event may confirm a prompt, a result may come late, a rollback may
take turns back. So the timeline is a list of drafts that grow, and `importer` makes entries of what is left.
"""

from __future__ import annotations

import contextlib
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from superqode.session.codec.jsontext import dump_text
from superqode.session.importers.arguments import arguments_of
from superqode.session.importers.base import Receipt
from superqode.session.importers.codex.asking import (
    CALL_KINDS,
    KINDS_WITHOUT_OUTPUT,
    as_asked,
    asked,
    done,
)
from superqode.session.importers.codex.calls import Call
from superqode.session.importers.codex.kinds import (
    ANSWER_EVENTS,
    CODE_MODE_ITEMS,
    INSTRUCTIONS,
    LEGACY_ITEMS,
    NOT_TYPED,
    OUTPUTS,
    PROMPT_EVENTS,
    REPEATED,
    REPEATS,
    STARTED_ITEMS,
    TOOL_ITEMS,
    reason_for,
)
from superqode.session.importers.codex.pairing import Pairing
from superqode.session.importers.codex.responses import Draft, Kinds, Responses
from superqode.session.importers.codex.speech import Said, is_injected, read_content
from superqode.session.importers.fields import list_at, mapping_at, parse_time, text_at

__all__ = ["Transcript"]

_MOST_REASONS: Final = 100
_MOST_MODELS: Final = 20


@dataclass
class Transcript:
    """The drafts of a rollout, and what else its records told.

    Attributes:
        drafts: messages and calls in order.
        calls: every call in order, also those of turns taken back: what they changed stays changed.
        models: the models that were used, in order of appearance.
        model: the one at this point.
        left_out: how many parts of records were left out, by reason.
        now: the time of the last record that had one.
        kinds: the classes of the drafts.
        cwd: the folder Codex works in at this point.
        folder: the first such folder.
        inherited: whether the records at hand are the parent's.
    """

    now: datetime
    receipt: Receipt
    kinds: Kinds = field(default_factory=Kinds)
    cwd: str = ""
    folder: str = ""
    drafts: list[Draft] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    model: str = ""
    left_out: dict[str, int] = field(default_factory=dict)
    inherited: bool = False
    _by_id: dict[str, Call] = field(default_factory=dict)
    _script: str = ""
    # Where turns may begin: the place among the drafts, and what may be a prompt.
    _turns: list[tuple[int, Said]] = field(default_factory=list)
    _pairing: Pairing = field(default_factory=Pairing)

    def __post_init__(self) -> None:
        self._responses = Responses(self.drafts)

    @property
    def usage(self) -> dict[str, Any]:
        """The last token count."""
        return self._responses.usage

    # -- records --------------------------------------------------------------------------------------------

    def begin(self, time: str, cwd: str) -> None:
        """Start the rollout itself, after what it goes on from."""
        with contextlib.suppress(ValueError):
            self.now = parse_time(time)
        self._move_to(cwd)
        self._responses.end()

    def _move_to(self, cwd: str) -> None:
        self.cwd = cwd or self.cwd
        self.folder = self.folder or cwd

    def take(self, record: Mapping[str, Any]) -> None:
        """Take one record of any version."""
        # Bare records have no time of their own.
        with contextlib.suppress(ValueError):
            self.now = parse_time(record.get("timestamp"))
        kind = text_at(record, "type")
        payload = record.get("payload")
        if not isinstance(payload, dict):
            self._take_item(record, kind)
        elif kind == "response_item":
            self._take_item(payload, text_at(payload, "type"))
        elif kind == "event_msg":
            self._take_event(payload, text_at(payload, "type"))
        else:
            self._take_marker(payload, kind)

    def _take_marker(self, payload: Mapping[str, Any], kind: str) -> None:
        if kind == "turn_context":
            self._take_settings(payload)
            self._drop("settings of turns")
        elif kind == "compacted":
            self._responses.end()
            replaced = len(list_at(payload, "replacement_history"))
            self._say("system", text_at(payload, "message"), {"kind": "compacted", "replaced_items": replaced})
        elif kind == "inter_agent_communication":
            self._take_agent_message(payload)
        elif kind == "token_usage_record":
            self._responses.delimit()
            self._drop("token counts")
        else:
            self._drop(reason_for(kind, "records"))

    def _take_settings(self, payload: Mapping[str, Any]) -> None:
        self._move_to(text_at(payload, "cwd"))
        model = text_at(payload, "model")
        self.model = model or self.model
        if model and model not in self.models and len(self.models) < _MOST_MODELS:
            self.models.append(model)

    def _take_item(self, item: Mapping[str, Any], kind: str) -> None:
        """Take a record of the conversation as the model sees it."""
        if kind == "message":
            self._take_message(item)
        elif kind == "reasoning":
            self._take_reasoning(item)
        elif kind in CALL_KINDS:
            self._take_call(item, kind)
        elif kind in OUTPUTS:
            self._take_output(item)
        elif kind == "agent_message":
            self._take_agent_message(item)
        elif "record_type" in item:
            self._responses.delimit()
            self._drop("state records")
        else:
            self._drop(reason_for(kind, "items"))

    def _take_event(self, event: Mapping[str, Any], kind: str) -> None:
        """Take what Codex told its user interface."""
        item = event
        if kind == "item_completed":
            item = mapping_at(event, "item")
            kind = text_at(item, "type")
        if kind in PROMPT_EVENTS or kind in ANSWER_EVENTS:
            self._take_spoken(item, kind)
        elif kind in TOOL_ITEMS or kind in LEGACY_ITEMS:
            self._take_tool_item(item, LEGACY_ITEMS.get(kind, kind))
        elif kind in STARTED_ITEMS:
            self._take_started(item)
        elif kind == "token_count":
            self._responses.take_usage(mapping_at(mapping_at(event, "info"), "total_token_usage"))
            self._drop("token counts")
        elif kind == "thread_rolled_back":
            self._roll_back(event.get("num_turns"))
        elif kind == "thread_settings_applied":
            self._take_settings(mapping_at(event, "thread_settings"))
            self._drop("settings of turns")
        elif kind in REPEATS:
            self._drop(REPEATED)
        else:
            self._drop(reason_for(kind, "events"))

    # -- what was said --------------------------------------------------------------------------------------

    def _take_message(self, item: Mapping[str, Any]) -> None:
        role = text_at(item, "role")
        speech = read_content(item)
        if role in INSTRUCTIONS:
            self._drop("instructions to the model")
        elif role == "assistant":
            if speech.text.startswith('{"author"'):
                self._take_agent_message(arguments_of(speech.text))
                return
            answer = self._responses.speaking(self._answer())
            answer.native_id, answer.time, answer.text = text_at(item, "id"), self.now, speech.text
            if phase := text_at(item, "phase"):
                answer.metadata = {**answer.metadata, "phase": phase}
            self._count(answer)
            if not self._claim(answer):
                self._pairing.await_event(answer)
        else:
            self._responses.end()
            said = self._say("user", speech.text, {"images": speech.images} if speech.images else {})
            said.native_id, said.typed, said.injected = text_at(item, "id"), speech.typed, speech.injected
            if not said.injected:
                self._turns.append((len(self.drafts) - 1, said))
            if self._claim(said):
                said.typed = not said.injected
            elif not said.injected:
                self._pairing.await_event(said)

    def _claim(self, said: Said) -> bool:
        """Take over from the event that told of this message, where one did."""
        told = self._pairing.claim(said)
        if told is not None:
            self.retire([told], REPEATED)
        return told is not None

    def _take_spoken(self, item: Mapping[str, Any], kind: str) -> None:
        """An event that repeats a message: it confirms a prompt, or waits for the record it belongs to."""
        text = text_at(item, "message") or read_content(item).text
        if kind in PROMPT_EVENTS:
            injected = is_injected(text) or text_at(item, "kind") in NOT_TYPED
            repeated = injected or self._pairing.confirm(text, reversed(self.drafts))
        else:
            repeated = self._pairing.repeats("assistant", text)
        if repeated:
            self._drop(REPEATED)
            return
        role = "user" if kind in PROMPT_EVENTS else "assistant"
        said = self.kinds.said(role, text, self.now, text_at(item, "id"), typed=True, inherited=self.inherited)
        self._count(said)
        self._pairing.hear(said, len(self.drafts))

    def _take_agent_message(self, item: Mapping[str, Any]) -> None:
        """A message between agents: nobody typed it, and it is no answer."""
        self._responses.end()
        text = text_at(item, "content") or read_content(item).text
        about = {name: text_at(item, name) for name in ("author", "recipient") if text_at(item, name)}
        self._say("system", text, {"kind": "agent_message", **about}).native_id = text_at(item, "id")
        self._note_cut(item)

    def _take_reasoning(self, item: Mapping[str, Any]) -> None:
        thoughts = [
            text for part in list_at(item, "summary") if isinstance(part, dict) and (text := text_at(part, "text"))
        ]
        self._note_cut(item)
        if not thoughts:
            self._drop("reasoning without a summary")
            return
        answer = self._responses.at_hand(self._answer())
        answer.thinking.extend(map(self.kinds.think, thoughts))
        self._count(answer)

    def _note_cut(self, item: Mapping[str, Any]) -> None:
        if item.get("encrypted_content") and not self.inherited:
            self.left_out["encrypted_content"] = self.left_out.get("encrypted_content", 0) + 1

    # -- calls ----------------------------------------------------------------------------------------------

    def _take_call(self, item: Mapping[str, Any], kind: str) -> None:
        call_id = text_at(item, "call_id", "id") or f"{kind}-{len(self.calls)}"
        known = self._by_id.get(call_id)
        if known is not None and known.asked:
            if known.ended is None:
                self._drop(REPEATED)
                return
            known = None  # some model servers give the same ids again
        call = self.kinds.call(call_id, *asked(item, kind), self.now)
        folder = text_at(call.arguments, "workdir", "working_directory")
        call.cwd = posixpath.join(self.cwd, folder) if folder else self.cwd
        if namespace := text_at(item, "namespace"):
            call.metadata = {**call.metadata, "namespace": namespace}
        answer = self._responses.at_hand(self._answer())
        answer.calls.append(self.kinds.ask({"type": kind, "call_id": call_id, "name": call.name, **as_asked(item)}))
        if known is not None:
            self._replace(known, call)
        self._add_call(call)
        if kind == "custom_tool_call" and call.name == "exec":
            self._script = call_id
        if kind in KINDS_WITHOUT_OUTPUT:
            call.take_item(item, self.now)
            call.result = ""

    def _replace(self, early: Call, call: Call) -> None:
        """What an event told of a call before its record came is the call's now."""
        early.gone = "told again"
        call.ended, call.result, call.exit_code = early.ended, early.result, early.exit_code
        call.worked, call.seconds, call.changes = early.worked, early.seconds, early.changes
        call.records = early.records

    def _add_call(self, call: Call) -> None:
        call.inherited = self.inherited
        self._by_id[call.id] = call
        self.drafts.append(call)
        self.calls.append(call)
        self._count(call)

    def _take_output(self, item: Mapping[str, Any]) -> None:
        call = self._by_id.get(text_at(item, "call_id"))
        if call is None:
            self._drop("results without a call")
            return
        output = item.get("output")
        call.take_output(dump_text(item["tools"]) if "tools" in item else output, self.now)
        self._count(call)
        self._responses.take_result()

    def _take_tool_item(self, item: Mapping[str, Any], kind: str) -> None:
        """What a call really did; in code mode the only record of it."""
        item_id = text_at(item, "call_id", "id")
        call = self._by_id.get(item_id)
        if not item_id or (call is None and kind in CODE_MODE_ITEMS and not self._script):
            self._drop(REPEATED)
            return
        if call is None:
            script = "" if text_at(item, "source").startswith("user") else self._script
            call = self.kinds.call(item_id, *done(item, kind), self.now, cwd=self.cwd, within=script, asked=False)
            self._add_call(call)
        else:
            self._count(call)
        call.take_item(item, self.now)
        if kind == "CollabAgentToolCall" and text_at(item, "tool").startswith("spawn"):
            started = [name for name in list_at(item, "receiver_thread_ids") if isinstance(name, str)]
            call.subagent = started[0] if started else ""

    def _take_started(self, item: Mapping[str, Any]) -> None:
        """A sub-agent was started; by the call of that id, where one is told."""
        call = self._by_id.get(text_at(item, "id", "event_id", "call_id"))
        if call is None or text_at(item, "kind") != "started":
            self._drop("activity of sub-agents")
            return
        call.subagent = call.subagent or text_at(item, "agent_thread_id")
        self._count(call)

    # -- turns ----------------------------------------------------------------------------------------------

    def _roll_back(self, turns: object) -> None:
        """Take back the last turns; each begins with a prompt."""
        self._drop("turns taken back")
        self._responses.end()
        left = turns if isinstance(turns, int) else 0
        place = len(self.drafts)
        while left > 0 and self._turns:
            start, prompt = self._turns.pop()
            if self.is_prompt(prompt):
                place, left = start, left - 1
        self.retire([*self.drafts[place:], *self._pairing.withdraw(place)], "turns taken back")
        del self.drafts[place:]

    def retire(self, drafts: Iterable[Draft], reason: str) -> None:
        """Count the records behind drafts that are not part of the session after all."""
        for draft in drafts:
            if draft.records:
                self.receipt.drop(reason, draft.records)
            draft.gone, draft.records = reason, 0

    def is_prompt(self, said: Said) -> bool:
        """Whether a person typed this, as far as is known now."""
        return self._pairing.is_prompt(said)

    def finish(self) -> None:
        """Put messages that only an event told of where they were heard; nothing more is taken then."""
        self._by_id.clear()
        whole: list[Draft] = []
        taken = 0
        for place, said in self._pairing.leftovers():
            whole += [*self.drafts[taken:place], said]
            taken = place
        self.drafts[:taken] = whole

    def _answer(self) -> Said:
        """The beginning of an answer, if one begins here."""
        about = {"model": self.model} if self.model else {}
        return self.kinds.said("assistant", "", self.now, inherited=self.inherited, metadata=about)

    def _say(self, role: str, text: str, metadata: dict[str, Any]) -> Said:
        said = self.kinds.said(role, text, self.now, inherited=self.inherited, metadata=metadata)
        self.drafts.append(said)
        self._count(said)
        return said

    # -- counting -------------------------------------------------------------------------------------------

    def _count(self, draft: Draft) -> None:
        if draft.gone:
            self._drop(draft.gone)
        elif not self.inherited:
            draft.records += 1

    def _drop(self, reason: str) -> None:
        if not self.inherited:
            known = reason in self.receipt.dropped or len(self.receipt.dropped) < _MOST_REASONS
            self.receipt.drop(reason if known else "unknown records")
