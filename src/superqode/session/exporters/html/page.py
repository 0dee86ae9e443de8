"""The page around the entries: its head and policy, what the session is, the tools, the prompts, the end."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import resources
from itertools import islice
from typing import Final

from superqode.session.exporters.html.entries import Around, anchor, show_entry
from superqode.session.exporters.html.escape import attribute, text
from superqode.session.exporters.html.touched import show_touched
from superqode.session.exporters.reading import counted, excerpt_note, facts, known_calls, moment
from superqode.session.exporters.visible import one_line
from superqode.session.models import Entry, Message, MessageRole, Session, ToolExecution

__all__ = ["asset", "banner", "conversation", "keys", "prompts", "render", "tools"]

_TITLE_MAX: Final = 200
_PROMPT_MAX: Final = 90
_VALUES_SHOWN: Final = 6
_AGENTS_SHOWN: Final = 3
_PROMPTS_MAX: Final = 2_000
_KINDS: Final = {
    "all": "All",
    "user": "User",
    "assistant": "Assistant",
    "system": "System",
    "call": "Tools",
    "failed": "Failed",
}
# Called with how many entries are done, how many there are, and what is done.
Progress = Callable[[int, int, str], None]


def render(session: Session, *, progress: Progress | None = None) -> Iterator[str]:
    """Give the page in pieces, a few for each entry: what it takes in memory is the session and one entry.

    Args:
        session: what to show.
        progress: told after each entry how many are done.
    """
    title = one_line(session.title, _TITLE_MAX) or session.id
    yield _head(title)
    yield banner(session, title)
    order = session.timeline
    yield tools(order)
    yield '<div class="columns">\n'
    yield from prompts(order)
    yield '<main id="conversation" tabindex="-1" aria-label="Conversation">\n'
    yield '<noscript><p class="note">Search and keys need JavaScript; everything can be read without.</p></noscript>\n'
    yield from conversation(session, order, progress=progress)
    if not order:
        yield '<p class="empty">Nothing was said here.</p>\n'
    yield '<p class="empty" id="nothing" hidden>Nothing fits. <button type="button" id="clear">Show all</button></p>\n'
    yield "</main>\n</div>\n"
    yield _foot()


def conversation(
    session: Session, entries: Sequence[Entry], *, first: int = 1, day: str = "", progress: Progress | None = None
) -> Iterator[str]:
    """Give entries of a session as articles, a line before each day's first.

    Args:
        session: the session they are of.
        entries: which of them to show.
        first: the number of the first one; entries count from 1.
        day: the day that was told last, as `2026-11-22`.
        progress: told after each entry how many are done.
    """
    around = Around(known_calls(session.tool_executions), session.project_path)
    for number, entry in enumerate(entries, first):
        today = entry.timestamp.date().isoformat()
        if today != day:
            yield f'<p class="day"><time datetime="{today}">{today}</time></p>\n'
            day = today
        yield from show_entry(number, entry, around)
        if progress is not None:
            progress(number - first + 1, len(entries), "rendering")


@cache
def asset(name: str) -> str:
    """Give a file that pages are made of: `page.css` or `page.js`."""
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _hash(content: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() + "'"


@cache
def _policy() -> str:
    """Nothing is fetched, nothing is sent, no script and no style but ours (CSP level 3)."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hash(asset('page.js'))}",
            f"style-src {_hash(asset('page.css'))}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _head(title: str) -> str:
    return f"""<!doctype html>
<html lang="en" data-theme="auto">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<meta name="generator" content="superqode">
<meta http-equiv="x-dns-prefetch-control" content="off">
<title>{attribute(title)}</title>
<link rel="icon" href="data:,">
<style>{asset("page.css")}</style>
</head>
<body>
<a class="skip" href="#conversation">Skip to the conversation</a>
"""


def banner(session: Session, title: str, shown: range | None = None) -> str:
    """Give the head of a session: its title, what people look for first, and all facts and files, folded.

    Args:
        session: the session.
        title: what to call it.
        shown: the numbers of the entries that stand on the page; `None` for all.
    """
    told = [f"<div><dt>{name}</dt><dd>{_listed(values)}</dd></div>\n" for name, values in facts(session)]
    note = excerpt_note(session)
    excerpt = f'<p class="excerpt">{text(_sentence(note))}</p>\n' if note else ""
    return f"""<header class="banner">
<h1 dir="auto">{text(title)}</h1>
<p class="gist-line">{"".join(f"<span>{text(part)}</span> " for part in _gist(session))}</p>
{excerpt}<div class="folded"><details class="about"><summary>About this session</summary>
<dl class="facts">
{"".join(told)}</dl></details>
{"".join(show_touched(session, shown))}</div>
</header>
"""


def _gist(session: Session) -> Iterator[str]:
    """What people look for first."""
    yield from (one_line(agent) for agent in session.agents_used[:_AGENTS_SHOWN])
    if session.project_path:
        yield one_line(session.project_path, _TITLE_MAX)
    begun, changed = moment(session.created_at), moment(session.updated_at)
    same_day = begun[:10] == changed[:10]
    yield begun[:10] if same_day else f"{begun[:10]} to {changed[:10]}"
    yield counted(len(session.messages), "message")
    if session.tool_executions:
        yield counted(len(session.tool_executions), "tool call")


def _sentence(told: str) -> str:
    line = one_line(told)
    return f"{line[:1].upper()}{line[1:]}."


def _listed(values: list[str]) -> str:
    shown = [f"<span>{text(one_line(value))}</span>" for value in values]
    if len(shown) <= _VALUES_SHOWN:
        return " ".join(shown)
    return f"<details><summary>{len(shown):,}</summary>{' '.join(shown)}</details>"


def tools(order: Sequence[Entry]) -> str:
    """Give the bar that searches, filters and folds these entries; `page.js` makes it work."""
    counts = {"all": len(order), "user": 0, "assistant": 0, "call": 0, "failed": 0}
    for entry in order:
        kind = "call" if isinstance(entry, ToolExecution) or entry.role is MessageRole.TOOL else entry.role.value
        counts[kind] = counts.get(kind, 0) + 1
        counts["failed"] += isinstance(entry, ToolExecution) and not entry.success
    kinds = "".join(
        f'<button type="button" data-show="{kind}" aria-pressed="{"true" if kind == "all" else "false"}">'
        f"{name} <span>{counts[kind]:,}</span></button>"
        for kind, name in _KINDS.items()
        if counts.get(kind)
    )
    return f"""<div class="tools" role="search" aria-label="Search and view">
<div class="find">
<input id="find" type="search" placeholder="Search" aria-label="Search this session" autocomplete="off" \
spellcheck="false" aria-keyshortcuts="/">
<output id="found" for="find" aria-live="polite"></output>
<button type="button" id="back" aria-label="Previous match" title="Previous match (Shift+N or p)" \
disabled>&#8593;</button>
<button type="button" id="next" aria-label="Next match" title="Next match (n)" disabled>&#8595;</button>
</div>
<div class="row">
<div class="kinds" role="group" aria-label="Show only">{kinds}</div>
<div class="view" role="group" aria-label="View">
<button type="button" id="fold" aria-pressed="false" title="Unfold or fold everything (e)">Unfold all</button>
<button type="button" id="theme" title="Light, dark, or as the system is (t)">Theme: auto</button>
<button type="button" id="keys" aria-haspopup="dialog" title="Keys (?)">Keys</button>
</div>
</div>
</div>
"""


def prompts(order: Sequence[Entry], *, first: int = 1) -> Iterator[str]:
    """Give every prompt of these entries, the first of which has the number `first`, by its first line to jump to."""
    numbered = (
        (number, entry)
        for number, entry in enumerate(order, first)
        if isinstance(entry, Message) and entry.role is MessageRole.USER and entry.content.strip()
    )
    listed = list(islice(numbered, _PROMPTS_MAX))
    if not listed:
        return
    yield '<nav class="prompts" aria-labelledby="prompts"><h2 id="prompts">Prompts</h2>\n<ol>\n'
    for number, entry in listed:
        told = text(one_line(entry.content.lstrip(), _PROMPT_MAX))
        yield f'<li><a href="#{anchor(number)}" dir="auto">{told}</a></li>\n'
    more = sum(1 for _ in numbered)
    yield f"</ol>\n{f'<p>and {more:,} more</p>' if more else ''}</nav>\n"


def keys() -> str:
    """Give the dialog that tells the keys of a conversation."""
    told = (
        ("/", "search"),
        ("n N p", "next match; previous match with Shift+N or p"),
        ("j k", "next and previous entry"),
        ("Enter", "fold or unfold the entry"),
        ("e", "fold or unfold everything"),
        ("t", "light, dark, or as the system is"),
        ("Esc", "leave and empty the search"),
    )
    rows = "".join(
        f"<dt>{' '.join(f'<kbd>{key}</kbd>' for key in named.split())}</dt><dd>{does}</dd>\n" for named, does in told
    )
    return f"""<dialog id="help" aria-labelledby="helpname"><h2 id="helpname">Keys</h2>
<dl>
{rows}</dl>
<form method="dialog"><button>Close</button></form></dialog>
"""


def _foot() -> str:
    return f"""<footer><p>Exported by superqode. Times are UTC. This page loads nothing and sends nothing.</p></footer>
{keys()}<script>{asset("page.js")}</script>
</body>
</html>
"""
