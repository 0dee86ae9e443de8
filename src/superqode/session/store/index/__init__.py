"""The index: one SQLite file derived from the refs. Deleting it loses nothing but speed.

| module | what it knows |
|---|---|
| `database` | the file: its schema, opening it, throwing it away when in doubt |
| `scan` | whether refs changed since last time, and which |
| `rows` | one session → one row |
| `moments` | times as whole microseconds |
| `words` | text → words that full-text search can find, queries too |
| `activity` | what happened when, by whom, with which tool, as sums |
| `texts` | a session's entries → the full-text tables |
| `catalogue` | all of it together: refresh, list, search |
"""
