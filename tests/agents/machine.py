"""A machine with a user: a home, a project, every agent set up to ask the scripted model, and nothing of ours."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agents.model import Model
from agents.programs import Programs

__all__ = ["STARTS", "Machine"]

# How each agent takes a prompt without a terminal, with leave to use its tools; the prompt is put behind.
STARTS: Final = {
    "claude-code": ("claude", "-p"),
    "codex": ("codex", "exec"),
    "gemini": ("gemini", "--approval-mode", "yolo", "-p"),
    "opencode": ("opencode", "run"),
    "pi": ("pi", "-p"),
    "qwen": ("qwen", "--yolo", "-p"),
}
_PATIENCE: Final = 180
# What keeps each program on this machine.
_QUIET: Final = {
    "DO_NOT_TRACK": "1",
    "NO_UPDATE_NOTIFIER": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "GEMINI_CLI_NO_RELAUNCH": "true",
    "GEMINI_CLI_TRUST_WORKSPACE": "true",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    "OPENCODE_DISABLE_SHARE": "1",
    "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
    "PI_OFFLINE": "1",
    "PI_SKIP_VERSION_CHECK": "1",
    "PI_TELEMETRY": "0",
    "ANTHROPIC_API_KEY": "none",
    "GEMINI_API_KEY": "none",
    "OPENAI_API_KEY": "none",
    "OPENAI_MODEL": "scripted",
}
_GOOGLE: Final = {
    "general": {"disableAutoUpdate": True, "enableAutoUpdate": False},
    "disableAutoUpdate": True,
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
}


@dataclass
class Machine:
    """Somebody's machine.

    Attributes:
        name: by which the model tells its requests from others'.
        home: the user's home, of which nothing is outside.
        project: the folder they work in, a Git repository.
        programs: the agents.
        model: what the agents ask.
    """

    name: str
    home: Path
    project: Path
    programs: Programs
    model: Model

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        if not self.project.is_dir():
            self.project.mkdir(parents=True)
            (self.project / "greet.py").write_text('print("Helo, you")\n', "utf-8")
            self.run(["git", "init", "--quiet", "--initial-branch=main"])
            self.run(["git", "add", "--all"])
            ident = ["-c", "user.name=Ann", "-c", "user.email=ann@example.invalid"]
            self.run(["git", *ident, "commit", "--quiet", "--message=begin"])
        self._set_up(self.model.url(self.name, str(self.project)))

    @property
    def environment(self) -> dict[str, str]:
        """All that a program of this machine knows of it."""
        home, url = str(self.home), self.model.url(self.name, str(self.project))
        return {
            **_QUIET,
            "HOME": home,
            "PATH": self.programs.path,
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "NO_COLOR": "1",
            "CI": "1",
            "USER": "ann",
            "SHELL": "/bin/bash",
            "GIT_CONFIG_NOSYSTEM": "1",
            "ANTHROPIC_BASE_URL": url,
            "GOOGLE_GEMINI_BASE_URL": url,
            "OPENAI_BASE_URL": f"{url}/v1",
        }

    def run(self, words: Sequence[str], *, folder: Path | None = None) -> str:
        """Run a program, which must succeed; gives what it prints."""
        done = subprocess.run(
            list(words),
            cwd=folder or self.project,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
        assert done.returncode == 0, (words, done.returncode, done.stdout[-2000:], done.stderr[-3000:])
        return done.stdout

    def start(self, agent: str, prompt: str) -> str:
        """Let an agent begin a session with a prompt."""
        return self.run([*STARTS[agent], prompt])

    def _set_up(self, url: str) -> None:
        """Write the settings of every agent: which model to ask, and to tell nobody anything."""
        self._write(".claude/settings.json", {"permissions": {"allow": ["Bash", "Read"]}})
        self._write(".gemini/settings.json", {**_GOOGLE, "security": _security("gemini-api-key")})
        self._write(".qwen/settings.json", {**_GOOGLE, "security": _security("openai"), "model": {"name": "scripted"}})
        options = {"baseURL": f"{url}/v1", "apiKey": "none"}
        limit = {"context": 200_000, "output": 8_000}
        models = {"scripted": {"name": "Scripted", "tool_call": True, "limit": limit}}
        provider = {"npm": "@ai-sdk/openai-compatible", "name": "Test", "options": options, "models": models}
        chosen = {"model": "test/scripted", "small_model": "test/scripted", "autoupdate": False, "share": "disabled"}
        self._write(".config/opencode/opencode.json", {**chosen, "provider": {"test": provider}})
        known = {"id": "scripted", "name": "Scripted", "input": ["text"], "contextWindow": 128_000, "maxTokens": 8_000}
        test = {"baseUrl": f"{url}/v1", "apiKey": "none", "api": "openai-completions", "models": [known]}
        self._write(".pi/agent/models.json", {"providers": {"test": test}})
        self._write(".pi/agent/settings.json", {"defaultProvider": "test", "defaultModel": "scripted"})
        codex = (
            'model = "scripted"\nmodel_provider = "test"\ncheck_for_update_on_startup = false\n'
            'approval_policy = "never"\nsandbox_mode = "danger-full-access"\n[analytics]\nenabled = false\n'
            f'[model_providers.test]\nname = "Test"\nbase_url = "{url}/v1"\nwire_api = "responses"\n'
            'env_key = "OPENAI_API_KEY"\nrequest_max_retries = 1\nstream_max_retries = 1\n'
        )
        self._write(".codex/config.toml", codex)

    def _write(self, path: str, content: Any) -> None:
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content, indent=1), "utf-8")


def _security(kind: str) -> dict[str, Any]:
    return {"auth": {"selectedType": kind}, "folderTrust": {"enabled": False}}
