"""`superqode share`: the group; its commands stand in the modules beside this one.

| module | what it knows |
|---|---|
| `options` | what these commands share: links, own shares with completion, the remote, the manager they open |
| `asking` | passwords: from a prompt, standard input or the environment, never from the command line |
| `passphrase` | passphrases that can be read out |
| `masking` | errors never repeat what opens a share |
| `telling` | what is printed of a share, and what is kept back |
| `making`, `reading`, `keeping`, `passwords` | the commands |
"""

from __future__ import annotations

from typing import Final

import click

from superqode.cli.exit_codes import help_lines
from superqode.cli.lazy import LazyGroup, examples
from superqode.cli.options import store_option

__all__ = ["share"]

_HERE: Final = "superqode.cli.share"

_COMMANDS: Final = {
    "create": (f"{_HERE}.making:create", "Share a session and print its link."),
    "list": (f"{_HERE}.keeping:list_", "List shares: yours, or a remote's public ones."),
    "show": (f"{_HERE}.keeping:show", "Tell about a share: of what, for whom, how long."),
    "open": (f"{_HERE}.reading:open_", "Read a shared conversation."),
    "fork": (f"{_HERE}.reading:fork", "Go on from a shared session in your own store."),
    "update": (f"{_HERE}.making:update", "Bring a share up to date, or change its terms."),
    "push": (f"{_HERE}.making:push", "Send shares that wait."),
    "revoke": (f"{_HERE}.keeping:revoke", "Take a share back, as far as that goes."),
    "prune": (f"{_HERE}.keeping:prune", "Delete expired shares, here and on the remote."),
    "passwords": (f"{_HERE}.passwords:passwords", "List, add and remove a share's passwords."),
}

_HONESTY: Final = """
What a plain Git host does, and what nobody can:
  It sees who pushes and fetches, when, how much, and when a share expires.
  It can read public shares; of the others it has ciphertext, and no titles.
  It enforces no expiry, no "view only" and no "no fork": superqode keeps them.
  Revoking deletes the share; what was fetched stays, and a host may keep bytes.
  Whoever has link and password can pass them on. Masking misses some secrets.
"""


@click.group(
    cls=LazyGroup,
    table=_COMMANDS,
    epilog=examples(
        "superqode share create @latest --expires 7d",
        "superqode share create session-123 --visibility private --generate",
        "superqode share open 'https://git.example/team/shares.git#01h…'",
    )
    + _HONESTY
    + "\n"
    + help_lines(),
)
@store_option
def share() -> None:
    """Hand sessions to others through any Git remote.

    LINK is what `share create` printed: the remote's address, # and a token. Whoever has it can open an
    unlisted share, so treat it as the content. Given as - it is read from standard input, which keeps it out
    of the shell's history. SHARE is one of yours: its link, its id, or the beginning of its id.
    """
