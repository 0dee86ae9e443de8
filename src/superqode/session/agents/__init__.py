"""Coding agents: where each keeps its sessions, and how each is asked to tell when a turn is over.

| module | what it knows |
|---|---|
| `table` | the agents, and the documented places of their sessions |
| `places` | those places on this machine: which folders and files are there |
| `hooks` | which hook of which agent tells that a turn is over, and where it is set up |
| `settings`, `json_text`, `notify`, `plugins` | the entries themselves, put into a text and taken out again |
| `shim` | the program that agents run |
| `files` | settings files read and replaced |
"""

from __future__ import annotations

from superqode.session.agents.places import FoundPlace, find_places, named_place
from superqode.session.agents.table import AGENTS, Agent, Place, agent_named

__all__ = ["AGENTS", "Agent", "FoundPlace", "Place", "agent_named", "find_places", "named_place"]
