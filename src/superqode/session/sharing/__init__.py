"""Shares: sessions handed to others through any Git remote, in clear or encrypted. FORMAT.md has every byte."""
