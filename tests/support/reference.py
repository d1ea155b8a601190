"""The guide's reference of HTTP and events, out of the descriptions: `python -m tests.support.reference` writes it."""

import asyncio
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from catalog_service.bootstrap import running
from catalog_service.settings import Settings
from tests.support.order_api import order_api

ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / "contracts"
HTTP, EVENTS = (ROOT / "docs" / "guide" / f"{name}.md" for name in ("http", "events"))
BEGIN, END = "<!-- reference: generated -->\n", "<!-- end of reference -->\n"
Described = dict[str, Any]


async def described(directory: Path) -> dict[str, Described]:
    """OpenAPI of both services, as they are built; nothing of them is reached."""
    settings = Settings(
        database_url=SecretStr("postgresql://nobody@127.0.0.1:1/none"),
        kafka_bootstrap="127.0.0.1:1",
        order_services={"order-1": "http://127.0.0.1:1"},
    )
    async with order_api(directory) as api, running(settings) as catalog:
        return {
            "The order service, at every instance": api.service.app.openapi(),
            "The catalog": catalog.app.openapi(),
        }


def http_reference(services: dict[str, Described]) -> str:
    """What can be asked of each service, as Markdown."""
    return "\n".join(line for title, document in services.items() for line in _service(title, document))


def _service(title: str, document: Described) -> Iterator[str]:
    yield from (f"## {title}", "", "| request | what | takes | answers |", "|---|---|---|---|")
    bodies: dict[str, Described] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            takes = [f"`{each['name']}`" for each in operation.get("parameters", ())]
            for content in operation.get("requestBody", {}).get("content", {}).values():
                name = content["schema"].get("$ref", "").rpartition("/")[2]
                if name:
                    bodies[name] = document["components"]["schemas"][name]
                    takes.append(f"a [{name}](#{name.lower()})")
            said = operation.get("description") or operation["summary"]
            answers = " ".join(sorted(operation["responses"]))
            yield f"| `{method.upper()} {path}` | {_cell(said)} | {', '.join(takes)} | {answers} |"
    yield ""
    for name, schema in bodies.items():
        yield from (f"### {name}", "", *_fields(schema, document), "")


def events_reference() -> str:
    """Topics, messages and the fields of each, as Markdown."""
    document = yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text(encoding="utf-8"))
    return "\n".join(_events(document))


def _events(document: Described) -> Iterator[str]:
    yield from ("## Topics", "", "| topic | partitions | carries | messages |", "|---|---|---|---|")
    for channel in document["channels"].values():
        names = (each["$ref"].rpartition("/")[2] for each in channel["messages"].values())
        messages = "; ".join(document["components"]["messages"][name]["title"] for name in names)
        partitions = channel["bindings"]["kafka"]["partitions"]
        yield f"| `{channel['address']}` | {partitions} | {_cell(channel['description'])} | {messages} |"
    yield from ("", "## Headers of every record", "", *_fields(_schema("schemas/headers.json")), "")
    for message in document["components"]["messages"].values():
        kinds = ", ".join(f"`{kind}`" for kind in message["x-ce-types"])
        payload = _schema(message["payload"]["$ref"])
        yield from (f"## {message['title']}", "", f"{kinds}.", "", *_fields(payload), "")


def _fields(schema: Described, document: Described | None = None) -> Iterator[str]:
    yield from ("| field | type | bounds | what |", "|---|---|---|---|")
    required = schema.get("required", ())
    for name, field in schema["properties"].items():
        kind = _type(field, document or {})
        optional = "" if name in required else ", optional"
        yield f"| `{name}` | {kind}{optional} | {_bounds(field)} | {_cell(field.get('description', ''))} |"


def _type(field: Described, document: Described) -> str:
    for alternatives in ("anyOf", "oneOf"):
        if alternatives in field:
            return " or ".join(_type(each, document) for each in field[alternatives])
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        parts = document.get("components", {}).get("schemas", {}).get(name, {}).get("properties", ())
        return f"object ({', '.join(f'`{part}`' for part in parts)})" if parts else name
    if "enum" in field or "const" in field:
        return " or ".join(f"`{each}`" for each in field.get("enum", [field.get("const")]))
    if field.get("type") == "array":
        return f"list of {_type(field['items'], document)}"
    if field.get("type") == "object":
        return f"object ({', '.join(f'`{part}`' for part in field.get('properties', ()))})"
    kinds = field.get("type", "anything")
    return " or ".join(kinds) if isinstance(kinds, list) else str(kinds)


def _bounds(field: Described) -> str:
    words = ("minimum", "maximum", "exclusiveMinimum", "minLength", "maxLength", "minItems", "maxItems")
    said = [f"{word} {int(field[word])}" for word in words if word in field]
    if "pattern" in field:
        said.append("a pattern")
    return ", ".join(said)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _schema(reference: str) -> Described:
    loaded: Described = json.loads((CONTRACTS / reference).read_text(encoding="utf-8"))
    return loaded


def with_reference(text: str, reference: str) -> str:
    """A document with its reference as it is now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{reference.rstrip()}\n{END}{after}"


def main() -> None:
    """Write both documents anew."""
    with tempfile.TemporaryDirectory() as directory:
        services = asyncio.run(described(Path(directory)))
    for file, reference in ((HTTP, http_reference(services)), (EVENTS, events_reference())):
        file.write_text(with_reference(file.read_text(encoding="utf-8"), reference), encoding="utf-8")


if __name__ == "__main__":
    main()
