"""The only place that knows Git: its files, its library (pygit2) and its program.

| module | what it knows |
|---|---|
| `loose` | one loose object as a file: read checked, written whole |
| `objects` | the object database: loose files first, packs through libgit2; trees and commits |
| `lockfile` | Git's `<file>.lock` protocol, and what to do about a lock nobody holds |
| `packed_refs` | the file `packed-refs`: looked up, listed, rewritten |
| `refs` | refs: read, compare-and-swap, delete, pack |
| `flock` | advisory locks that die with their process |
| `durability` | when bytes count as safe on disk |
| `repository` | opening, making and describing a repository |
| `program` | the `git` program, for what only it can do |
| `bundle` `landing` | what comes from outside: read with suspicion, checked in a place of its own |
| `sizes` | how large objects are, before they are read |
| `network` | one run of `git` against a remote: progress told, silence bounded |
| `remote` `remote_reading` | push; list and fetch |
| `remote_target` `remote_urls` `remotes` | which URLs may be used, and the store's configured remotes |
| `remote_failures` `push_results` | what git's words about a failure mean |

libgit2 loses refs beside `git pack-refs`, hangs on truncated loose objects and never heals damaged ones (design,
section 5). So it is given packs to read and nothing to write: refs and loose objects are plain files with documented
protocols (gitrepository-layout(5), git-pack-refs(1)), and those we follow ourselves.
"""
