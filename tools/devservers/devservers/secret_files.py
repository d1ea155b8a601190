"""Passwords made once and kept in files that only their owner can read."""

import os
import secrets
from pathlib import Path


def kept_password(path: Path) -> str:
    """Password in `path`, made on the first call; 192 bits in an alphabet that needs no quoting in a URL."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    password = secrets.token_urlsafe(24)
    with os.fdopen(descriptor, "w") as file:
        file.write(password + "\n")
    return password
