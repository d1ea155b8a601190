"""From entries to rows: one PostgreSQL transaction per batch holds rows, projections, dead letters and next offsets."""
