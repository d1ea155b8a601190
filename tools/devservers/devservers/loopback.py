"""Where everything of a machine without containers listens."""

LOOPBACK = "127.0.0.1"
