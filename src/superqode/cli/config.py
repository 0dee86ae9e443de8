"""The config file and the environment, with one precedence: option, then environment, then file, then default.

The file is TOML (https://toml.io): `$SUPERQODE_CONFIG`, else `~/.superqode/config.toml`. `KEYS` is all it may hold. A
key nobody knows is told and passed over, so that an older superqode reads a newer file; a value of the wrong type is
an error. Only the command line reads it, and hands the values on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple, NoReturn

import click

from superqode.cli import config_values as kinds
from superqode.cli.params import expanded

__all__ = [
    "KEYS",
    "PATH_VARIABLE",
    "Config",
    "ConfigError",
    "Key",
    "Qe",
    "Rescue",
    "Tui",
    "config_path",
    "go_without",
    "load_config",
    "read_config",
]

PATH_VARIABLE: Final = "SUPERQODE_CONFIG"
_DEFAULT_PATH: Final = Path(".superqode") / "config.toml"
# A thousand agents' commands are less; more is not a config file.
_MAX_BYTES: Final = 1 << 20
# In click's `meta`, which every context of one run shares: the file is read once.
_META: Final = "superqode.config"
_ANY: Final = "NAME"


class ConfigError(click.ClickException):
    """The config file, or a variable beside it, cannot be used.

    Attributes:
        path: the file.
        key: the key in it, with dots; empty where the file as a whole is wrong.
        variable: the variable of the environment that is wrong; empty where the file is.
    """

    def __init__(self, path: Path, key: str, reason: str, *, variable: str = "") -> None:
        self.path = path
        self.key = key
        self.variable = variable
        place = f"${variable}" if variable else f"the config file {path}{f', key {key}' if key else ''}"
        super().__init__(f"{place}: {reason}")


class Key(NamedTuple):
    """One thing that can be set.

    Attributes:
        name: its name in the file, with dots; `NAME` stands for any name.
        read: checks a value of the file (which lies in the folder given) and gives ours.
        what: what it does, in one line.
        shown: the values it may have, in words.
        default: what holds where nothing is set, in words.
        option: the option that sets it, or empty.
        variables: the variables that set it, the strongest first.
    """

    name: str
    read: Callable[[object, Path], Any]
    what: str
    shown: str
    default: str
    option: str = ""
    variables: tuple[str, ...] = ()


KEYS: Final = (
    Key(
        "store",
        kinds.path,
        "The store to use.",
        "a path; a relative one starts at the file's folder",
        "~/.superqode/sessions",
        "--store",
        ("SUPERQODE_STORE",),
    ),
    Key(
        "colour",
        kinds.colour,
        "Whether output is coloured; NO_COLOR with any value means never.",
        "auto (on a terminal), always, never",
        "auto",
        "--colour/--no-colour",
        ("NO_COLOR",),
    ),
    Key(
        "pager",
        kinds.pager,
        "The program that shows long output on a terminal; cat for none.",
        "a command",
        "less",
        variables=("SUPERQODE_PAGER", "PAGER"),
    ),
    Key("quiet", kinds.switch, "Leave notes and progress out.", "true, false", "false", "--quiet"),
    Key(
        f"agents.{_ANY}.command",
        kinds.command,
        "How an agent that speaks ACP is started, for `tui` and `qe`.",
        "a list: the program and its arguments",
        "none",
    ),
    Key("tui.theme", kinds.text, "The colours of `superqode tui`.", "a theme's name", "its own"),
    Key("tui.agent", kinds.text, "The agent that `superqode tui` starts.", "a name under agents", "none"),
    Key("qe.mode", kinds.text, "How thorough `superqode qe run` is.", "a mode's name", "its own", "--mode"),
    Key("qe.roles", kinds.words, "The roles that `superqode qe run` has play.", "a list of names", "its own", "--role"),
    Key("qe.agent", kinds.text, "The agent that `superqode qe run` starts.", "a name under agents", "none", "--agent"),
    Key(
        "qe.timeout",
        kinds.seconds,
        "How long each role of `superqode qe run` may take.",
        "seconds",
        "its own",
        "--timeout",
    ),
    Key("rescue.paths", kinds.paths, "Where `sessions rescue` looks besides.", "a list of paths", "none", "--path"),
)
_BY_PATTERN: Final = {tuple(key.name.split(".")): key for key in KEYS}
_TABLES: Final = {pattern[:length] for pattern in _BY_PATTERN for length in range(1, len(pattern))}


class Tui(NamedTuple):
    """What the file says for `superqode tui`; `None` where it says nothing."""

    theme: str | None = None
    agent: str | None = None


class Qe(NamedTuple):
    """What the file says for `superqode qe`; `None` (no roles) where it says nothing. `timeout` is in seconds."""

    mode: str | None = None
    roles: tuple[str, ...] = ()
    agent: str | None = None
    timeout: float | None = None


class Rescue(NamedTuple):
    """What the file says for `superqode sessions rescue`: folders to look through besides the agents' own."""

    paths: tuple[Path, ...] = ()


class Config(NamedTuple):
    """What holds where no option says otherwise.

    Attributes:
        path: the file, whether it is there or not.
        store: the store, or `None` for the default one.
        colour: `auto`, `always` or `never`.
        pager: the command that shows long output.
        quiet: whether notes are left out.
        agents: how each agent is started, by its name.
        tui, qe, rescue: what these commands take from it.
        origins: where each value that is not a default comes from (`file`, or `$VARIABLE`), by key.
        unknown: keys that nobody knows, each with the nearest known one, or empty.
    """

    path: Path
    store: Path | None = None
    colour: str = "auto"
    pager: str = "less"
    quiet: bool = False
    agents: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    tui: Tui = Tui()
    qe: Qe = Qe()
    rescue: Rescue = Rescue()
    origins: Mapping[str, str] = MappingProxyType({})
    unknown: tuple[tuple[str, str], ...] = ()

    def value(self, key: str) -> Any:
        """The value of a key, named as in the file, but for those of `agents`; `None` where it has none."""
        found: Any = self
        for part in key.split("."):
            found = getattr(found, part)
        return found


def config_path() -> Path:
    """Where the config file is looked for."""
    named = os.environ.get(PATH_VARIABLE)
    return expanded(named).absolute() if named else Path.home() / _DEFAULT_PATH


def load_config() -> Config:
    """The config file and the environment together; read once in a run, keys nobody knows told then.

    Raises:
        ConfigError: the file is no TOML, cannot be read, or has a value of the wrong type.
    """
    ctx = click.get_current_context(silent=True)
    if ctx is None:
        return read_config()
    found = ctx.meta.get(_META)
    if found is None:
        found = ctx.meta[_META] = read_config()
        if not ctx.resilient_parsing:
            _tell_unknown(found)
    return found if isinstance(found, Config) else read_config()


def go_without() -> None:
    """Take defaults for the rest of this run: for those who tell what is wrong with the file."""
    click.get_current_context().meta[_META] = Config(config_path())


def read_config() -> Config:
    """As `load_config`, anew and without telling anything."""
    path = config_path()
    values: dict[tuple[str, ...], Any] = {}
    unknown: list[tuple[str, str]] = []
    for parts, value in _leaves(path, _document(path), ()):
        key = _BY_PATTERN.get(_pattern(parts))
        if key is None:
            unknown.append((".".join(parts), _nearest(parts)))
        else:
            values[parts] = _checked(path, parts, key, value)
    origins = {".".join(parts): "file" for parts in values}
    for key in KEYS:
        for variable in reversed(key.variables):
            given = os.environ.get(variable)
            if given and given.strip():
                values[(key.name,)] = _given(key, variable, given)
                origins[key.name] = f"${variable}"
    return _assembled(path, values, origins, unknown)


def _given(key: Key, variable: str, text: str) -> Any:
    if variable == "NO_COLOR":
        return "never"
    try:
        return key.read(text, Path())
    except kinds.WrongValue as problem:
        reason = f"it has to be {problem}, and is {text!r:.80}"
        raise ConfigError(config_path(), key.name, reason, variable=variable) from problem


def _document(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        if os.environ.get(PATH_VARIABLE):
            _refuse(path, f"${PATH_VARIABLE} names it, and there is no such file")
        return {}
    except OSError as problem:
        _refuse(path, f"it cannot be read ({problem.strerror})")
    if len(data) > _MAX_BYTES:
        _refuse(path, f"it has more than {_MAX_BYTES:,} bytes")
    import tomllib

    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as problem:
        _refuse(path, f"it is no TOML ({problem}). https://toml.io shows how that is written")


def _refuse(path: Path, reason: str) -> NoReturn:
    raise ConfigError(path, "", reason)


def _pattern(parts: tuple[str, ...]) -> tuple[str, ...]:
    return (parts[0], _ANY, *parts[2:]) if parts[0] == "agents" and len(parts) > 1 else parts


def _leaves(path: Path, table: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every key of the file that is no table of ours, with its value."""
    for name, value in table.items():
        parts = (*above, name)
        if _pattern(parts) not in _TABLES:
            yield parts, value
        elif isinstance(value, dict):
            yield from _leaves(path, value, parts)
        else:
            raise ConfigError(path, ".".join(parts), f"it is a table: write [{'.'.join(parts)}] and its keys below")


def _checked(path: Path, parts: tuple[str, ...], key: Key, value: object) -> Any:
    try:
        return key.read(value, path.parent)
    except kinds.WrongValue as problem:
        raise ConfigError(path, ".".join(parts), f"it has to be {problem}, and is {value!r:.80}") from problem


def _nearest(parts: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    named = parts[1] if parts[0] == "agents" and len(parts) > 1 else _ANY
    known = [key.name.replace(_ANY, named) for key in KEYS]
    return next(iter(get_close_matches(".".join(parts), known, 1)), "")


def _assembled(
    path: Path,
    values: Mapping[tuple[str, ...], Any],
    origins: Mapping[str, str],
    unknown: list[tuple[str, str]],
) -> Config:
    def table(name: str) -> dict[str, Any]:
        return {parts[1]: value for parts, value in values.items() if parts[0] == name and len(parts) == 2}

    top = {parts[0]: value for parts, value in values.items() if len(parts) == 1}
    return Config(
        path,
        **top,
        agents={parts[1]: value for parts, value in values.items() if parts[0] == "agents"},
        tui=Tui(**table("tui")),
        qe=Qe(**table("qe")),
        rescue=Rescue(**table("rescue")),
        origins=origins,
        unknown=tuple(unknown),
    )


def _tell_unknown(found: Config) -> None:
    from superqode.cli.options import wants_json
    from superqode.cli.output import note

    if wants_json():
        return
    for key, nearest in found.unknown:
        guess = f"; did you mean {nearest}?" if nearest else "; `superqode config` lists the keys there are"
        note(f"nobody knows the key {key} in {found.path}{guess}")
