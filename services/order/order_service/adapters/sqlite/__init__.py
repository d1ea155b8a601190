"""An instance's database in a SQLite file."""
