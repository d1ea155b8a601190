"""What keeps the parts of a stack running: a graph of parts, its supervisor, and how others talk to it."""
