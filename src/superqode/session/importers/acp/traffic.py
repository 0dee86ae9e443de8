"""JSON-RPC messages of both directions, one at a time, and the sessions they are about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from superqode.session.importers.acp.conversation import Conversation
from superqode.session.importers.acp.drafts import Drafts, sort_of
from superqode.session.importers.fields import mapping_at, objects_at, text_at
from superqode.session.importers.shelf import make_shelf
from superqode.session.models import Entry

__all__ = ["Recall", "Traffic"]

Recall = Callable[[str], Iterable[Entry]]

_NO_SESSION: Final = "messages about no session"
# How many requests may wait for their answers; an agent has a handful.
_MOST_WAITING: Final = 10_000
# How many sessions of one connection are followed; a client has a handful.
_MOST_SESSIONS: Final = 10_000


class Traffic:
    """Follows one connection between a client and an agent.

    Feed it every message in order with `take`; look at `conversations` whenever you like. After a turn has ended,
    `conversation.entries(traffic.agent_name, settled=True)` gives what will not change any more.

    Args:
        recall: gives the entries that are known already of a session, by the agent's id of it.
        big: whether it is a huge recording: then what was said stands on disk.

    Attributes:
        big: the same.
        agent: what the agent says of itself (`name`, `title`, `version`).
        client: what the client says of itself.
        protocol: the protocol's version; 0 while it is not told.
        conversations: the sessions so far, by the agent's ids.
    """

    def __init__(self, recall: Recall | None = None, *, big: bool = False) -> None:
        self._recall = recall
        self.big = big
        self._drafts: Drafts = make_shelf(sort_of, big=big)
        self.agent: dict[str, str] = {}
        self.client: dict[str, str] = {}
        self.protocol = 0
        self.conversations: dict[str, Conversation] = {}
        # Requests without an answer yet, by who asked (whether the agent did) and the request's id.
        self._waiting: dict[tuple[bool, str], tuple[str, dict[str, Any]]] = {}

    @property
    def agent_name(self) -> str:
        """The agent's name for entries."""
        return self.agent.get("name") or self.agent.get("title") or "acp-agent"

    def take(self, message: Mapping[str, Any], *, from_agent: bool, time: datetime) -> str:
        """Take one message; says why it is not part of a session, or nothing where it is.

        Args:
            message: the JSON-RPC message.
            from_agent: whether the agent sent it (else the client did).
            time: when, aware UTC.
        """
        method = text_at(message, "method")
        if method:
            params = mapping_at(message, "params")
            if message.get("id") is not None and len(self._waiting) < _MOST_WAITING:
                self._waiting[from_agent, str(message["id"])] = (method, params)
            return self._take_from_agent(method, params, time) if from_agent else self._ask(method, params, time)
        if "result" not in message and "error" not in message:
            return "no JSON-RPC messages"
        asked, params = self._waiting.pop((not from_agent, str(message.get("id"))), ("", {}))
        if not asked:
            return "answers to nothing"
        error = message.get("error")
        result = mapping_at(message, "result")
        if from_agent:
            return self._answered_by_agent(asked, params, result, error, time)
        return self._answered_by_client(asked, params, result, error, time)

    def new_connection(self) -> None:
        """What comes now is from another run of the agent, which counts its requests anew."""
        self._waiting.clear()

    def finish(self) -> None:
        """The connection is over: what was being loaded is all there is of it, and open turns have no end."""
        for conversation in self.conversations.values():
            conversation.break_off()

    def _conversation(self, session_id: str, time: datetime) -> Conversation | None:
        if not session_id:
            return None
        if session_id not in self.conversations:
            if len(self.conversations) >= _MOST_SESSIONS:
                return None
            conversation = self.conversations[session_id] = Conversation(session_id, time, self._drafts)
            if self._recall is not None:
                conversation.remember(self._recall(session_id))
        return self.conversations[session_id]

    # -- what the client asks -------------------------------------------------------------------------------

    def _ask(self, method: str, params: dict[str, Any], time: datetime) -> str:
        if method == "initialize":
            self.client = _plain(mapping_at(params, "clientInfo"))
            return "set-up of the connection"
        session_id = text_at(params, "sessionId")
        if method == "session/prompt":
            conversation = self._conversation(session_id, time)
            if conversation is None:
                return _NO_SESSION
            conversation.prompt(objects_at(params, "prompt"), time)
            return ""
        if method in ("session/load", "session/resume"):
            conversation = self._conversation(session_id, time)
            if conversation is not None:
                conversation.cwd = text_at(params, "cwd") or conversation.cwd
                if method == "session/load":
                    conversation.begin_load(time)
            return "set-up of sessions"
        if method == "session/cancel":
            return "cancellations"
        if method == "session/set_model" and (conversation := self.conversations.get(session_id)):
            conversation.model = text_at(params, "modelId") or conversation.model
        elif method == "session/set_mode" and (conversation := self.conversations.get(session_id)):
            conversation.mode = text_at(params, "modeId") or conversation.mode
        return "set-up of sessions" if method.startswith("session/") else "other requests"

    def _answered_by_agent(
        self, asked: str, params: dict[str, Any], result: dict[str, Any], error: object, time: datetime
    ) -> str:
        session_id = text_at(params, "sessionId")
        if asked == "initialize":
            self.agent = _plain(mapping_at(result, "agentInfo"))
            version = result.get("protocolVersion")
            self.protocol = version if isinstance(version, int) else self.protocol
            return "set-up of the connection"
        if asked == "session/prompt":
            conversation = self._conversation(session_id, time)
            if conversation is None:
                return _NO_SESSION
            if error is not None:
                conversation.fail_turn(error if isinstance(error, dict) else {}, time)
            else:
                conversation.end_turn(result, time)
            return ""
        if asked == "session/load" and (loaded := self.conversations.get(session_id)):
            loaded.end_load()
            self._take_state(loaded, result)
        elif asked in ("session/new", "session/fork") and text_at(result, "sessionId"):
            self._begin(asked, params, result, time)
        elif known := self.conversations.get(session_id):
            self._take_state(known, result)
        return "set-up of sessions"

    def _begin(self, asked: str, params: dict[str, Any], result: dict[str, Any], time: datetime) -> None:
        new_id = text_at(result, "sessionId")
        origin = self.conversations.get(text_at(params, "sessionId")) if asked == "session/fork" else None
        if origin is not None and new_id not in self.conversations:
            self.conversations[new_id] = origin.branch(new_id, time)
        conversation = self._conversation(new_id, time)
        if conversation is not None:
            conversation.cwd = text_at(params, "cwd") or conversation.cwd
            if asked == "session/fork":
                conversation.parent_id = text_at(params, "sessionId")
            self._take_state(conversation, result)

    @staticmethod
    def _take_state(conversation: Conversation, result: Mapping[str, Any]) -> None:
        """Take the model and the mode that the agent says a session has."""
        model = text_at(mapping_at(result, "models"), "currentModelId")
        mode = text_at(mapping_at(result, "modes"), "currentModeId")
        options = {text_at(option, "category"): option for option in objects_at(result, "configOptions")}
        conversation.model = model or text_at(options.get("model", {}), "currentValue") or conversation.model
        conversation.mode = mode or text_at(options.get("mode", {}), "currentValue") or conversation.mode

    # -- what the agent asks and tells ----------------------------------------------------------------------

    def _take_from_agent(self, method: str, params: dict[str, Any], time: datetime) -> str:
        conversation = self._conversation(text_at(params, "sessionId"), time)
        if conversation is None:
            return "other requests" if method.startswith("_") else _NO_SESSION
        if method == "session/update":
            return conversation.update(mapping_at(params, "update"), time)
        if method == "session/request_permission":
            conversation.take_call(mapping_at(params, "toolCall"), time, asking=True)
            return ""
        if method == "fs/write_text_file":
            return ""
        if method.startswith("fs/"):
            return "reads of files"
        return "use of terminals" if method.startswith("terminal/") else "other requests"

    def _answered_by_client(
        self, asked: str, params: dict[str, Any], result: dict[str, Any], error: object, time: datetime
    ) -> str:
        conversation = self.conversations.get(text_at(params, "sessionId"))
        if conversation is None:
            return _NO_SESSION
        if asked == "session/request_permission":
            self._decided(conversation, params, result, time)
            return ""
        path = text_at(params, "path")
        if asked == "fs/write_text_file":
            if error is None and path:
                conversation.touch("modify" if path in conversation.present else "write", path)
            return ""
        if asked == "fs/read_text_file":
            if error is None and path:
                conversation.touch("read", path)
            return "reads of files"
        if asked.startswith("terminal/"):
            self._take_terminal(conversation, asked, params, result)
            return "use of terminals"
        return "other requests"

    @staticmethod
    def _decided(conversation: Conversation, params: dict[str, Any], result: dict[str, Any], time: datetime) -> None:
        outcome = mapping_at(result, "outcome")
        chosen = text_at(outcome, "optionId")
        kinds = {text_at(option, "optionId"): text_at(option, "kind") for option in objects_at(params, "options")}
        call = conversation.call(text_at(mapping_at(params, "toolCall"), "toolCallId"), time)
        if text_at(outcome, "outcome") == "cancelled":
            call.refuse("cancelled", time)
        elif kinds.get(chosen, chosen).startswith("reject"):
            call.refuse("refused", time)

    def _take_terminal(
        self, conversation: Conversation, asked: str, params: dict[str, Any], result: dict[str, Any]
    ) -> None:
        """Take what a terminal of the client shows into the call that shows it."""
        terminal = text_at(params, "terminalId")
        status = mapping_at(result, "exitStatus") if asked == "terminal/output" else result
        code = status.get("exitCode")
        exit_code = code if isinstance(code, int) and not isinstance(code, bool) else None
        if call := conversation.shown_in(terminal):
            call.take_terminal(text_at(result, "output"), exit_code)


def _plain(told: Mapping[str, Any]) -> dict[str, str]:
    return {name: text_at(told, name)[:256] for name in ("name", "title", "version") if text_at(told, name)}
