"""Gemini CLI's chats: one JSON object up to 0.38, a log of records since; a file for each sub-agent."""

from superqode.session.importers.gemini_cli.importer import GeminiCliImporter

__all__ = ["GeminiCliImporter"]
