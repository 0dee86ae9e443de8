"""The terminal app, `superqode tui`: sessions found, read, gone on with, shared, on one screen.

| module | what it knows |
|---|---|
| `app` | what is opened first, themes, the palette's commands, the look around for others' saves: wiring only |
| `library` | every call of the store, in a thread: a slow disk never freezes the screen |
| `opened` | the session that is open: what is added is saved before anything else happens to it |
| `talk` | one prompt to an ACP agent, its answer as it comes, each step saved |
| `pacing` | how often something that grows is drawn anew |
| `garbage` | how often the process looks for cycles |
| `filtering` | what people type to narrow a list |
| `lines`, `rows/` | text from outside as safe lines, each piece with the role it plays; no style, no widget |
| `entries`, `prose`, `wrapping` | one message or tool call as lines of a width |
| `notices` | errors told on the screen |
| `settings`, `themes` | how the app is to run; colours |
| `widgets/` | lists and conversations that draw only what is seen; forms |
| `screens/` | one module a screen or dialog, folders as on the screen; a dialog gives a typed result |

Nothing here reads the environment or a file: `cli/tui.py` does, and hands on what it found.
"""

from __future__ import annotations
