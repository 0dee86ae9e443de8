"""The tools of each kind of project: which of them a role runs, and how what they say is read."""
