"""Session ⇄ tree of bytes. Pure: no store, no Git. `FORMAT.md` beside this file documents the format."""
