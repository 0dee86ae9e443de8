"""The tables of the index."""

from __future__ import annotations

from typing import Final

__all__ = ["SCHEMA", "VERSION"]

# Any change to the tables below, or to what is put in them, takes a new number.
VERSION: Final = 8

SCHEMA: Final = """
CREATE TABLE stamp (id INTEGER PRIMARY KEY CHECK (id = 0), value TEXT NOT NULL);
CREATE TABLE refs (
    name TEXT PRIMARY KEY, oid TEXT NOT NULL, inode INTEGER NOT NULL, time INTEGER NOT NULL, size INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX refs_loose ON refs (name, oid, inode, time, size) WHERE inode != 0 OR time != 0 OR size != 0;
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, oid TEXT NOT NULL,
    title TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL, project TEXT NOT NULL,
    origin TEXT, folder TEXT,
    messages INTEGER NOT NULL, executions INTEGER NOT NULL, agents TEXT NOT NULL, tags TEXT NOT NULL,
    parent TEXT, told TEXT, problem TEXT NOT NULL, timeline TEXT, indexed_timeline TEXT, indexed_title TEXT,
    input INTEGER, output INTEGER, dollars REAL, folded TEXT NOT NULL
);
CREATE INDEX sessions_updated ON sessions (updated DESC, name);
CREATE INDEX sessions_project ON sessions (project, updated DESC);
CREATE INDEX sessions_noted ON sessions (project, updated DESC) WHERE origin IS NOT NULL;
CREATE INDEX sessions_origin ON sessions (origin) WHERE origin IS NOT NULL;
CREATE INDEX sessions_parent ON sessions (parent);
CREATE INDEX sessions_told ON sessions (told) WHERE told IS NOT NULL;
CREATE INDEX sessions_unindexed ON sessions (id) WHERE indexed_title IS NULL;
CREATE INDEX sessions_troubled ON sessions (name) WHERE problem != '';
CREATE INDEX sessions_size ON sessions (messages + executions);
CREATE TABLE labels (kind TEXT NOT NULL, label TEXT NOT NULL, session INTEGER NOT NULL,
    PRIMARY KEY (kind, label, session)) WITHOUT ROWID;
CREATE INDEX labels_session ON labels (session);
CREATE TABLE texts (id INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, moment INTEGER NOT NULL, agent TEXT NOT NULL,
    tool TEXT, failed INTEGER NOT NULL, input INTEGER, output INTEGER, dollars REAL);
CREATE TABLE entries (session INTEGER NOT NULL, position INTEGER NOT NULL, text INTEGER NOT NULL,
    kind TEXT NOT NULL, entry TEXT NOT NULL, PRIMARY KEY (session, position)) WITHOUT ROWID;
CREATE INDEX entries_text ON entries (text);
CREATE VIRTUAL TABLE words USING fts5(body, content='', tokenize="unicode61 remove_diacritics 2");
CREATE VIRTUAL TABLE titles USING fts5(body, tokenize="unicode61 remove_diacritics 2");
"""
