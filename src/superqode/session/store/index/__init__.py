"""The index: one SQLite file derived from the refs. Deleting it loses nothing but speed.

| module | what it knows |
|---|---|
| `database` | a connection to it: opening it, making it anew when in doubt |
| `schema` | its tables |
| `files` | the file: its name, its health, what other versions keep beside it |
| `scan` | whether refs changed since last time, and which |
| `known` | the branches of the last look |
| `rows` | one session → one row |
| `putting` | a row, with its labels, into the file, and out of it |
| `moments` | times as whole microseconds |
| `words` | text → words that full-text search can find, queries too |
| `filters` | which sessions are wanted, as conditions of SQL |
| `projects` | sessions of one project, wherever its folder was |
| `activity` | what happened when, by whom, with which tool, as sums |
| `waiting` | whose words are still to be read, and in which order |
| `texts` | a session's entries → the full-text tables |
| `search` | words → the best hits |
| `summaries` | a row → what a listing gives |
| `generations` | which sessions changed with each change |
| `remembered` | which last saves need not be read again by a quick check |
| `freshness` | the index in step with the refs |
| `catalogue` | all of it together: list, count, what changed |

Beside it stand others that are disposable, too: `entries` keeps the entries of sessions that were loaded, `verdicts`
what redaction made of objects, and `rescued` what a rescue has read of agents' files.
"""
