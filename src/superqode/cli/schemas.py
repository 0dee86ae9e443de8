"""JSON Schemas (2020-12) of what `--json` prints, made of the types of the results.

A command names its document as `module:Type`, or `Type` alone for one of `documents`; `[]` behind it: an array of
those, `?`: or null, `~`: may be missing. Documents joined with `+` are one object, the later part wins; with `|` they
are alternatives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Final

import click

__all__ = ["ERROR", "commands", "document_of", "schema"]

ERROR: Final = "Failed"
_DOCUMENTS: Final = "superqode.cli.documents"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_ATTRIBUTE: Final = re.compile(r"^    (\w[\w, ]*): (.+(?:\n        .+)*)", re.MULTILINE)


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command and group below a group, with the words that name it, as help lists them."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def document_of(command: click.Command) -> str | None:
    """How a command names its document; empty where it names none, `None` where it has no `--json`."""
    found = [parameter for parameter in command.params if "--json" in parameter.opts]
    return getattr(found[0], "document", "") if found else None


def schema(document: str, title: str) -> dict[str, Any]:
    """Make the schema of a document."""
    definitions: dict[str, Any] = {}
    kinds = [_joined(one, definitions) for one in document.split("|")]
    made = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    whole = {"$schema": _DIALECT, "title": title, **made}
    return whole | ({"$defs": dict(sorted(definitions.items()))} if definitions else {})


def _joined(text: str, definitions: dict[str, Any]) -> dict[str, Any]:
    text = text.strip()
    many, null = text.endswith("[]"), text.endswith("?")
    parts = [_part(one.strip(), definitions) for one in text.removesuffix("[]").removesuffix("?").split("+")]
    made = parts[0]
    for other in parts[1:]:
        required = [*made["required"], *(name for name in other["required"] if name not in made["required"])]
        made = {**made, "properties": made["properties"] | other["properties"], "required": required}
    if many:
        return {"type": "array", "items": made}
    return {"anyOf": [made, {"type": "null"}]} if null else made


def _part(text: str, definitions: dict[str, Any]) -> dict[str, Any]:
    from pydantic import TypeAdapter

    module, _, name = text.removesuffix("~").rpartition(":")
    made = TypeAdapter(getattr(import_module(module or _DOCUMENTS), name)).json_schema(mode="serialization")
    for key, below in made.pop("$defs", {}).items():
        definitions[key] = _plain(below)
    told: dict[str, Any] = _plain(made)
    return told | {"required": []} if text.endswith("~") else told


def _plain(made: Any) -> Any:
    """A schema as we tell it: all fields are there always, and each says what the docstring says of it."""
    if isinstance(made, list):
        return [_plain(one) for one in made]
    if not isinstance(made, Mapping):
        return made
    if "properties" not in made:
        return {key: _plain(value) for key, value in made.items() if key not in ("title", "default")}
    summary, _, attributes = str(made.get("description", "")).partition("\n\nAttributes:\n")
    properties = {name: _plain(value) for name, value in made["properties"].items()}
    for names, told in _ATTRIBUTE.findall(attributes):
        for name in names.split(", "):
            if name in properties:
                properties[name] = {"description": " ".join(told.split())} | properties[name]
    return {
        "type": "object",
        "description": " ".join(summary.split()),
        "properties": properties,
        "required": list(properties),
    }
