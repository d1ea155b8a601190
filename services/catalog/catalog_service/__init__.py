"""The query side: answers from the read database, and shows how it is kept in step."""
