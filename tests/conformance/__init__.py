"""What came of the battery in `tools/connect_conformance`, for this sink's worker and for Kafka Connect."""
