"""Wrong designs beside the right ones, run on the stack's Kafka and PostgreSQL to be seen, never part of the product."""
