"""A program that runs a quality session until it is killed: arguments are project, store, folder for sandboxes."""

import sys
from pathlib import Path

from superqode.qe import QESession
from superqode.session import SessionStore

project, store, sandboxes = sys.argv[1:]


def told(event):
    if event.kind != "output":
        print(event.kind, event.text, flush=True)


with SessionStore(store) as opened:
    qe = QESession(project, store=opened, sandboxes=Path(sandboxes), on_event=told, roles=["regression_tester"])
    print("session", qe.session.id, flush=True)
    qe.run()
