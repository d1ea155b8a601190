"""Use cases, one per file: what a command needs to know, and what it decides in one transaction."""
