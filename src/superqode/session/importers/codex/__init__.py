"""Codex: rollout files from bare records (0.20) to paginated histories, code mode and sub-agents (0.169)."""

from superqode.session.importers.codex.importer import CodexImporter

__all__ = ["CodexImporter"]
