"""What the tests of sync run beside themselves, to be killed: `worker.py STORE` syncs once when it is given a line."""

from __future__ import annotations

import sys

from superqode.session import SessionStore
from superqode.session.errors import SessionError
from superqode.session.sync.session_sync import SessionSync

if __name__ == "__main__":
    with SessionStore(sys.argv[1], user=("Wilhelmina", "wilhelmina@example.invalid")) as store:
        store.list_sessions()
        print("ready", flush=True)
        sys.stdin.readline()
        try:
            SessionSync(store).run()
        except SessionError as problem:
            print(type(problem).__name__, flush=True)
        else:
            print("done", flush=True)
