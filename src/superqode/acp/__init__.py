"""A client of the Agent Client Protocol: starts an agent, talks to it, gives each turn as messages and executions.

    async with AcpAgent(("gemini", "--experimental-acp"), cwd=project) as agent:
        turn = await agent.prompt("Fix the SQL injection", ask_permission=allow)
        turn.add_to(session)

The protocol is JSON-RPC, one message a line, over the agent's standard input and output. The package
`agent-client-protocol` (extra `[acp]`) pairs requests with answers and knows the messages' types; what an agent says
becomes entries by the same pieces that import recordings (`session/importers/acp`). Names load when they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from superqode.session.lazy import lazy_names

if TYPE_CHECKING:
    from superqode.acp.agent import AcpAgent as AcpAgent
    from superqode.acp.permission import Diff as Diff
    from superqode.acp.permission import Option as Option
    from superqode.acp.permission import Permission as Permission
    from superqode.acp.permission import allow as allow
    from superqode.acp.permission import refuse as refuse
    from superqode.acp.turn import Turn as Turn
    from superqode.acp.turn import Update as Update

_HOMES: Final = {
    "AcpAgent": "superqode.acp.agent",
    "Diff": "superqode.acp.permission",
    "Option": "superqode.acp.permission",
    "Permission": "superqode.acp.permission",
    "Turn": "superqode.acp.turn",
    "Update": "superqode.acp.turn",
    "allow": "superqode.acp.permission",
    "refuse": "superqode.acp.permission",
}

__all__ = list(_HOMES)

__getattr__, __dir__ = lazy_names(globals(), _HOMES)
