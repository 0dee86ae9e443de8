"""What lists show of sessions, saves, hits and shares: lines of safe pieces, two an item or one."""

from __future__ import annotations
