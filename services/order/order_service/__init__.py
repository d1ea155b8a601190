"""The order service: orders and products, each change published through a transactional outbox."""
