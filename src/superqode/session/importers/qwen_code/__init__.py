"""Qwen Code's chats: `~/.qwen/projects/<folder>/chats/<session>.jsonl`, and its sub-agents' files."""

from superqode.session.importers.qwen_code.importer import QwenCodeImporter

__all__ = ["QwenCodeImporter"]
