"""Git hooks of this project: put in place, looked at, taken away. A hook that was there before is kept, and runs after.

A store has `pre-push` (`guard.py`), which keeps sessions in clear from leaving by `git push`. A team's own Git server
may have `pre-receive` and `post-receive` (`server.py`), which let only well-formed shares in. Their texts are in the
folder `hooks` of this project; `place.py` knows how one of them is installed.
"""

from superqode.session.store.hooks.guard import hook_status, install_hooks, remove_hooks
from superqode.session.store.hooks.place import HookState, HookStatus, hook_file
from superqode.session.store.hooks.server import (
    ServerHooks,
    ServerLayout,
    install_server_hooks,
    remove_server_hooks,
    server_hook_status,
    tune_server,
)

__all__ = [
    "HookState",
    "HookStatus",
    "ServerHooks",
    "ServerLayout",
    "hook_file",
    "hook_status",
    "install_hooks",
    "install_server_hooks",
    "remove_hooks",
    "remove_server_hooks",
    "server_hook_status",
    "tune_server",
]
