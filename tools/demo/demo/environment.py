"""What the processes of the stack get of the environment of whoever started it."""

import os
from collections.abc import Mapping

from devservers.process import minimal_environment

_CACHES = ("XDG_CACHE_HOME", "JGO_", "M2_")
_SETTINGS = ("ORDER_", "CATALOG_", "SINK_")


def base_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What every part inherits: nothing of the caller's but where things are, language, time zone, certificates."""
    return minimal_environment(environment) | {"PYTHONUNBUFFERED": "1"}


def own_settings(prefix: str, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """`base_environment` with the settings of one part that the caller has set, those that begin with `prefix`."""
    own = {name: value for name, value in environment.items() if name.startswith(prefix)}
    return base_environment(environment) | own


def supervisor_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What the supervisor inherits: `base_environment`, the settings it hands to the parts, its own, and the caches.

    It runs for as long as the parts do, and they run as the same user: what it holds they could read.
    """
    names = ("DEMO_", *_CACHES, *_SETTINGS)
    handed = {name: value for name, value in environment.items() if name.startswith(names)}
    return base_environment(environment) | handed
