"""Real Kafka and PostgreSQL on one machine, out of packages: for the demo, the tests and the benchmarks."""
