"""The project's path on another machine becomes this machine's, wherever a text names it."""

from __future__ import annotations

import re
from typing import Any, Final

from superqode.session.codec.jsontext import dump_text, load

__all__ = ["PathMap"]

_WINDOWS: Final = re.compile(r"[A-Za-z]:[\\/]|\\\\")


class PathMap:
    """Puts one folder's path in another's place, in texts and in JSON values.

    A path ends where a name ends: `/p/proj` is not in `/p/proj-old`, `/p/proj.bak` or `/q/p/proj`. Nothing is done
    where the two are the same, where the old one is no deep enough path to be meant, or where one is a Windows path
    and the other is not.

    Attributes:
        changed: how many texts were changed so far.
    """

    def __init__(self, old: str, new: str) -> None:
        self.changed = 0
        self.old = old.rstrip("/\\")
        self._new = new.rstrip("/\\") or new
        self._pattern: re.Pattern[str] | None = None
        windows = bool(_WINDOWS.match(self.old))
        deep = len(re.findall(r"[\\/][^\\/]+", self.old)) >= (1 if windows else 2)
        alike = windows == bool(_WINDOWS.match(self._new)) and (windows or self.old.startswith("/"))
        if deep and alike and self.old != self._new:
            path = re.escape(self.old)
            self._pattern = re.compile(rf"(?:(?<=file://)|(?<![\w.~/\\-])){path}(?![\w~+@%-]|\.[\w.])")

    def __bool__(self) -> bool:
        return self._pattern is not None

    def text(self, text: str) -> str:
        """Give a text with the path changed."""
        if self._pattern is None or self.old not in text:
            return text
        mapped, found = self._pattern.subn(lambda _found: self._new, text)
        self.changed += found > 0
        return mapped

    def value(self, value: Any, *, leave: frozenset[str] = frozenset()) -> Any:
        """Give a JSON value with the path changed in its texts, names of members included.

        Args:
            value: the value.
            leave: objects that have one of these members, with a text that is not empty, stay as they are.
        """
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            if any(isinstance(value.get(name), str) and value[name] for name in leave):
                return value
            return {self.text(key): self.value(item, leave=leave) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, leave=leave) for item in value]
        return value

    def json_text(self, text: str) -> str:
        """Give JSON text, which has escapes around the path, with the path changed in it; other text as text."""
        if self._pattern is None:
            return text
        try:
            value = load(text)
        except ValueError:
            return self.text(text)
        mapped = self.value(value)
        return text if mapped == value else dump_text(mapped)
