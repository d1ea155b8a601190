"""Alembic's scripts, shipped with the service: `order-service migrate` needs no other file."""

import re
from functools import cache
from importlib.resources import files

_SCRIPT = re.compile(r"r(\d{4})_\w+\.py")


@cache
def head() -> str:
    """The revision that this version of the service works with, by the name of the newest script (`r0003_….py`).

    Whoever serves asks here: Alembic and SQLAlchemy, which only a migration needs, would be loaded at every start.
    """
    names = (script.name for script in (files(__name__) / "versions").iterdir())
    revisions = [found[1] for name in names if (found := _SCRIPT.fullmatch(name))]
    if not revisions:
        raise RuntimeError("the package holds no migration")
    return max(revisions)
