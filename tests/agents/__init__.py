"""The real agents from npm against a model of our own that plays scripted turns: nothing here leaves the machine.

`programs` installs the agents, `model` is the server they ask, `protocols` what the vendors' APIs look like, `machine`
a user with a home and a project who runs them, `fixtures` all that as fixtures. Run with `SUPERQODE_TEST_AGENTS=1`.
"""
