"""Records that could not be delivered: how they are kept, in a table and in a topic."""
