"""One question each: parameters in, answers out; no HTTP. The statements stand in `queries.sql`."""

from catalog_service.read_model.sql import load_statements

STATEMENTS = load_statements(__name__, "queries.sql")
