"""A Kafka sink for PostgreSQL with Kafka Connect's configuration, formats and REST API."""
