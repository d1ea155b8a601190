"""Connect's data model in Python: schemas, records, instants, decimals, and the caches of what is made of schemas."""
