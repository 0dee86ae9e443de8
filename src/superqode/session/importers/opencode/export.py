"""opencode's JSON export: `{"info": …, "messages": [{"info": …, "parts": […]}, …]}`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from superqode.session.errors import TranscriptError
from superqode.session.importers.base import Receipt, Source
from superqode.session.importers.fields import mapping_at, objects_at, text_at
from superqode.session.importers.jsonmembers import read_members
from superqode.session.importers.opencode.records import Digest, Stored, StoredMessage
from superqode.session.importers.origin import digest_of
from superqode.session.importers.wholefile import head_text, leading_members

__all__ = ["is_export", "read_export"]

_BEGINNING: Final = re.compile(r'\{\s*"info"\s*:\s*\{[^{}]{0,2000}?"id"\s*:\s*"ses_')


def is_export(head: bytes) -> bool:
    """Whether a file begins as an export does."""
    text = head_text(head)
    if not text.startswith("{"):
        return False
    members = leading_members(text)
    info = members.get("info")
    if isinstance(info, dict):
        known = "directory" in info or "projectID" in info or text_at(info, "id").startswith("ses_")
        return known and "messages" in members and isinstance(info.get("time", {}), dict)
    return bool(_BEGINNING.match(text))


def read_export(source: Source, receipt: Receipt) -> Stored:
    """Give the session of an export; its record is there when its messages have been gone through.

    Raises:
        TranscriptError: it cannot be read.
    """
    stored = Stored("", iter(()), Digest(digest_of(source)))
    stored.messages = _messages(source, receipt, stored)
    return stored


def _messages(source: Source, receipt: Receipt, stored: Stored) -> Iterator[StoredMessage]:
    found = False
    for name, value in read_members(source, receipt, frozenset(("messages",))):
        found = True
        if name == "info" and isinstance(value, dict):
            stored.info, stored.id = value, text_at(value, "id")
        elif name == "messages" and isinstance(value, dict) and mapping_at(value, "info"):
            yield _message(value, stored)
        else:
            receipt.lines += 1
            receipt.drop("other members of the export")
    if not found:
        raise TranscriptError(source.name, "it holds no session")


def _message(value: dict[str, Any], stored: Stored) -> StoredMessage:
    info = mapping_at(value, "info")
    stored.id = stored.id or text_at(info, "sessionID")
    return StoredMessage(info, objects_at(value, "parts"))
