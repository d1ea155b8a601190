"""Read your own writes: tokens, and the queries that wait for them."""
