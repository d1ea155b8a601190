"""Loads statements from the .sql files beside an adapter: `-- name: some_name` begins each."""

from importlib import resources

_BEGIN = "-- name: "


def load_statements(package: str) -> dict[str, str]:
    """All named statements in the package's .sql files, without their comments. Raises `ValueError` for a name twice."""
    statements: dict[str, list[str]] = {}
    for file in sorted(resources.files(package).iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".sql"):
            continue
        current: list[str] | None = None
        for line in file.read_text().splitlines():
            if line.startswith(_BEGIN):
                name = line.removeprefix(_BEGIN).strip()
                if name in statements:
                    raise ValueError(f"two statements of {package} are called {name}")
                current = statements[name] = []
            elif current is not None and not line.startswith("--"):
                current.append(line)
    return {name: "\n".join(lines).strip() for name, lines in statements.items()}
