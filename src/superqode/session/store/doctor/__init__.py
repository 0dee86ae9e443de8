"""A store looked over from outside: what is well, what is not, what that means, and what to do.

| module | what it knows |
|---|---|
| `findings` | what an examination gives |
| `place` | the folder: its owner, mode, format, settings, permissions, locks, what lies about |
| `content` | refs, objects, the journal, the index, times |
| `surroundings` | the `git` program, hooks, remotes |
| `examining` | all of it together, and the repairs that are always safe |
"""

from __future__ import annotations

from superqode.session.store.doctor.examining import examine, repair
from superqode.session.store.doctor.findings import DoctorReport, Examined, Level, Repair

__all__ = ["DoctorReport", "Examined", "Level", "Repair", "examine", "repair"]
