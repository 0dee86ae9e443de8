"""The agents' own programs, started on this machine: to bring a session to them, and to go on with it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

__all__ = ["PACKAGES", "configured_model", "find_program", "moving_variable", "run_in_terminal", "run_quietly"]

# What each agent's program is called, and what npm calls its package.
PACKAGES: Final[Mapping[str, tuple[str, str]]] = {
    "claude-code": ("claude", "@anthropic-ai/claude-code"),
    "codex": ("codex", "@openai/codex"),
    "gemini": ("gemini", "@google/gemini-cli"),
    "opencode": ("opencode", "opencode-ai"),
    "pi": ("pi", "@mariozechner/pi-coding-agent"),
    "qwen": ("qwen", "@qwen-code/qwen-code"),
}
# Variables that move an agent's sessions out of its folder, where a hand-off does not look.
_MOVING: Final[Mapping[str, str]] = {
    "pi": "PI_CODING_AGENT_SESSION_DIR",
    "qwen": "QWEN_RUNTIME_DIR",
}
# Seconds until a command that asks nothing counts as stuck; an import of a very long session takes a minute.
_PATIENCE: Final = 600
_SHOWN: Final = 600


def find_program(agent: str) -> str | None:
    """Give the path of an agent's program; `None` where it is not on `PATH`."""
    return shutil.which(PACKAGES[agent][0])


def moving_variable(agent: str) -> str:
    """Give the variable that is set here and moves an agent's sessions elsewhere; empty where none is."""
    name = _MOVING.get(agent, "")
    return name if os.environ.get(name) else ""


def run_quietly(words: tuple[str, ...], folder: Path) -> str:
    """Run a command that asks nothing; gives what it prints.

    Raises:
        click.ClickException: it is not there, is stuck, or says no.
    """
    program = shutil.which(words[0])
    if program is None:
        raise click.ClickException(f"{words[0]} is not found. Install it, or add its folder to PATH")
    try:
        done = subprocess.run(
            [program, *words[1:]],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_PATIENCE,
        )
    except subprocess.TimeoutExpired as problem:
        raise click.ClickException(f"`{' '.join(words[:2])}` did not end within {_PATIENCE} seconds") from problem
    except OSError as problem:
        raise click.ClickException(f"{program} cannot be run: {problem.strerror}") from problem
    if done.returncode != 0:
        told = (done.stderr or done.stdout).decode("utf-8", "replace").strip()[-_SHOWN:]
        raise click.ClickException(f"`{' '.join(words[:2])}` failed with exit code {done.returncode}: {told}")
    return done.stdout.decode("utf-8", "replace")


def run_in_terminal(words: tuple[str, ...], folder: Path) -> int:
    """Run a program in the foreground, on this terminal; gives its exit code, for a signal as shells do.

    A typed Ctrl-C is the program's: it decides what to do, and we wait for its end.

    Raises:
        click.ClickException: it cannot be started.
    """
    # A handler of ours, not `SIG_IGN`, which the program would inherit.
    before = signal.signal(signal.SIGINT, lambda *_signal: None)
    try:
        code = subprocess.call([shutil.which(words[0]) or words[0], *words[1:]], cwd=folder)
    except OSError as problem:
        raise click.ClickException(f"{words[0]} cannot be run: {problem.strerror}") from problem
    finally:
        signal.signal(signal.SIGINT, before)
    return 128 - code if code < 0 else code


def configured_model(folder: Path) -> str:
    """Give the model that opencode is set to use in a folder, as `provider/model`; empty where it does not tell."""
    try:
        told = json.loads(run_quietly(("opencode", "debug", "config"), folder))
    except (click.ClickException, ValueError):
        return ""
    model = told.get("model") if isinstance(told, dict) else None
    return model if isinstance(model, str) else ""
