"""`superqode sessions`: the group; its commands stand in the modules beside this one."""

from __future__ import annotations

from typing import Final

import click

from superqode.cli.exit_codes import help_lines
from superqode.cli.lazy import LazyGroup, examples
from superqode.cli.options import store_option

__all__ = ["sessions"]

_HERE: Final = "superqode.cli.sessions"

_COMMANDS: Final = {
    "list": (f"{_HERE}.browse:list_", "List sessions, newest first."),
    "search": (f"{_HERE}.browse:search", "Find words in titles, tags, messages and tool text."),
    "tree": (f"{_HERE}.browse:tree", "Draw which session is a fork of which."),
    "stats": (f"{_HERE}.stats:stats", "Count what is here: by time, agent, project, tool, tag; the disk."),
    "show": (f"{_HERE}.read:show", "Read a conversation."),
    "log": (f"{_HERE}.read:log", "Show the saves of a session, newest first."),
    "diff": (f"{_HERE}.read:diff", "Show what differs between two sessions or two saves."),
    "import": (f"{_HERE}.importing:import_", "Import what other agents wrote."),
    "rescue": (f"{_HERE}.rescuing:rescue", "Bring in what all agents on this machine wrote."),
    "reimport": (f"{_HERE}.importing:reimport", "Map the kept originals of imports again."),
    "export": (f"{_HERE}.exporting:export", "Write sessions to files, or one to a pipe."),
    "resume": (f"{_HERE}.resuming:resume", "Go on with a session in an agent, whichever agent it began in."),
    "new": (f"{_HERE}.change:new", "Make an empty session and print its id."),
    "edit": (f"{_HERE}.change:edit", "Change a session's title, tags or project."),
    "fork": (f"{_HERE}.change:fork", "Go on from a session, or an earlier save of it, under a new id."),
    "merge": (f"{_HERE}.merging:merge", "Take in what a fork, or another life of a session, has."),
    "rename": (f"{_HERE}.change:rename", "Give a session another id."),
    "snapshot": (f"{_HERE}.rewind:snapshot", "Name the present state, to go back to it."),
    "snapshots": (f"{_HERE}.rewind:snapshots", "List the snapshots of a session."),
    "restore": (f"{_HERE}.rewind:restore", "Go back to a snapshot or an earlier save, as a new save."),
    "undo": (f"{_HERE}.rewind:undo", "Go back one save, as a new save."),
    "redo": (f"{_HERE}.rewind:redo", "Take the last undo back."),
    "delete": (f"{_HERE}.discard:delete", "Move sessions to the trash."),
    "undelete": (f"{_HERE}.discard:undelete", "Bring a session back from the trash."),
    "trash": (f"{_HERE}.discard:trash", "List what is in the trash."),
    "purge": (f"{_HERE}.discard:purge", "Forget what is in the trash, for good."),
    "prune": (f"{_HERE}.discard:prune", "Move sessions that have not changed for long to the trash."),
    "scan": (f"{_HERE}.secrets:scan", "Find passwords, keys and tokens in sessions."),
    "scrub": (f"{_HERE}.secrets:scrub", "Take a secret out of a session's whole history, for good."),
    "verify": (f"{_HERE}.upkeep:verify", "Read everything and report what is damaged."),
    "repair": (f"{_HERE}.upkeep:repair", "Make whole what is damaged, from copies; destroys nothing."),
    "maintain": (f"{_HERE}.upkeep:maintain", "Pack the store and sweep leftovers."),
    "backup": (f"{_HERE}.upkeep:backup", "Write the whole store into one file."),
    "restore-backup": (f"{_HERE}.upkeep:restore_backup", "Make a store from a backup."),
}


@click.group(
    cls=LazyGroup,
    table=_COMMANDS,
    epilog=examples(
        "superqode sessions list --tag security --since 7d",
        "superqode sessions show @latest",
        "superqode sessions search sql injection --json",
    )
    + "\n"
    + help_lines(),
)
@store_option
def sessions() -> None:
    """Keep, read, search, fork and undo sessions.

    ID is a session's id, the beginning of one, its whole title, or @latest. REV is a save (its commit id or the
    beginning of it), a snapshot's id, or ~N for N saves back.
    """
