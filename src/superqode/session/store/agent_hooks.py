"""Agents' hooks put in place and taken away: the agent's settings, and the shim below the store that they run.

Below `superqode/agents/` in the store stand the shim, for each agent what its settings were before (`<agent>.json`),
the inbox of reports, and a short log. What an agent's settings hold besides is never touched.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from superqode.session.agents import files
from superqode.session.agents.hooks import HookRule
from superqode.session.agents.shim import SHIM_NAME
from superqode.session.codec import jsontext
from superqode.session.errors import AgentSettingsError
from superqode.session.store.hooks import HookState
from superqode.session.store.hooks.place import hook_file

if TYPE_CHECKING:
    from superqode.session.store.store import SessionStore

__all__ = ["FOLDER", "INBOX", "AgentHook", "AgentHooks"]

FOLDER: Final = "agents"
INBOX: Final = "inbox"
_SHIM_SOURCE: Final = f"agents/{SHIM_NAME}"
_EXECUTABLE: Final = 0o700


@dataclass(frozen=True, slots=True)
class AgentHook:
    """What stands in one agent's settings.

    Attributes:
        agent: the agent's name.
        path: the settings file.
        state: whether our hook is in it; `OUTDATED` where it is that of another store or version, or cannot run.
        problem: why the file cannot be edited; empty where it can.
    """

    agent: str
    path: str
    state: HookState
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain JSON values."""
        return {"agent": self.agent, "path": self.path, "state": self.state.value, "problem": self.problem}


@dataclass(frozen=True, slots=True)
class AgentHooks:
    """The hooks of one store in agents' settings.

    Args:
        store: the store.
        interpreter: the absolute path of the Python that has this package.
    """

    store: SessionStore
    interpreter: str

    @property
    def folder(self) -> Path:
        """Where the shim stands."""
        return self.store.path / "superqode" / FOLDER

    @property
    def shim(self) -> Path:
        """The program that agents run."""
        return self.folder / SHIM_NAME

    def status(self, rule: HookRule, path: Path) -> AgentHook:
        """Say what stands in an agent's settings; changes nothing."""
        try:
            text = files.read_text(path) or ""
            found = _edited(path, lambda: rule.edit.found(text))
            current = bool(found) and _edited(path, lambda: rule.edit.added(text, str(self.shim))) == text
        except AgentSettingsError as problem:
            return AgentHook(rule.agent, str(path), HookState.FOREIGN, problem.reason)
        if not found:
            return AgentHook(rule.agent, str(path), HookState.MISSING)
        state = HookState.INSTALLED if current and self._shim_is_current() else HookState.OUTDATED
        return AgentHook(rule.agent, str(path), state)

    def install(self, rule: HookRule, path: Path) -> AgentHook:
        """Put our hook into an agent's settings, and make the store if there is none; twice is once.

        Raises:
            AgentSettingsError: the settings cannot be edited, or not be written; nothing was changed.
        """
        if os.name == "nt":
            raise AgentSettingsError(path, "its hook is a shell script. `superqode sessions rescue --watch` works here")
        before = files.read_text(path)
        after = _edited(path, lambda: rule.edit.added(before or "", str(self.shim)))
        self.store._made()
        self._write_shim()
        if after != before:
            self._note(rule, before, after)
            files.replace(path, after)
        return self.status(rule, path)

    def remove(self, rule: HookRule, path: Path) -> AgentHook:
        """Take our hook out; settings that nobody changed since are byte for byte what they were.

        Raises:
            AgentSettingsError: the settings cannot be edited, or not be written; nothing was changed.
        """
        text = files.read_text(path)
        if text is not None and _edited(path, lambda: rule.edit.found(text)):
            noted, before = self._noted(rule, text)
            # Where a hook of ours was there before, of another store or of this one elsewhere, that one goes, too.
            mended = noted and not (before and _edited(path, lambda: rule.edit.found(before)))
            after = before if mended else _edited(path, lambda: rule.edit.removed(text)) or None
            if after is None:
                files.remove(path)
            else:
                files.replace(path, after)
        files.remove(self._notes(rule))
        return self.status(rule, path)

    def _notes(self, rule: HookRule) -> Path:
        return self.folder / f"{rule.agent}.json"

    def _note(self, rule: HookRule, before: str | None, after: str) -> None:
        """Keep what the settings were, for whoever takes the hook out while they are as we left them."""
        told = {"before": before, "after": hashlib.sha256(after.encode()).hexdigest()}
        files.replace(self._notes(rule), jsontext.dump_text(told))

    def _noted(self, rule: HookRule, text: str) -> tuple[bool, str | None]:
        """Whether the settings are as we left them, and what they were before."""
        try:
            told = json.loads(files.read_text(self._notes(rule)) or "{}")
        except (ValueError, AgentSettingsError):
            return False, None
        same = isinstance(told, dict) and told.get("after") == hashlib.sha256(text.encode()).hexdigest()
        before = told.get("before") if same else None
        return same and isinstance(before, str | None), before

    def _shim_text(self) -> str:
        text = hook_file(_SHIM_SOURCE).decode()
        for place, value in (("@PYTHON@", self.interpreter), ("@STORE@", str(self.store.path))):
            text = text.replace(f"'{place}'", "'" + value.replace("'", "'\\''") + "'")
        return text

    def _shim_is_current(self) -> bool:
        try:
            runs = self.shim.stat().st_mode & 0o100 != 0
            return runs and files.read_text(self.shim) == self._shim_text() and (self.folder / INBOX).is_dir()
        except (OSError, AgentSettingsError):
            return False

    def _write_shim(self) -> None:
        try:
            (self.folder / INBOX).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as problem:
            raise AgentSettingsError(self.folder, str(problem.strerror)) from problem
        if not self._shim_is_current():
            files.replace(self.shim, self._shim_text(), mode=_EXECUTABLE)


def _edited(path: Path, edit: Callable[[], Any]) -> Any:
    try:
        return edit()
    except ValueError as problem:
        raise AgentSettingsError(path, str(problem)) from problem
