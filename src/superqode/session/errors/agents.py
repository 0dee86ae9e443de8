"""Errors about agents that are started, talked to or recorded."""

from __future__ import annotations

from typing import Any

from superqode.session.errors.content import SessionError


class AgentError(SessionError):
    """An agent cannot be started, or a conversation with it went wrong.

    Attributes:
        turn: what the turn had come to before (`superqode.acp.Turn`), or None where there was none.
    """

    turn: Any = None


class AcpMissing(AgentError, ImportError):
    """The package that speaks the Agent Client Protocol is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "Talking to agents needs a package that is not installed: pip install 'agent-client-protocol>=0.12,<0.13'"
        )


class AgentNotStarted(AgentError, OSError):
    """The agent's command cannot be started.

    Attributes:
        program: the command's first word.
    """

    def __init__(self, program: str, reason: str) -> None:
        self.program = program
        super().__init__(f"The agent {program!r} cannot be started: {reason}. Check the command")


class AgentDied(AgentError, ConnectionError):
    """The agent ended, or closed its output, while an answer was expected.

    Attributes:
        exit_code: what it ended with, negative for a signal; None where it closed its output and runs on.
        stderr: the last of what it wrote there.
    """

    def __init__(self, program: str, exit_code: int | None, stderr: str) -> None:
        self.exit_code = exit_code
        self.stderr = stderr
        ended = "closed its output" if exit_code is None else f"ended with exit code {exit_code}"
        last = next((line.strip() for line in reversed(stderr.splitlines()) if line.strip()), "")
        told = f" Its last words: {last[:300]}" if last else " It said nothing"
        super().__init__(f"The agent {program!r} {ended} before it had answered.{told}")


class AgentTimedOut(AgentError, TimeoutError):
    """The agent did not answer in time."""

    def __init__(self, program: str, what: str, seconds: float) -> None:
        super().__init__(f"The agent {program!r} did not {what} within {seconds:g} s. Try again, or give it more time")


class AgentProtocolError(AgentError, ValueError):
    """What the agent sends is not the protocol, or is more than anybody needs."""

    def __init__(self, program: str, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"The agent {program!r} does not keep to the Agent Client Protocol: {reason}."
            " Check that its command starts it in ACP mode"
        )


class AgentRefused(AgentError):
    """The agent answered a request with an error.

    Attributes:
        code: the JSON-RPC error code (-32000: not logged in).
        told: the agent's own words.
    """

    def __init__(self, program: str, asked: str, code: int, told: str) -> None:
        self.code = code
        self.told = told
        hint = ". Log in with the agent's own program first" if code == -32000 else ""
        super().__init__(f"The agent {program!r} refused {asked}: {told[:500] or 'it says no more'}{hint}")
