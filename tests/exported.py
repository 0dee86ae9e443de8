"""Sessions that exporters are tried on: one with a bit of everything, one that attacks, and what hypothesis makes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

import strategies
from superqode.session import Session
from superqode.session.models import Message, ToolExecution

__all__ = ["DIFF", "PAYLOADS", "attack", "everything", "hostile_sessions", "many"]

BEGIN = datetime(2026, 11, 22, 9, 58, tzinfo=UTC)
DIFF = """Some words
- a point
diff --git a/x.py b/x.py
index 3f1c2aa..9d0e4b1 100644
--- a/x.py
+++ b/x.py
@@ -1,3 +1,3 @@ def f():
 same
-old
+new
 end
- another point
"""

PAYLOADS = (
    "<script>window.pwned=1</script>",
    "</script><script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    "</pre></details></article></main><script>window.pwned=1</script>",
    '"><svg onload=window.pwned=1>',
    "' onmouseover='window.pwned=1",
    "[a](javascript:window.pwned=1) [b](JaVaScRiPt&colon;window.pwned=1) [c](data:text/html,<script>window.pwned=1</script>)",
    "[d](vbscript:x) <javascript:window.pwned=1> [e](&#106;avascript:window.pwned=1)",
    "![x](http://127.0.0.1:9/pixel.png) ![y](javascript:window.pwned=1) <img src='http://127.0.0.1:9/p.png'>",
    '[f](http://example.invalid/"onmouseover="window.pwned=1)',
    "<iframe src=http://127.0.0.1:9/></iframe><link rel=stylesheet href=http://127.0.0.1:9/x.css>",
    "<style>@import 'http://127.0.0.1:9/x.css'</style><base href=http://127.0.0.1:9/>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>",
    "<!-- <![CDATA[ --!> ]]> <plaintext> <xmp> <textarea> <title>",
    "```\n</code></pre><script>window.pwned=1</script>\n",
    '```"><script>window.pwned=1</script>\nx\n```',
    "{{constructor.constructor('window.pwned=1')()}} ${window.pwned=1}",
    "\x1b]0;owned\x07\x1b[2J\u202egnp.exe\r\x9b31m \0 \ud800 \U000e0041 \u200b",
    "| a |\n|:-:|\n| <script>window.pwned=1</script> |",
)


def session_of(*entries: Message | ToolExecution, **fields: object) -> Session:
    """Make a session of ready entries."""
    made = Session.model_validate({"id": "session-1", "title": "A title", "created_at": BEGIN} | fields)
    for entry in entries:
        made.add(entry)
    return made


def everything() -> Session:
    """Make a session with a bit of everything that exporters show."""
    at = iter(BEGIN + timedelta(seconds=7 * number) for number in range(100))
    made = session_of(
        Message(id="m0", role="system", content="Be brief. " * 60, timestamp=next(at)),
        Message(id="m1", role="user", content="Fix the **login**\n\nplease", timestamp=next(at)),
        Message(
            id="m2",
            role="assistant",
            content="## Plan\n\n1. look\n2. mend\n\n```py\nprint(1)\n```\n\n| a | b |\n|:--|--:|\n| 1 | 2 |\n",
            agent_name="codex",
            timestamp=next(at),
            metadata={"thinking": ["First I ponder.", "Then I act."]},
            tool_calls=[
                {"id": "c1", "name": "Bash", "input": {"command": "git diff"}},
                {"id": "gone", "function": {"name": "Nap", "arguments": '{"minutes": 5}'}, "type": "function"},
            ],
        ),
        ToolExecution(
            id="c1",
            tool_name="Bash",
            arguments={"command": "git diff"},
            result=DIFF,
            success=True,
            duration_ms=1234,
            agent_name="codex",
            timestamp=next(at),
        ),
        ToolExecution(
            id="c2",
            tool_name="Edit",
            arguments={"file_path": "/p/src/a.py", "old_string": "one\ntwo\n", "new_string": "one\n2\n"},
            result="",
            success=False,
            timestamp=next(at),
        ),
        Message(id="m3", role="tool", content="five minutes later", tool_call_id="gone", timestamp=next(at)),
        Message(id="m4", role="assistant", content="Done, at last.", agent_name="codex", timestamp=next(at)),
        project_path="/p",
        tags=["security"],
    )
    made.create_snapshot("Before fix", snapshot_id="snap-1", created_at=BEGIN)
    return made


def attack() -> Session:
    """Make a session whose every field tries to get out."""
    entries: list[Message | ToolExecution] = []
    for number, text in enumerate(PAYLOADS):
        entries += [
            Message(id=f"m{number}{text}", role="user", content=text, agent_name=text, metadata={"thinking": text}),
            Message(
                id=f"n{number}{text}",
                role="assistant",
                content=text * 2,
                tool_calls=[{"name": text, "input": {text: text}}, text],
            ),
            Message(id=f"o{number}", role="tool", content=text, tool_call_id=text),
            Message(id=f"p{number}", role="system", content=text * 30),
            ToolExecution(
                id=f"c{number}{text}",
                tool_name=text,
                arguments={text: text, "path": text, "old_string": text, "new_string": text + "\n" + text},
                result=DIFF + text,
                success=False,
                agent_name=text,
            ),
        ]
    made = session_of(*entries, title=" ".join(PAYLOADS), tags=list(PAYLOADS), project_path=PAYLOADS[0])
    made.files_modified = list(PAYLOADS)
    for number, text in enumerate(PAYLOADS):
        made.create_snapshot(text, snapshot_id=f"snap-{number}")
    return made


def many(count: int) -> Session:
    """Make a long session: prompts, answers and calls in turn."""
    parts = everything().timeline
    copies = (
        parts[number % len(parts)].model_copy(
            update={"id": f"x{number}", "timestamp": BEGIN + timedelta(minutes=number)}
        )
        for number in range(count)
    )
    return session_of(*copies)


_FRAGMENTS = st.sampled_from(
    [
        "```",
        "~~~",
        "````\n",
        "> ",
        ">" * 45,
        "<script>",
        "</details>",
        "<!--",
        "\n\n## Assistant\n\n",
        "[a]: http://x\n",
        "[a]",
        "![i](http://x)",
        "[l](javascript:x)",
        "<http://x>",
        "- ",
        "1. ",
        "    ",
        "\t",
        "|a|b|\n|-|-|\n",
        "`",
        "\\",
        "$$",
        "*",
        "__",
        "&#60;b&#62;",
        "&lt;",
        "\r",
        "\r\n",
        "\x0b",
        "\x0c",
        "\x85",
        "\u2028",
        "\n",
        "\n\n",
        " ",
        "x",
        "\x00",
        "@@ -1 +1,9 @@\n",
        "--- a\n+++ b\n",
        "diff --git \n",
        "*** Begin Patch\n",
        "+",
        "-",
        "[1] user, now\n",
        "===\n",
        "---\n",
    ]
)
_fragmented = st.lists(_FRAGMENTS, max_size=12).map("".join)
_attacking = st.one_of(st.sampled_from(PAYLOADS), _fragmented, strategies.texts)


def _attacked(entry: Message | ToolExecution, text: str) -> Message | ToolExecution:
    if isinstance(entry, Message):
        return Message.model_validate({**entry.to_dict(), "content": text, "metadata": {"thinking": [text]}})
    told = {"arguments": {**entry.arguments, "command": text}, "result": text}
    return ToolExecution.model_validate({**entry.to_dict(), **told})


@st.composite
def hostile_sessions(draw: st.DrawFn) -> Session:
    """Any session, some of its entries full of markup."""
    made = draw(strategies.sessions())
    entries = [_attacked(entry, draw(_attacking)) if draw(st.booleans()) else entry for entry in made.timeline]
    fields = {"id": made.id, "title": draw(_attacking), "tags": made.tags, "metadata": made.metadata}
    return session_of(*entries, **fields)
