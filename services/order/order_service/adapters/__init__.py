"""Adapters: the databases, Kafka and the other instances. They implement what the service layer asks for."""
