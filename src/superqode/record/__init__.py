"""The recorder: stands between a client and an agent of the Agent Client Protocol, and keeps what they say.

| module | what it knows |
|---|---|
| `tee` | the agent's process, and bytes that go to and fro unaltered, at once |
| `frames` | the copies of those bytes on their way to the keeper |
| `keeper` | the process that reads the copies, and when it is time to save |
| `sessions` | conversations of the protocol in the store |
| `log` | the raw traffic as a file that can be imported |

The keeper is a process of its own: whatever it does, the traffic does not wait for it, and it saves what was said
though the tee be killed. It understands the messages with the pieces that import recordings
(`session/importers/acp`), so a session is the same whether it was recorded or its log was imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from superqode.session.lazy import lazy_names

if TYPE_CHECKING:
    from superqode.record.keeper import Recording as Recording
    from superqode.record.tee import record as record

_HOMES: Final = {
    "Recording": "superqode.record.keeper",
    "record": "superqode.record.tee",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - one table serves both
__getattr__, __dir__ = lazy_names(globals(), _HOMES)
