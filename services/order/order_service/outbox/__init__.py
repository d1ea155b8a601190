"""From a committed row to a record in Kafka: how events look, and the relay that publishes them in commit order."""
