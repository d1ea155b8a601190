"""HTTP: parse, ask, map errors. No SQL and no rules."""
