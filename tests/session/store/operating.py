"""What tests of operations begin with."""

from superqode.session import Session, SessionStore


def fill(store: SessionStore, *names: str) -> None:
    """Save sessions of three messages, with a snapshot after the second."""
    for name in names:
        session = Session(id=name, title=f"Title of {name}", parent_session_id="a" if name == "child" else None)
        for text in ("one", "two"):
            session.add_message("user", f"{name} {text}")
            store.save(session)
        session.create_snapshot("Before", snapshot_id="snap")
        session.add_message("user", f"{name} three")
        store.save(session)
