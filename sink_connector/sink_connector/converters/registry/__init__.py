"""Values whose schema stands in a Confluent-compatible registry: Avro, Protobuf and JSON Schema."""
