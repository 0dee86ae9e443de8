"""`superqode config`: every value that can be set, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from superqode.cli.common import chosen_by_option
from superqode.cli.lazy import Command, examples
from superqode.cli.options import json_option, named_store, store_option, wants_json
from superqode.cli.output import Column, emit, emit_json, note, table

if TYPE_CHECKING:
    from superqode.cli.config import Config, Key

__all__ = ["config"]

_COLUMNS: Final = (
    Column("KEY", style="cyan"),
    Column("VALUE", flexible=True),
    Column("FROM"),
    Column("MEANING", style="dim", flexible=True),
)
_FILE: Final = """
A config file (~/.superqode/config.toml, or where $SUPERQODE_CONFIG says):
  store = "~/code/sessions"
  colour = "auto"                # auto, always, never
  pager = "less -R"
  quiet = false
  [agents.gemini]
  command = ["gemini", "--experimental-acp"]

An option comes before a variable, that before the file, the file before the
default. NO_COLOR, PAGER, SUPERQODE_STORE and SUPERQODE_PAGER are the variables.
"""


@click.command(
    "config",
    cls=Command,
    see=("doctor", "completion"),
    storeless=True,
    epilog=examples("superqode config", "superqode config --json", "superqode config --path") + _FILE,
)
@click.option("--path", "path_only", is_flag=True, help="Print where the config file is looked for, and nothing else.")
@json_option("{path, exists, values: [{key, value, origin}], unknown: [{key, nearest}]}", "Configured")
@store_option
def config(path_only: bool) -> None:
    """Show what is configured, and where each value comes from.

    Exit code 2 where the config file is wrong.
    """
    from superqode.cli.config import config_path, load_config

    if path_only:
        path = config_path()
        if wants_json():
            emit_json({"path": str(path), "exists": path.is_file(), "values": [], "unknown": []})
        else:
            emit(str(path))
        return
    found = load_config()
    rows = list(_values(found))
    if wants_json():
        emit_json(
            {
                "path": str(found.path),
                "exists": found.path.is_file(),
                "values": [{"key": key, "value": _plain(value), "origin": origin} for key, value, origin, _ in rows],
                "unknown": [{"key": key, "nearest": nearest} for key, nearest in found.unknown],
            }
        )
        return
    if not found.path.is_file():
        note(f"there is no {found.path}; `superqode config --help` shows what it may hold")
    table(_COLUMNS, [(key, _shown(value), origin, what) for key, value, origin, what in rows])


def _values(found: Config) -> Iterator[tuple[str, Any, str, str]]:
    """Each key with its value, where that comes from, and what it is for."""
    from superqode.cli.config import KEYS

    for key in KEYS:
        if "NAME" not in key.name:
            yield key.name, *_value(found, key), key.what
            continue
        for name in found.agents:
            full = key.name.replace("NAME", name)
            yield full, found.agents[name], found.origins[full], key.what


def _value(found: Config, key: Key) -> tuple[Any, str]:
    """A value and where it comes from: an option, `$VARIABLE`, `file` or `default`."""
    if key.name == "store" and named_store() is not None:
        return named_store(), "--store"
    given = chosen_by_option(key.name)
    if given is not None:
        return given, key.option.partition("/")[0]
    value = found.value(key.name)
    if key.name == "store" and value is None:
        from superqode.session.store.handle import DEFAULT_STORE

        value = Path.home() / DEFAULT_STORE
    return value, found.origins.get(key.name, "default")


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
