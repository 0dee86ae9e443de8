"""The hook of a store: `pre-push`, which keeps sessions in clear from leaving by `git push`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from superqode.session.errors import NotAStore, StoreNotFound
from superqode.session.store.hooks.place import HookPlace, HookStatus, is_bare_repository, shadow

__all__ = ["hook_status", "install_hooks", "remove_hooks"]

_NAME: Final = "pre-push"


def hook_status(store_path: Path, *, configured_hooks_path: str | None = None) -> HookStatus:
    """Say what guards a store's pushes; changes nothing.

    Args:
        store_path: the bare repository.
        configured_hooks_path: `core.hooksPath` as Git sees it for this store; `None` where it is not set.

    Raises:
        StoreNotFound: there is nothing at the path.
        NotAStore: it is no bare Git repository.
        StoreUnwritable: the hook cannot be read.
    """
    return _place(store_path, configured_hooks_path).status()


def install_hooks(store_path: Path, *, configured_hooks_path: str | None = None) -> HookStatus:
    """Put the hook in place, keeping one that is there; where it stands already, nothing changes.

    Args:
        store_path: the bare repository.
        configured_hooks_path: as for `hook_status`; the hook is put into the store's own folder in any case.

    Raises:
        StoreNotFound: there is nothing at the path.
        NotAStore: it is no bare Git repository.
        StoreUnwritable: the hook cannot be written.
        StoreError: another hook is there, and one from before is kept already.
    """
    return _place(store_path, configured_hooks_path).install()


def remove_hooks(store_path: Path, *, configured_hooks_path: str | None = None) -> HookStatus:
    """Take the hook away and put the one from before back, as it was; another hook is left alone.

    Args:
        store_path: the bare repository.
        configured_hooks_path: as for `hook_status`.

    Raises:
        StoreNotFound: there is nothing at the path.
        NotAStore: it is no bare Git repository.
        StoreUnwritable: the hook cannot be removed.
    """
    return _place(store_path, configured_hooks_path).remove()


def _place(store_path: Path, configured: str | None) -> HookPlace:
    if not os.path.lexists(store_path):
        raise StoreNotFound(store_path)
    if not is_bare_repository(store_path):
        raise NotAStore(store_path, "it is no bare Git repository")
    folder = store_path / "hooks"
    return HookPlace(folder / _NAME, f"store/{_NAME}", shadow(store_path, folder, configured))
