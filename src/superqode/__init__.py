"""SuperQode sessions: agent sessions kept in Git.

The library lives in `superqode.session`, the command line in `superqode.cli`. This module imports nothing,
so that `import superqode` costs nothing.
"""

__version__ = "0.1.0"
