"""How large a configuration may be: whoever sends one without end does not keep a worker from answering anybody else."""

from collections.abc import Iterator, Mapping

from sink_connector.config.secrets import is_secret
from sink_connector.errors import ConfigError

MOST_KEYS = 1_000  # and names in a list of aliases
MOST_OPENINGS = 100  # of references and addresses, which are looked at to the end of the value each
MOST_CHARACTERS = 65_536  # of a secret, each part of which is looked for in every answer
LONGEST_KEY = 1_000
ALIASES = ("transforms", "predicates", "projections")
SHOWN = 50  # characters of a key that is too long


def check_size(given: Mapping[str, str | None]) -> None:
    """Raises `ConfigError` for a configuration that is larger than any that is meant."""
    if len(given) > MOST_KEYS:
        raise ConfigError({"config": [f"has {len(given)} keys, and at most {MOST_KEYS} are taken"]})
    problems = {key: [problem] for key, value in given.items() for problem in _problems(key, value or "")}
    if problems:
        raise ConfigError(problems)


def _problems(key: str, value: str) -> Iterator[str]:
    if len(key) > LONGEST_KEY:
        raise ConfigError({key[:SHOWN]: [f"… has more than the {LONGEST_KEY} characters of a key"]})
    if key in ALIASES and value.count(",") >= MOST_KEYS:
        yield f"has more than {MOST_KEYS} names"
    if value.count("${") + value.count("://") > MOST_OPENINGS:
        yield f"has more than {MOST_OPENINGS} references or addresses"
    if len(value) > MOST_CHARACTERS and is_secret(key):
        yield f"has more than {MOST_CHARACTERS} characters"
