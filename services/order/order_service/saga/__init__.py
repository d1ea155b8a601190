"""What comes in from Kafka: the replica of the products, and the messages of orders and stocks to each other."""
