"""A run for people and programs: pure functions, `QERun` → text.

| format | module | is |
|---|---|---|
| `markdown` | `markdown` | for pull requests and issues |
| `text` | `plaintext` | for a terminal |
| `json` | here | `QERun.to_dict` |
| `junit` | `junit` | JUnit XML, for the test pages of CI systems |
| `sarif` | `sarif` | SARIF 2.1.0, for code scanning |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from superqode.qe.reports import junit, markdown, plaintext, sarif
from superqode.qe.runs import QERun
from superqode.session.codec.jsontext import dump_text

__all__ = ["FORMATS", "render"]


def _json(run: QERun) -> str:
    return dump_text(run.to_dict(), indent=2) + "\n"


FORMATS: Final[Mapping[str, Callable[[QERun], str]]] = {
    "markdown": markdown.render,
    "text": plaintext.render,
    "json": _json,
    "junit": junit.render,
    "sarif": sarif.render,
}


def render(run: QERun, chosen: str) -> str:
    """Give a run in a format of `FORMATS`."""
    return FORMATS[chosen](run)
