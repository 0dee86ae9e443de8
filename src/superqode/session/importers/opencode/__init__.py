"""opencode: its JSON export, its storage of many small files (0.5 to 1.0), its database (1.1 on)."""

from superqode.session.importers.opencode.importer import OpencodeImporter

__all__ = ["OpencodeImporter"]
