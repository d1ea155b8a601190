"""The revisions of the read schema, oldest first."""
