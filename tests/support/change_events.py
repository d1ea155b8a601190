"""Recordings of change events (see `tests/contract/sink/record_change_events.py`): each schema is kept once."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).parents[1] / "contract" / "sink" / "change_events"
SOURCES = ("postgresql", "mariadb", "mysql")
NOTHING = {"schema": None, "payload": None}


def compacted(recording: dict[str, Any]) -> dict[str, Any]:
    """The recording with a list of its schemas, and their places in that list where they stood."""
    places: dict[str, int] = {}

    def shorter(side: Any) -> Any:
        if side is None or side["schema"] is None:
            return side
        schema = json.dumps(side["schema"], ensure_ascii=False)
        return {**side, "schema": places.setdefault(schema, len(places))}

    ways = {
        name: {
            **way,
            "records": [
                {**record, "key": shorter(record["key"]), "value": shorter(record["value"])}
                for record in way["records"]
            ],
        }
        for name, way in recording["ways"].items()
    }
    return {**recording, "ways": ways, "schemas": [json.loads(schema) for schema in places]}


@lru_cache(len(SOURCES))
def recorded(source: str) -> dict[str, Any]:
    """A recording with its schemas where they belong. Not to be changed."""
    recording: dict[str, Any] = json.loads((DIRECTORY / f"{source}.json").read_text(encoding="utf-8"))
    schemas = recording["schemas"]
    for way in recording["ways"].values():
        for record in way["records"]:
            for side in (record["key"], record["value"]):
                if side is not None and side["schema"] is not None:
                    side["schema"] = schemas[side["schema"]]
    return recording
