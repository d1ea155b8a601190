"""A new copy of the read model out of the topics, beside the old one, then in its place.

While it is built, queries, streams and commands are answered as before. See docs/adr/0010-rebuild.md.
"""
