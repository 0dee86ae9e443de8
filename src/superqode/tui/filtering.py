"""What people type to narrow the list of sessions: words, and `project:`, `tag:`, `agent:` with a value."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from superqode.tui.fields import field_text

if TYPE_CHECKING:  # the classes of results take a while to be made
    from superqode.session.store.results import SessionSummary

__all__ = ["FACETS", "Facet", "Wanted", "facets", "haystack", "narrow", "read_filter", "with_facet"]

FACETS: Final = ("project", "tag", "agent")
# A value in double quotes may hold blanks, and `\\"`; the last quote may still be missing.
_TERM: Final = re.compile(r'(?:(project|tag|agent):)?(?:"((?:[^"\\]|\\.)*)"?|([^\s"]\S*)?)', re.DOTALL)


class Facet(NamedTuple):
    """One value by which sessions can be narrowed, and how many have it."""

    kind: str
    value: str
    sessions: int

    @property
    def token(self) -> str:
        """What is typed for it, quoted where it holds blanks or quotes; controls stand as escapes."""
        value = field_text(self.value)
        escaped = re.sub(r'(["\\])', r"\\\1", value)
        return f'{self.kind}:"{escaped}"' if re.search(r'[\s"\\]', value) else f"{self.kind}:{value}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a filter asks for; all of it must hold. Everything is compared in folded case, as a part of the value."""

    words: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    agent: tuple[str, ...] = ()

    def fits(self, summary: SessionSummary, hay: str) -> bool:
        """Whether a session is wanted; `hay` is its `haystack`."""
        return (
            all(word in hay for word in self.words)
            and _among(self.project, (summary.project_path,))
            and _among(self.tag, summary.tags)
            and _among(self.agent, summary.agents_used)
        )


def _among(parts: Sequence[str], values: Sequence[str]) -> bool:
    folded = [value.casefold() for value in values] if parts else []
    if any("\\" in part for part in parts):  # an escape, perhaps: that is how a control is picked
        folded += [field_text(value).casefold() for value in values]
    return all(any(part in value for value in folded) for part in parts)


def haystack(summary: SessionSummary) -> str:
    """The text that words are looked for in: title, id, tags, agents and the project's path, in folded case."""
    parts = (summary.title, summary.id, *summary.tags, *summary.agents_used, summary.project_path)
    return "\n".join(parts).casefold()


def read_filter(typed: str) -> Wanted:
    """Read what was typed; any text is a filter, also with a quote that is still open."""
    found: dict[str, list[str]] = {name: [] for name in ("words", *FACETS)}
    for term in _TERM.finditer(typed):
        kind, quoted, word = term.groups()
        value = re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL) if quoted is not None else word
        if value:
            found[kind or "words"].append(value.casefold())
    return Wanted(**{name: tuple(values) for name, values in found.items()})


def with_facet(typed: str, facet: Facet) -> str:
    """What stands in the filter after a facet was picked: another value of its kind gives way to it."""
    kept = [term[0] for term in _TERM.finditer(typed) if term[0] and term[1] != facet.kind]
    return " ".join([*kept, facet.token])


def narrow(summaries: Sequence[SessionSummary], hays: Sequence[str], wanted: Wanted) -> list[SessionSummary]:
    """Give the wanted ones, in their order; `hays` are their haystacks."""
    if wanted == Wanted():
        return list(summaries)
    pairs = list(zip(summaries, hays, strict=True))
    for word in wanted.words:  # one after the other: a hundred thousand are narrowed between two keys
        pairs = [pair for pair in pairs if word in pair[1]]
    if wanted == Wanted(words=wanted.words):
        return [summary for summary, _ in pairs]
    return [summary for summary, hay in pairs if wanted.fits(summary, hay)]


def facets(summaries: Iterable[SessionSummary]) -> list[Facet]:
    """Every project, tag and agent there is, the most frequent of a kind first."""
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in FACETS}
    for summary in summaries:
        counts["project"].update([summary.project_path] if summary.project_path else [])
        counts["tag"].update(summary.tags)
        counts["agent"].update(summary.agents_used)
    return [
        Facet(kind, value, count)
        for kind in FACETS
        for value, count in sorted(counts[kind].items(), key=lambda item: (-item[1], item[0]))
    ]
