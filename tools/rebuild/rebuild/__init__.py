"""`./demo rebuild`: a new copy of the read model out of the topics, beside the old one, then in its place.

While it is built, queries, streams and commands go on. See docs/adr/0010-rebuild.md.
"""

from rebuild.cli import add_arguments, run

__all__ = ["add_arguments", "run"]
