"""Files of our own that agents load: a plugin for opencode, an extension for Pi. They start the shim and wait not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from string import Template
from typing import Final

__all__ = ["OPENCODE", "PI", "Plugin"]

_MARK: Final = "// superqode-rescue: "


@dataclass(frozen=True, slots=True)
class Plugin:
    """A file that is ours as a whole.

    Attributes:
        agent: the agent's name.
        template: its text, with `$shim` for a JavaScript string.
    """

    agent: str
    template: str

    def found(self, text: str) -> list[str]:
        """Give our text, if it is ours.

        Raises:
            ValueError: another file stands there.
        """
        if text and not text.startswith(_MARK):
            raise ValueError("another file has this name")
        return [text] if text else []

    def added(self, text: str, shim: str) -> str:
        """Give the file's text.

        Raises:
            ValueError: another file stands there.
        """
        self.found(text)
        return _MARK + Template(self.template).substitute(shim=json.dumps(shim))

    def removed(self, text: str) -> str:
        """Give nothing: the file goes.

        Raises:
            ValueError: another file stands there.
        """
        self.found(text)
        return ""


# `session.idle` comes after each turn, and opencode waits for no handler: hence the detached child.
OPENCODE: Final = Plugin(
    "opencode",
    """tells superqode when a turn is over; `superqode hooks remove --agent opencode` removes it
import { spawn } from "node:child_process"

const shim = $shim

export const SuperqodeRescue = async () => ({
  event: async ({ event }) => {
    if (event?.type !== "session.idle") return
    try {
      const report = JSON.stringify({ session_id: event.properties?.sessionID })
      const child = spawn(shim, ["opencode", report], { cwd: "/", detached: true, stdio: "ignore" })
      child.on("error", () => {})
      child.unref()
    } catch {}
  },
})
""",
)

# `agent_end` is awaited by Pi, so nothing is waited for here.
PI: Final = Plugin(
    "pi",
    """tells superqode when a turn is over; `superqode hooks remove --agent pi` removes it
import { spawn } from "node:child_process"

const shim = $shim

export default function (pi: any) {
  pi.on("agent_end", async (_event: any, ctx: any) => {
    try {
      const report = JSON.stringify({ transcript_path: ctx.sessionManager.getSessionFile() })
      const child = spawn(shim, ["pi", report], { cwd: "/", detached: true, stdio: "ignore" })
      child.on("error", () => {})
      child.unref()
    } catch {}
  })
}
""",
)
