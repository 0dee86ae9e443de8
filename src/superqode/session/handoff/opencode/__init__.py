"""opencode: its export, handed to `opencode import`; what is there is read from a copy of its database."""

from superqode.session.handoff.opencode.writer import OpencodeWriter

__all__ = ["OpencodeWriter"]
