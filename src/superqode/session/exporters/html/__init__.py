"""A session as one self-contained HTML page: read, searched and folded in any browser, without a server.

| module | what it knows |
|---|---|
| `page` | the page around the entries: head, policy, facts, tools; `render` streams it |
| `entries` | one message or tool call as an `<article>` |
| `prose`, `safe` | Markdown of messages as safe HTML |
| `values` | arguments: text, edits and JSON as people read them |
| `touched` | the files that were changed, and where |
| `blocks` | preformatted text, huge texts in pieces, coloured diffs |
| `diffs` | which text is a diff, and the diff of an edit |
| `escape` | text and attributes that are nothing but text |
| `page.css`, `page.js` | how it looks, and what it does |

Nothing on the page comes from elsewhere, and nothing in a session becomes anything but text: HTML in Markdown is text,
pictures are their descriptions, and only http, https and mailto links are links. Should something get through all the
same, the page's own Content-Security-Policy lets no script run but ours, by its hash, and nothing be fetched.
"""

from __future__ import annotations

from superqode.session.exporters.html.page import render

__all__ = ["render"]
