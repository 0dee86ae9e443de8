"""Random programs of store operations and plain git, checked step by step against a model in memory."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import (
    Bundle,
    consumes,
    initialize,
    multiple,
    precondition,
    rule,
)

from superqode.session import MessageRole, Session
from superqode.session.errors import NothingToRedo, NothingToUndo, SessionDeleted, SessionNotFound

from .machine import Machine
from .model import Mark, Told, conversation, conversation_of

WORDS = st.sampled_from(["alpha", "beta", "gamma", "", "two words", "ünï çødé", "日本語", "line\nbreak", "a" * 9000])
LABELS = st.sampled_from(["x", "y", "security", "été"])
FILES = st.sampled_from(["a.py", "b.py", "docs/c.md"])


class Programs(Machine):
    """What programs are made of."""

    ids = Bundle("ids")

    @initialize(target=ids)
    def two_to_begin_with(self):
        """A conversation, and one beside it."""
        for number in range(2):
            name = self.create("alpha")
            self.say(name, "hello", "coder" if number else None, 3)
        return multiple("s1", "s2")

    # -- making and editing ---------------------------------------------------------------------------------------

    @rule(target=ids, title=WORDS)
    def create(self, title):
        """A new session."""
        name = self.name()
        session = Session(id=name, title=title)
        result = self.store.save(session)
        empty = conversation(session)
        self.model.sessions[name] = Told(name, title, None, commits=list(result.commits), past=[empty])
        return name

    @rule(session_id=ids, text=WORDS, agent=st.sampled_from([None, "coder", "tester"]), count=st.integers(1, 3))
    def say(self, session_id, text, agent, count):
        """Add messages, saved together."""

        def change(session):
            for number in range(count):
                session.add_message(MessageRole.ASSISTANT if agent else MessageRole.USER, f"{text} {number}", agent)

        self.edit(session_id, change)

    @rule(
        session_id=ids,
        text=WORDS,
        path=FILES,
        tool=st.sampled_from(["write_file", "edit_file", "read_file", "bash"]),
    )
    def call(self, session_id, text, path, tool):
        """Add a tool execution, which may touch a file."""
        self.edit(session_id, lambda session: session.add_tool_execution(tool, {"path": path}, text, True))

    @rule(session_id=ids, title=WORDS, label=LABELS, key=LABELS)
    def describe(self, session_id, title, label, key):
        """Edit title, tags and metadata."""

        def change(session):
            session.title = title
            if label in session.tags:
                session.tags.remove(label)
            else:
                session.tags.append(label)
            session.metadata[key] = {"by": title}

        self.edit(session_id, change)

    @rule(
        session_id=ids,
        place=st.integers(0, 5),
        how=st.sampled_from(["remove", "edit", "swap", "reverse", "clear"]),
    )
    def rework(self, session_id, place, how):
        """Edit the list of messages itself."""

        def change(session):
            messages = session.messages
            if how == "clear" and len(messages) < 3:
                messages.clear()
            elif how == "reverse":
                messages.reverse()
            elif place < len(messages):
                if how == "remove":
                    del messages[place]
                elif how == "edit":
                    messages[place] = messages[place].model_copy(update={"content": f"edited {place}"})
                elif how == "swap":
                    messages[place], messages[0] = messages[0], messages[place]

        self.edit(session_id, change)

    @rule(session_id=ids)
    def save_unchanged(self, session_id):
        """Saving what did not change makes no commit."""
        if not self.here(session_id):
            return
        store = self.store
        session = store.load(session_id)
        result = store.save(session)
        if self.model.sessions[session_id].tree_id == session_id:
            assert result.commits == ()
        self.model.saved(session_id, session, result)
        self.check_loaded(session_id)

    # -- snapshots, undo, redo ------------------------------------------------------------------------------------

    @rule(session_id=ids, unsaved=st.booleans(), description=WORDS)
    def snapshot(self, session_id, unsaved, description):
        """Name a state, saved or not."""
        made = []

        def change(session):
            if unsaved:
                session.add_message("user", "not saved yet")
            made.append(session.create_snapshot(description))

        if self.here(session_id):
            store = self.store
            session = store.load(session_id)
            change(session)
            result = store.save(session)
            self.model.saved(session_id, session, result)
            mark = Mark(made[0].commit, self.model.sessions[session_id].now)
            self.model.marks.setdefault(session_id, {})[made[0].id] = mark
            self.check_loaded(session_id)

    @rule(session_id=ids, place=st.integers(0, 3), unsaved=st.booleans())
    def restore(self, session_id, place, unsaved):
        """Go back to a snapshot, also over what was not saved, which stays in the history."""
        if not self.here(session_id):
            return
        marks = self.model.snapshots(session_id)
        if place >= len(marks):
            return
        name = sorted(marks)[place]
        told = self.model.sessions[session_id]
        store = self.store
        session = store.load(session_id)
        assert conversation_of(next(s for s in session.snapshots if s.id == name)) == marks[name].state
        if unsaved:
            session.add_message("user", "soon gone")
            before = conversation(session)
        session.restore_snapshot(name)
        result = store.save(session)
        if unsaved:
            told.past.append(before)
        self.model.saved(session_id, session, result)
        assert told.now == marks[name].state
        self.check_loaded(session_id)

    @rule(session_id=ids)
    def undo(self, session_id):
        """Go one conversation back, or hear that there is none."""
        if not self.here(session_id):
            return
        told = self.model.sessions[session_id]
        if len(told.past) < 2:
            with pytest.raises(NothingToUndo):
                self.store.undo(session_id)
            return
        self.moved(session_id, self.store.undo(session_id))
        told.future.append(told.past.pop())
        self.check_loaded(session_id)

    @rule(session_id=ids)
    def redo(self, session_id):
        """Take an undo back, or hear that there is none."""
        if not self.here(session_id):
            return
        told = self.model.sessions[session_id]
        if not told.future:
            with pytest.raises(NothingToRedo):
                self.store.redo(session_id)
            return
        self.moved(session_id, self.store.redo(session_id))
        told.past.append(told.future.pop())
        self.check_loaded(session_id)

    # -- forks, names, the trash ----------------------------------------------------------------------------------

    @rule(target=ids, session_id=ids, title=WORDS)
    def fork(self, session_id, title):
        """Fork a session with its snapshots."""
        if not self.here(session_id):
            return multiple()
        name = self.name()
        forked = self.store.fork(session_id, title=title, new_id=name)
        told = self.model.sessions[session_id].copy()
        marks = self.model.snapshots(session_id)
        told.commits.append(self.git("rev-parse", name))
        told.tree_id, told.parent, told.title = name, session_id, forked.title
        told.past, told.future = [told.now], []
        self.model.sessions[name], self.model.marks[name] = told, marks
        assert title in forked.title
        self.check_loaded(name)
        return name

    @rule(target=ids, session_id=consumes(ids))
    def rename(self, session_id):
        """Rename a session; snapshots, trash and children follow."""
        if not self.here(session_id):
            return session_id
        name = self.name()
        children = [row.id for row in self.store.list_sessions(parent=session_id)]
        before = {child: self.git("rev-parse", child) for child in children}
        old = self.git("rev-parse", session_id)
        self.store.rename(session_id, name)
        made = {child: self.news(before[child], child) for child in children}
        self.model.rename(session_id, name, self.news(old, name), made)
        for changed in (name, *children):
            self.check_loaded(changed)
        return name

    @rule(session_id=ids)
    def delete(self, session_id):
        """Delete: true where there was one."""
        assert self.store.delete(session_id) == self.here(session_id)
        if self.here(session_id):
            self.model.delete(session_id)

    @rule(session_id=ids)
    def undelete(self, session_id):
        """Bring back the newest deletion, where the name is free."""
        if self.here(session_id):
            return
        if not any(name == session_id for name, _, _ in self.model.trash):
            with pytest.raises(SessionNotFound):
                self.store.undelete(session_id + "-never")
            return
        assert self.store.undelete(session_id) == session_id
        self.model.undelete(session_id)
        self.check_loaded(session_id)

    @rule(now=st.booleans())
    def purge(self, now):
        """Empty the trash."""
        purged = self.store.purge(now=now)
        assert len(purged.purged) == len(self.model.trash)
        self.model.trash.clear()

    @rule()
    def maintain(self):
        """Pack everything; nothing anybody sees changes."""
        assert self.store.maintain().skipped == ()

    # -- a second hand on the same session ------------------------------------------------------------------------

    @rule(session_id=ids)
    def hold(self, session_id):
        """Load a session and keep it while others go on."""
        if self.here(session_id):
            self.held[session_id] = self.store.load(session_id)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), text=WORDS)
    def save_what_was_held(self, data, text):
        """Add to a session held for a while: both lives are there afterwards, in memory too."""
        session_id = data.draw(st.sampled_from(sorted(self.held)))
        session = self.held[session_id]
        message = session.add_message("user", f"held {text}")
        if not self.here(session_id):
            with pytest.raises(SessionDeleted):
                self.store.save(session)
            del self.held[session_id]
            return
        told = self.model.sessions[session_id]
        expected = (*told.now[0], message)
        result = self.store.save(session)
        assert conversation(session)[0] == expected
        self.model.saved(session_id, session, result)
        self.check_loaded(session_id)

    # -- plain git ------------------------------------------------------------------------------------------------

    @rule(target=ids, session_id=ids)
    def git_branch(self, session_id):
        """`git branch new old`: a fork that shares everything until its first save."""
        if not self.here(session_id):
            return multiple()
        name = self.name()
        self.git("branch", name, session_id)
        told = self.model.sessions[name] = self.model.sessions[session_id].copy()
        told.parent = told.tree_id
        self.check_loaded(name)
        return name

    @rule(session_id=ids)
    def git_branch_d(self, session_id):
        """`git branch -D`: in the trash at the next look."""
        if self.here(session_id):
            self.git("branch", "-D", session_id)
            self.model.delete(session_id)

    @rule(target=ids, session_id=consumes(ids))
    def git_branch_m(self, session_id):
        """`git branch -m`: the same session under another name."""
        if not self.here(session_id):
            return session_id
        name = self.name()
        self.git("branch", "-m", session_id, name)
        self.model.sessions[name] = self.model.sessions.pop(session_id)
        self.check_loaded(name)
        return name

    @rule()
    def git_pack_refs(self):
        """`git pack-refs --all`: nothing anybody sees changes."""
        if self.model.sessions:
            self.git("pack-refs", "--all")


class TestPrograms(Programs.TestCase):
    """Random programs: whatever is done in whatever order, both stores and git agree with the model."""

    settings = settings(stateful_step_count=30, max_examples=max(12, settings().max_examples // 2))
