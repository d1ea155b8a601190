"""A sink connector from Kafka to PostgreSQL, with Kafka Connect's configuration and REST API."""
