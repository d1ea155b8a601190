"""One question each: parameters in, answers out; no HTTP. The statements stand in `queries.sql`."""

from catalog_service.read_model import sql_files

STATEMENTS = sql_files.load("queries.sql", package=__name__)
