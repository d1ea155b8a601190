"""Kafka: publishing, consuming, and what the messages mean."""
