"""What the tests of the client share."""

from __future__ import annotations

import pytest

from superqode.acp import agent, process


@pytest.fixture
def impatient(monkeypatch):
    """Agents that do not end by themselves are not waited for long."""
    monkeypatch.setattr(agent, "CANCEL_GRACE", 0.2)
    monkeypatch.setattr(process, "GRACE", 0.2)
