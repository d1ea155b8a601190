"""Avro schemas without what a library would interpret in them, so that values are read as they are on the wire."""

from collections.abc import Iterator
from typing import Any

# Under these names fastavro passes over what it would otherwise interpret: it rounds decimals to their precision, rewrites
# uuids, ends at the year 9999, and wants the defaults of a union's first type. They are read here, exactly.
OWN_LOGICAL, OWN_DEFAULT, BRANCH = "sink.logicalType", "sink.default", "sink_branch_"
_SEVERAL = 2
_INNER = ("type", "items", "values")


def plain_schema(node: Any, numbers: Iterator[int]) -> Any:
    """The same schema on the wire, with nothing left that fastavro would interpret.

    A branch of a union of several types becomes a record of one field, which is encoded as the field alone: so it can be
    told which branch a value has taken. `numbers` tell the branches of all unions of a schema apart.
    """
    if isinstance(node, list):
        branches = [plain_schema(each, numbers) for each in node]
        if len([each for each in node if each != "null"]) < _SEVERAL:
            return branches
        return [
            each if each == "null" else {"type": "record", "name": f"{BRANCH}{next(numbers)}", "fields": [{"name": "value", "type": each}]}
            for each in branches
        ]  # fmt: skip
    if not isinstance(node, dict):
        return node
    plain = {key: plain_schema(each, numbers) if key in _INNER else each for key, each in node.items()}
    for key, own in (("logicalType", OWN_LOGICAL), ("default", OWN_DEFAULT)):
        if key in plain:
            plain[own] = plain.pop(key)
    if isinstance(plain.get("fields"), list):
        plain["fields"] = [plain_schema(each, numbers) for each in plain["fields"]]
    return plain
