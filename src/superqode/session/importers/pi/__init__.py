"""Pi's sessions: `~/.pi/agent/sessions/--<folder>--/<time>_<session>.jsonl`, a header and a tree of entries."""

from superqode.session.importers.pi.importer import PiImporter

__all__ = ["PiImporter"]
