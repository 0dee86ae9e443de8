"""What the tests of concurrency run beside themselves: `worker.py VERB STORE REMOTE SHARE COUNT`, one line a step."""

from __future__ import annotations

import sys

from superqode.session import SessionStore
from superqode.session.errors import SessionError
from superqode.session.sharing.manager import SessionSharingManager

SESSION = "session-123"


def main(verb: str, path: str, remote: str, share: str, count: str) -> None:
    """Do one thing so many times; each step is told once it is acknowledged, and an error by its class."""
    store = SessionStore(path, user=("Ann", "ann@example.invalid"))
    shares = SessionSharingManager(store, remote)

    def update(number: int) -> object:
        session = store.load(SESSION)
        session.add_message("user", f"{verb} {number}")
        store.save(session)
        return shares.update_share(share).generation

    steps = {
        "create": lambda _: shares.create_share(SESSION).id,
        "update": update,
        "revoke": lambda _: shares.revoke_share(share).id,
        "read": lambda _: len(shares.get_session_for_share(share).messages),
        "extend": lambda number: shares.update_share(share, allow_fork=bool(number % 2)).generation,
        "lock": lambda number: shares.add_password(share, f"password {number}").number,
    }
    shares.list_shares()
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(count)):
        try:
            print(steps[verb](number), flush=True)
        except SessionError as problem:
            print(type(problem).__name__, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
