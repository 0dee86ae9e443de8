"""The Agent Client Protocol: recorded JSON-RPC traffic of any agent, and what turns it into sessions.

`Traffic` is fed one message at a time, from a recording or from a connection that is going on.
"""

from superqode.session.importers.acp.conversation import Conversation
from superqode.session.importers.acp.importer import AcpImporter
from superqode.session.importers.acp.parts import parts_of, stored_id, take_touches
from superqode.session.importers.acp.traffic import Traffic

__all__ = ["AcpImporter", "Conversation", "Traffic", "parts_of", "stored_id", "take_touches"]
