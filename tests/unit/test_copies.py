"""The deployables share no code, so a few modules exist more than once; a repair of one is a repair of all."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ORDER, CATALOG, SINK = (
    ROOT / "services/order/order_service",
    ROOT / "services/catalog/catalog_service",
    ROOT / "sink_connector/sink_connector",
)
HTTP = (ORDER / "entrypoints/http", CATALOG / "http", SINK / "rest")
COPIES = {
    "authentication": tuple(place / "authentication.py" for place in HTTP[:2]),
    "security_settings": (ORDER / "security_settings.py", CATALOG / "security_settings.py"),
    **{
        name: tuple(place / f"{name}.py" for place in HTTP)
        for name in ("protocol", "guarded_server", "guard", "methods", "docs", "exposition")
    },
    "sql_files": (
        ORDER / "adapters/sql_files.py",
        CATALOG / "read_model/sql_files.py",
        SINK / "data/sql_files.py",
    ),
    "logs": (ORDER / "logs.py", CATALOG / "logs.py"),
    **{
        name: tuple(package / f"{name}.py" for package in (ORDER, CATALOG, SINK))
        for name in ("certificates", "telemetry", "tls_files")
    },
    "closing": (
        ORDER / "adapters/kafka/closing.py",
        CATALOG / "changefeed/closing.py",
        SINK / "runtime/closing.py",
    ),
    "client_credentials": (
        ORDER / "client_credentials.py",
        CATALOG / "client_credentials.py",
        SINK / "runtime/client_credentials.py",
    ),
    "topic_ids": (ORDER / "adapters/kafka/topic_ids.py", SINK / "runtime/topic_ids.py"),
    "endings": tuple(ROOT / f"tools/{name}/{name}/endings.py" for name in ("auditor", "connect_conformance")),
    # An audit runs where no server is started: it does not depend on the Java runtime and the PostgreSQL of devservers.
    "waiting": (ROOT / "tools/auditor/auditor/waiting.py", ROOT / "tools/devservers/devservers/waiting.py"),
}
# The sink's own looks less often: it has many objects and no cycles.
FUNCTIONS = {"tune_collector": (ORDER / "entrypoints/server.py", CATALOG / "serving.py")}
PACKAGES = (
    ORDER,
    CATALOG,
    SINK,
    *(ROOT / f"tools/{name}/{name}" for name in ("auditor", "connect_conformance", "devservers", "loadgen")),
)


@pytest.mark.parametrize("files", COPIES.values(), ids=COPIES)
def test_the_copies_are_the_same(files: tuple[Path, ...]) -> None:
    assert len({file.read_text(encoding="utf-8") for file in files}) == 1


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_functions_are_the_same(name: str) -> None:
    found = [
        ast.unparse(node)
        for file in FUNCTIONS[name]
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == name
    ]
    assert len(found) == len(FUNCTIONS[name])
    assert len(set(found)) == 1


def test_no_module_is_a_copy_without_being_named_here() -> None:
    by_text: dict[str, list[Path]] = {}
    for package in PACKAGES:
        for file in package.rglob("*.py"):
            if text := file.read_text(encoding="utf-8").strip():
                by_text.setdefault(text, []).append(file)
    assert len(by_text) > 150
    found = {tuple(sorted(files)) for files in by_text.values() if len(files) > 1}
    assert found == {tuple(sorted(files)) for files in COPIES.values()}
