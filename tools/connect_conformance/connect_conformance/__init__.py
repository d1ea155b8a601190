"""Rules of Kafka Connect and of its JDBC sinks, each with its source, put to a running worker from outside.

The worker is only spoken to over REST, Kafka and PostgreSQL, and configured with the keys of Debezium's JDBC sink: any worker
that has such a connector can be asked.
"""
