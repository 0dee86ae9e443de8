"""How a store's folder is laid out: a bare repository made by hand, its settings, the branch that explains it.

A repository's layout is small and documented (gitrepository-layout(5)); made by hand it takes no template, no user's
settings, and none of the newer object or ref formats that libgit2 cannot read.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from superqode.session.errors import NotAStore
from superqode.session.git.object_codec import BLOB, TreeEntry

if TYPE_CHECKING:
    from superqode.session.git.repository import Repository

__all__ = [
    "GRACE",
    "HEADS",
    "RESERVED_BRANCH",
    "STORE_FORMAT",
    "TAGS",
    "changed_settings",
    "check_place",
    "is_repository",
    "is_unfinished",
    "lay_out",
    "mend_head",
    "write_readme",
]

HEADS: Final = "refs/heads/"
TAGS: Final = "refs/tags/"
RESERVED_BRANCH: Final = "superqode"
STORE_FORMAT: Final = 1
# How long what no ref reaches any more is kept.
GRACE: Final = timedelta(days=90)

# What may lie in a folder before it becomes a store: the old store's files, ours, and the desktop's.
_OLD_FILES: Final = re.compile(r".+\.(?:json|json\.gz|jsonl|db)|shares|superqode|\.DS_Store|Thumbs\.db")

# For plain git; `transfer.hideRefs` keeps `git clone --mirror` from taking the trash and the ledger along. What is
# shared may be fetched, by somebody with the right to read the folder.
_CONFIG: Final = f"""[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
\tlogAllRefUpdates = always
\tfsync = all
[gc]
\tauto = 0
\tpruneExpire = {GRACE.days}.days
[receive]
\tfsckObjects = true
\tdenyNonFastForwards = true
\tdenyDeletes = true
[push]
\tdefault = nothing
[transfer]
\thideRefs = refs/superqode
\thideRefs = !refs/superqode/shares
[superqode]
\tformat = {STORE_FORMAT}
"""
_HEAD: Final = re.compile(rb"ref: refs/\S+\s*\Z|[0-9a-f]{40}\s*\Z")
_FOLDERS: Final = ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info", "hooks")

_README: Final = """# A store of agent sessions

Each branch of this repository is one session, each commit one save, each tag a snapshot:

    git log <session>                       what was said, save by save
    git show <session>:session.json         its title, tags, files
    git ls-tree -r --name-only <session>    its messages and tool calls

SuperQode sessions wrote it: `superqode sessions --help`.
"""


def is_repository(path: Path) -> bool:
    """Whether a Git repository stands here."""
    return (path / "HEAD").is_file() and (path / "objects").is_dir() and (path / "refs").is_dir()


def mend_head(path: Path) -> None:
    """Write the file HEAD of a store anew where it is gone or says nothing: without it there is no repository for Git.

    Raises:
        OSError: it cannot be written.
    """
    if is_unfinished(path) or not all((path / part).is_dir() for part in ("objects", "refs", "superqode/locks")):
        return
    head = path / "HEAD"
    with suppress(OSError):
        if _HEAD.match(head.read_bytes()[:1024]):
            return
    if head.is_dir():
        head.rmdir()
    fresh = path / "HEAD.lock"
    fresh.write_text(f"ref: {HEADS}{RESERVED_BRANCH}\n", "utf-8")
    fresh.replace(head)


def check_place(path: Path) -> None:
    """Refuse a place that holds anything but a store, an unfinished one, or the files of superqode 2.25."""
    if any(place.is_file() for place in (path, *path.parents)):
        raise NotAStore(path, "it is, or is below, a file")
    # Listed before it is looked at what it is: whoever makes a store there at this moment says so first.
    names = os.listdir(path) if path.exists() else []  # noqa: PTH208 - names only
    strange = sorted(name for name in names if not _OLD_FILES.fullmatch(name))
    if strange and not is_unfinished(path) and not is_repository(path):
        shown = ", ".join(strange[:3]) + (" and more" if len(strange) > 3 else "")
        raise NotAStore(path, f"the folder holds other files ({shown})")


def is_unfinished(path: Path) -> bool:
    """Whether making a store here was interrupted before its last step."""
    return (path / "superqode" / "unfinished").exists()


def changed_settings(path: Path) -> dict[str, tuple[list[str], list[str]]]:
    """The settings of a store that are not as it was made: key → its values then, and now.

    A setting that was made later, and that we know nothing of, is the user's own.
    """
    import pygit2

    now: dict[str, list[str]] = {}
    for entry in pygit2.Config(str(path / "config")):
        now.setdefault(entry.name, []).append(entry.value or "")
    made: dict[str, list[str]] = {}
    section = ""
    for line in _CONFIG.splitlines():
        name, _, value = line.strip().partition(" = ")
        if value:
            made.setdefault(f"{section}.{name}", []).append(value)
        else:
            section = line.strip("[]")
    return {
        key: (values, now.get(key.lower(), [])) for key, values in made.items() if now.get(key.lower(), []) != values
    }


def lay_out(path: Path) -> None:
    """Make the folders and files of a bare repository in a folder that is there."""
    for folder in _FOLDERS:
        (path / folder).mkdir(parents=True, exist_ok=True)
    (path / "description").write_text("A store of agent sessions\n", "utf-8")
    (path / "config").write_text(_CONFIG, "utf-8")
    (path / "HEAD").write_text(f"ref: {HEADS}{RESERVED_BRANCH}\n", "utf-8")


def write_readme(repository: Repository) -> None:
    """Make the reserved branch, whose one commit tells people what they found."""
    objects = repository.objects
    tree = objects.write_tree(
        [
            TreeEntry(BLOB, "README.md", objects.write("blob", _README.encode())),
            TreeEntry(BLOB, "format", objects.write("blob", f"superqode-store {STORE_FORMAT}\n".encode())),
        ]
    )
    ident = repository.committer()
    commit = objects.write_commit(tree, (), ident, ident, b"A store of agent sessions\n")
    repository.flush()
    repository.refs.update(HEADS + RESERVED_BRANCH, commit, None, ident=ident, reason="store: made")
