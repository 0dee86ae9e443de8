"""Looking at a project: what it is made with, from the files at its top. Nothing of it is run here."""

from __future__ import annotations

import configparser
import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from superqode.qe.running import Runner

__all__ = ["Project"]

# Bytes of a configuration file that are read.
_CONFIG_MAX: Final = 1024 * 1024


@dataclass(slots=True)
class Project:
    """The copy of a project that a run works on.

    Attributes:
        folder: its folder in the sandbox.
        reports: where tools write their reports, outside it.
        runner: runs its tools.
        seconds: how long one role may take.
    """

    folder: Path
    reports: Path
    runner: Runner
    seconds: float
    _read: dict[str, Any] = field(default_factory=dict)
    _asked: dict[str, frozenset[str]] = field(default_factory=dict)

    def has(self, *names: str) -> bool:
        """Whether one of these files or folders stands at the top."""
        return any((self.folder / name).exists() for name in names)

    def text(self, name: str) -> str:
        """A file at the top as text; empty where there is none."""
        try:
            with (self.folder / name).open("rb") as file:
                return file.read(_CONFIG_MAX).decode("utf-8", "replace")
        except OSError:
            return ""

    def toml(self, name: str) -> Mapping[str, Any]:
        """A TOML file at the top; empty where there is none or it cannot be read."""
        return self._parsed(name, tomllib.loads)

    def json(self, name: str) -> Mapping[str, Any]:
        """A JSON file at the top; empty where there is none or it cannot be read."""
        return self._parsed(name, json.loads)

    def _parsed(self, name: str, parse: Callable[[str], Any]) -> Mapping[str, Any]:
        if name not in self._read:
            try:
                told = parse(self.text(name) or "{}" if parse is json.loads else self.text(name))
            except (ValueError, RecursionError):
                told = {}
            self._read[name] = told if isinstance(told, dict) else {}
        read: Mapping[str, Any] = self._read[name]
        return read

    def tool_table(self, tool: str) -> Mapping[str, Any] | None:
        """`[tool.<tool>]` of pyproject.toml; `None` where it is not there."""
        tools = self.toml("pyproject.toml").get("tool")
        table = tools.get(tool) if isinstance(tools, dict) else None
        return table if isinstance(table, dict) else None

    def ini_has(self, section: str, *names: str) -> bool:
        """Whether one of these INI files has a section."""
        for name in names:
            parser = configparser.ConfigParser(interpolation=None, strict=False)
            try:
                parser.read_string(self.text(name))
            except configparser.Error:
                continue
            if parser.has_section(section):
                return True
        return False

    def report(self, name: str) -> Path:
        """The path of a report; a file of an earlier command there is removed."""
        path = self.reports / name
        path.unlink(missing_ok=True)
        return path

    def asked(self, program: str, ask: Callable[[], frozenset[str]]) -> frozenset[str]:
        """What a program has to offer; asked once in a run."""
        if program not in self._asked:
            self._asked[program] = ask()
        return self._asked[program]
