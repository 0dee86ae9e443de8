"""The HTML page as text: everything is in it, nothing is loaded by it, and it comes in pieces."""

from __future__ import annotations

import base64
import hashlib
import re
import tracemalloc

import pytest

from exported import attack, everything, many, session_of
from superqode.session.exporters import html
from superqode.session.exporters.html.page import banner
from superqode.session.exporters.html.prose import prose
from superqode.session.models import Message, ToolExecution


def page_of(*entries: Message | ToolExecution, **fields: object) -> str:
    """The page of a session of these entries."""
    return "".join(html.render(session_of(*entries, **fields)))


def said(text: str) -> str:
    """A message's Markdown as HTML."""
    return "".join(prose(text))


def test_everything_is_on_the_page():
    """Title, facts, roles, agents, thoughts, calls, results, failures and open calls can be read."""
    page = "".join(html.render(everything()))
    for told in (
        "<title>A title</title>",
        "snap-1 Before fix",
        ">System</h2>",
        "<strong>login</strong>",
        "First I ponder.",
        "Asks for Nap",
        '<td class="right">2</td>',
        ">Bash</h2>",
        '<ins class="piece">+new\n</ins>',
        '<del class="piece">-two\n</del>',
        '<span class="state">failed</span>',
        "five minutes later",
        'datetime="2026-11-22T09:58:14.000000Z"',
    ):
        assert told in page, told
    assert "Asks for Bash" not in page


def test_the_policy_names_exactly_what_is_there():
    """The hashes in the policy are those of the one style and the one script; nothing else may be loaded or run."""
    page = "".join(html.render(attack()))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert not re.search(r"@import|url\(|https?://", re.search("<style>(.*?)</style>", page, re.DOTALL)[1])


def test_the_same_session_is_the_same_page():
    """A page can be compared and stored: nothing in it is of the moment it was made."""
    assert "".join(html.render(everything())) == "".join(html.render(everything()))


def test_it_comes_in_pieces_and_in_little_memory():
    """Rendering two thousand entries holds no more than a few of them."""
    made = many(2_000)
    list(html.render(many(10)))  # what is loaded once
    tracemalloc.start()
    total = sum(len(piece) for piece in html.render(made))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total > 1_000_000
    assert peak < 600_000


def test_progress_is_told():
    """Whoever asks is told after each entry."""
    told: list[tuple[int, int, str]] = []
    list(html.render(many(3), progress=lambda *one: told.append(one)))
    assert [(done, of) for done, of, _ in told] == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[a](https://x.example/?a=1&b=2)", 'href="https://x.example/?a=1&amp;b=2"'),
        ("[a](src/a.py)", '<span class="reference" title="src/a.py">a</span>'),
        ("[a](javascript:x)", "[a](javascript:x)"),
        ("![alt](http://x/y.png)", 'Image: alt <span class="url">http://x/y.png</span>'),
        ("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"),
        ("# x", "<h3>x</h3>"),
        ("a\nb", "<p>a<br>\nb</p>"),
        ("`a`\nb", "<br />"),
        ("[a]: http://x\n\n[a]", "[a]: http://x"),
        ("> " * 60 + "deep", "deep"),
        ("```diff\n-a\n+b\n```", '<del class="piece">-a\n</del><ins class="piece">+b\n</ins>'),
        ("```py\nx\n```", '<p class="language">py</p><pre class="code"'),
        ("nul \0 *and* \ud800", "nul \\x00 <em>and</em> \\ud800"),
        ("plain \x1b text", '<span class="control" title="U+001B">\\x1b</span>'),
        ("a \x1b[1;31mb", '<span class="control colour" title="colour in a terminal">\\x1b[1;31m</span>b'),
        ("&#x202e;*x*", '<span class="control" title="U+202E RIGHT-TO-LEFT OVERRIDE">'),
    ],
    ids=range(16),
)
def test_markdown_becomes_safe_html(text, shown):
    """Each kind of markup has its form, and what is unsafe is shown instead of done."""
    assert shown in said(text)


def test_a_huge_message_is_not_parsed():
    """Above what anybody writes as prose, a message is text; costly Markdown costs nothing."""
    assert said("[" * 100_000).startswith('<pre class="text prose-like"')


def test_huge_lines_are_cut_for_the_eye_only():
    """A line of a megabyte stands in pieces that a browser lays out one by one, and none of it is lost."""
    line = "".join(f"{number};" for number in range(150_000))
    page = page_of(ToolExecution(id="c", tool_name="x", arguments={}, result=line, success=True))
    pieces = re.findall(r'<span class="piece">([^<]*)</span>', page)
    assert len(pieces) > 50
    assert "".join(pieces) == line


def test_a_call_is_told_by_what_it_does():
    """The summary shows the command, or the path from the project on, on one line."""
    call = ToolExecution(id="c", tool_name="Read", arguments={"file_path": "/p/src/a.py"}, result="", success=True)
    assert '<span class="gist">src/a.py</span>' in page_of(call, project_path="/p")
    told = call.model_copy(update={"arguments": {"cmd": ["git", "log\n-1"]}})
    assert '<span class="gist">git log -1</span>' in page_of(told)
    patch = "*** Begin Patch\n*** Update File: src/a.py\n@@\n-x\n+y\n*** Add File: b.md\n+z\n*** End Patch"
    told = call.model_copy(update={"tool_name": "apply_patch", "arguments": {"input": patch}})
    assert '<span class="gist">update src/a.py, add b.md</span>' in page_of(told)
    told = call.model_copy(update={"arguments": {"input": "no patch"}})
    assert '<span class="gist">no patch</span>' in page_of(told)


def test_what_an_agent_put_in_is_folded():
    """Context that no person wrote stands aside, however short; a short system message of a person's does not."""
    said = Message(id="m", role="system", content="Be brief.")
    assert '<article class="entry system"' in page_of(said)
    put_in = said.model_copy(update={"metadata": {"injected": True}})
    assert '<article class="entry system folds"' in page_of(put_in)


def test_deep_and_odd_arguments_are_shown():
    """Objects are shown by their keys down to a depth, then as JSON; what is no object, as it is."""
    deep = {"a": {"b": {"c": {"d": {"e": [1, None, True]}}}}}
    page = page_of(ToolExecution(id="c", tool_name="x", arguments=deep, result="", success=True))
    assert "<dt>b</dt>" in page
    assert "&quot;e&quot;" in page
    page = page_of(Message(id="m", role="assistant", content="", tool_calls=[7, {"name": "f", "arguments": "raw"}]))
    assert ">7</code>" in page
    assert '<code dir="auto">raw</code>' in page


def test_files_link_only_to_what_is_shown():
    """Where a part of a session stands on a page, files are listed all the same, and links lead into that part."""
    calls = [
        ToolExecution(id=name, tool_name="Write", arguments={"path": "a.py"}, result="", success=True) for name in "abc"
    ]
    made = session_of(*calls)
    assert banner(made, "T").count('href="#e') == 3
    assert banner(made, "T", range(2, 4)).count('href="#e') == 2
    assert "a.py" in banner(made, "T", range(0))
