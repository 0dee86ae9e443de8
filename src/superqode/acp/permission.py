"""What an agent asks before it acts, and ready-made answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from superqode.session.importers.fields import mapping_at, objects_at, text_at
from superqode.session.models import ToolExecution

__all__ = ["AskPermission", "Diff", "Option", "Permission", "allow", "permission_of", "refuse"]

# How many answers of one question are looked at; a person chooses from a handful. Of what they approve nothing is cut.
_OPTIONS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to choose: `kind` is `allow_once`, `allow_always`, `reject_once` or `reject_always`."""

    id: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Diff:
    """A change of a file that the agent wants to make: its text before (None where there is no file) and after."""

    path: str
    old: str | None
    new: str


@dataclass(frozen=True, slots=True)
class Permission:
    """A question for permission.

    Attributes:
        call: what the agent wants to do, as far as it told.
        diffs: the changes it shows.
        options: the answers it offers, in its order.
    """

    call: ToolExecution
    diffs: tuple[Diff, ...]
    options: tuple[Option, ...]

    def option(self, *kinds: str) -> str | None:
        """Give the id of the first option of the first of these kinds that is offered; None where none is."""
        return next((option.id for kind in kinds for option in self.options if option.kind == kind), None)


# Gives the id of an option, or None to cancel.
AskPermission = Callable[[Permission], Awaitable[str | None]]


async def allow(question: Permission) -> str | None:
    """Allow everything, each time anew; cancel where that is not offered."""
    return question.option("allow_once", "allow_always")


async def refuse(question: Permission) -> str | None:
    """Refuse everything; cancel where that is not offered."""
    return question.option("reject_once", "reject_always")


def permission_of(params: Mapping[str, Any], call: ToolExecution) -> Permission:
    """Read the question of a `session/request_permission`."""
    content = objects_at(mapping_at(params, "toolCall"), "content")
    diffs = [
        Diff(
            text_at(item, "path"),
            old if isinstance(old := item.get("oldText"), str) else None,
            text_at(item, "newText"),
        )
        for item in content
        if text_at(item, "type") == "diff"
    ]
    options = [
        Option(text_at(option, "optionId"), text_at(option, "name"), text_at(option, "kind"))
        for option in objects_at(params, "options")
    ]
    return Permission(call, tuple(diffs), tuple(option for option in options[:_OPTIONS_MAX] if option.id))
