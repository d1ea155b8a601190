"""A connector's configuration: Kafka Connect's keys and those of its JDBC sinks, read once into typed values."""
