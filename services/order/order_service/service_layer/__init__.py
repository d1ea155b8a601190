"""Use cases, the transactions they run in, and the ports to the outside."""
