"""The index: one SQLite file derived from the refs. Deleting it loses nothing but speed.

| module | what it knows |
|---|---|
| `database` | the file: its schema, opening it, throwing it away when in doubt |
| `scan` | whether refs changed since last time, and which |
| `rows` | one session → one row |
| `moments` | times as whole microseconds |
| `words` | text → words that full-text search can find, queries too |
| `activity` | what happened when, by whom, with which tool, as sums |
| `waiting` | whose words are still to be read, and in which order |
| `texts` | a session's entries → the full-text tables |
| `summaries` | a row → what a listing gives |
| `generations` | which sessions changed with each change |
| `remembered` | which last saves need not be read again by a quick check |
| `catalogue` | all of it together: refresh, list, search |
"""
