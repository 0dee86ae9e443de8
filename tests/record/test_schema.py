"""What we understand of the protocol is what the SDK's types say it is."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from acp import meta, schema

from session.importers.recordings import recorded
from superqode.session import clock
from superqode.session.importers.acp import Conversation

from .player import lines

REQUESTS = {
    "initialize": schema.InitializeRequest,
    "session/new": schema.NewSessionRequest,
    "session/load": schema.LoadSessionRequest,
    "session/prompt": schema.PromptRequest,
    "session/update": schema.SessionNotification,
    "session/request_permission": schema.RequestPermissionRequest,
    "fs/write_text_file": schema.WriteTextFileRequest,
}


def kinds():
    """Give the kinds of updates that the SDK knows."""
    update = schema.SessionNotification.model_fields["update"].annotation
    return sorted({get_args(kind.model_fields["session_update"].annotation)[0] for kind in get_args(update)})


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_of_update_is_known(kind):
    """Each is mapped, or left out by name; a newer SDK with another kind fails here."""
    conversation = Conversation("s1", clock.now())
    update = {"sessionUpdate": kind, "content": {"type": "text", "text": "x"}}
    assert not conversation.update(update, clock.now()).startswith(("updates of kind", "unknown"))


@pytest.mark.parametrize("method", sorted(REQUESTS))
def test_the_methods_we_follow_are_the_protocols(method):
    """Their names stand in the SDK's tables."""
    assert method in {*meta.AGENT_METHODS.values(), *meta.CLIENT_METHODS.values()}


@pytest.mark.parametrize("folder", recorded())
def test_what_agents_really_send_is_of_the_types(folder):
    """Every request and update of the recordings that we understand is one by the SDK's types, too."""
    for recording in sorted(folder.glob("traffic*.jsonl")):
        for _, line in lines(recording):
            message = json.loads(line)
            if kind := REQUESTS.get(message.get("method", "")):
                kind.model_validate(message["params"])
