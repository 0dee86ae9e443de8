"""Whatever a session holds, every exporter gives text that can be written, read, and does not get out of its place."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from exported import attack, hostile_sessions
from superqode.session import Session
from superqode.session.exporters import html, jsonlines, markdown, plaintext
from superqode.session.exporters.visible import UNSAFE, visible
from superqode.session.models import Message, ToolExecution

_UNSAFE = re.compile(f"[{UNSAFE}]")
_VOID = {"meta", "link", "br", "hr", "input"}
_ALLOWED = {
    "html",
    "head",
    "title",
    "style",
    "body",
    "a",
    "header",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "p",
    "span",
    "details",
    "summary",
    "dl",
    "div",
    "dt",
    "dd",
    "output",
    "button",
    "nav",
    "ol",
    "ul",
    "li",
    "main",
    "noscript",
    "article",
    "time",
    "section",
    "pre",
    "code",
    "ins",
    "del",
    "em",
    "strong",
    "s",
    "blockquote",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "footer",
    "dialog",
    "kbd",
    "form",
    "script",
} | _VOID
# What may stand inside of the conversation: no script, no style, nothing that loads or sends.
_INSIDE = _ALLOWED - {
    "html",
    "head",
    "body",
    "style",
    "script",
    "form",
    "meta",
    "link",
    "input",
    "output",
    "nav",
    "main",
}
_ATTRIBUTES = {
    "lang",
    "data-theme",
    "charset",
    "http-equiv",
    "content",
    "name",
    "href",
    "rel",
    "class",
    "id",
    "for",
    "type",
    "placeholder",
    "autocomplete",
    "spellcheck",
    "title",
    "tabindex",
    "role",
    "dir",
    "datetime",
    "target",
    "start",
    "open",
    "hidden",
    "disabled",
    "method",
    "data-kind",
    "data-show",
}


class Strict(HTMLParser):
    """Reads a page, and refuses what a page of ours never has."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.counts: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        allowed = _INSIDE if "main" in self.open else _ALLOWED
        assert tag in allowed, (tag, self.open)
        self.counts[tag] = self.counts.get(tag, 0) + 1
        for name, value in attrs:
            assert name in _ATTRIBUTES or name.startswith("aria-"), (tag, name)
            assert name != "href" or re.match(r"#|https?://|mailto:|data:,$", value or "", re.IGNORECASE), value
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _VOID, tag
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def check_page(session: Session) -> str:
    """See that a session's page is well-formed and has only what it may have."""
    page = "".join(html.render(session))
    page.encode()
    assert not _UNSAFE.search(page)
    read = Strict()
    read.feed(page)
    read.close()
    assert read.open == []
    assert read.counts["script"] == read.counts["style"] == read.counts["main"] == 1
    assert read.counts.get("article", 0) == len(session.timeline)
    return page


def check_markdown(session: Session) -> None:
    """See that a reader's parser finds the headings that we wrote, and no HTML, pictures or definitions."""
    text = "".join(markdown.render(session))
    text.encode()
    assert not _UNSAFE.search(text)
    told: dict[str, object] = {}
    tokens = MarkdownIt("commonmark").enable("table").parse(text, told)
    flat = [inner for token in tokens for inner in (token, *(token.children or ()))]
    assert not {"html_block", "html_inline", "image"} & {token.type for token in flat}
    assert not told.get("references")
    outer = [token for token in tokens if token.level == 0]
    assert [token.tag for token in outer if token.type == "heading_open"] == [
        "h1",
        *("h3" if isinstance(entry, ToolExecution) else "h2" for entry in session.timeline),
    ]
    fenced = {token.content for token in outer if token.type == "fence"}
    for call in session.tool_executions:
        assert not call.result or visible(call.result) + "\n" in fenced
    kinds = {token.type.removesuffix("_open").removesuffix("_close") for token in outer}
    assert kinds <= {"heading", "inline", "paragraph", "bullet_list", "fence", "blockquote"}


def check_text(session: Session) -> None:
    """See that only headings stand at the left margin, one for each entry, and no control is left."""
    text = "".join(plaintext.render(session))
    text.encode()
    assert not _UNSAFE.search(text)
    head, *entries = re.split(r"^(?=\[\d+\] )", text, flags=re.MULTILINE)
    assert all(re.match(r"[A-Z][a-z ]+: |$", line) for line in head.split("\n"))
    assert len(entries) == len(session.timeline)
    for entry in entries:
        assert all(line.startswith("  ") or not line for line in entry.split("\n")[1:])


def check_lines(session: Session) -> None:
    """See that every way of counting lines finds the entries, each of them whole."""
    text = "".join(jsonlines.render(session))
    text.encode()
    first, *rest = text.splitlines()
    assert text == "\n".join([first, *rest]) + "\n"
    assert json.loads(first)["id"] == session.id
    told = [json.loads(line) for line in rest]
    for number, (entry, line) in enumerate(zip(session.timeline, told, strict=True)):
        assert (line.pop("type"), line.pop("position")) == (entry.kind, number)
        assert line == entry.to_dict()


@pytest.mark.parametrize(
    "check", [check_page, check_markdown, check_text, check_lines], ids=lambda check: check.__name__
)
@given(hostile_sessions())
def test_any_session_stays_in_its_place(check, session):
    """Controls, markup, fences, headings of others: whatever is said stays what was said."""
    check(session)


@pytest.mark.parametrize(
    "check", [check_page, check_markdown, check_text, check_lines], ids=lambda check: check.__name__
)
def test_an_attack_in_every_field_stays_text(check):
    """Payloads in titles, names, arguments, ids, tags and file names become nothing else."""
    check(attack())


@pytest.mark.parametrize("check", [check_page, check_markdown, check_text, check_lines])
def test_a_call_is_asked_for_by_any_id(check):
    """What stands where the id of a call that was asked for should be may be anything."""
    session = Session(id="s", title="T")
    asked = [{"id": told, "call_id": told, "name": "f", "arguments": {}} for told in (["a"], {"a": 1}, 7, None)]
    session.add(Message(role="assistant", content="I look", tool_calls=asked))

    check(session)


def test_a_payload_is_shown_not_dropped():
    """Nothing hostile is hidden from the reader: the payload can be read on the page."""
    page = check_page(attack())
    assert "&lt;img src=x onerror=window.pwned=1&gt;" in page
    assert "\\u202e" in page
    assert 'title="U+202E RIGHT-TO-LEFT OVERRIDE"' in page
    assert "http://127.0.0.1:9/pixel.png" in page
