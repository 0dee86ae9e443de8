"""One's own stores kept alike through a Git remote: sealed under a key of one's own, or in clear where one says so.

    view.py         what a store holds, as one mapping of names to objects
    reconcile.py    base, ours, theirs → what both shall be; pure
    applying.py     the store brought there, each ref by compare-and-swap
    sealed.py       the remote as ciphertext: one ref, a commit for each push (FORMAT.md)
    plain.py        the remote in clear: branches and tags, for `git log` there
    session_sync.py look, reconcile, apply, push, until nobody was faster

Importing this package costs next to nothing; `session_sync` is the way in.
"""
