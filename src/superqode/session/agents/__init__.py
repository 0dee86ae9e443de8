"""Coding agents: where each keeps its sessions, and how each is asked to tell when a turn is over.

| module | what it knows |
|---|---|
| `table` | the agents, and the documented places of their sessions |
| `places` | those places on this machine: which folders and files are there |
"""

from __future__ import annotations

from superqode.session.agents.places import FoundPlace, find_places, named_place
from superqode.session.agents.table import AGENTS, Agent, Place, agent_named

__all__ = ["AGENTS", "Agent", "FoundPlace", "Place", "agent_named", "find_places", "named_place"]
