"""A read-only view of a store for a browser on the same machine: list, search, conversation, history, lineage.

| module | what it knows |
|---|---|
| `server` | the HTTP server: loopback only, one thread a request, how it begins and ends |
| `guard` | who is let in: the token in the URL, the Host header, the method; the headers of every answer |
| `routes` | paths and queries, and the page for each |
| `links` | URLs of pages; whatever a session is called |
| `frame` | what all pages have around them |
| `listing`, `conversation`, `history`, `lineage` | the pages |
| `live` | the stream that says when a page has changed |
| `serve.css`, `serve.js` | how the pages look beside the exporter's, and how they follow changes |

Nothing here writes to a store. Pages load nothing from elsewhere and run no script but ours (Content-Security-Policy,
level 3, without inline script), and text of sessions is nothing but text, as on the exported page.
"""

from __future__ import annotations

from superqode.serve.server import Server

__all__ = ["Server"]
