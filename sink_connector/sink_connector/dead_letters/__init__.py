"""Records that cannot be written: the table and the topic they are kept in."""
