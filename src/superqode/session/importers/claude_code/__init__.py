"""Claude Code's transcripts: `~/.claude/projects/<folder>/<session>.jsonl` and its sub-agents' files."""

from superqode.session.importers.claude_code.importer import ClaudeCodeImporter

__all__ = ["ClaudeCodeImporter"]
