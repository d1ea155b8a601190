"""The table of keys as the README has it: `python -m sink_connector.config.documentation README.md` writes it there."""

import sys
from pathlib import Path

from sink_connector.config import definition

BEGIN, END = "<!-- keys: written by config/documentation.py -->\n", "<!-- end of keys -->"


def keys_as_markdown() -> str:
    """Every key in the order of the definition, with its other spellings, default and meaning."""
    lines = ["| key | default | what |", "|---|---|---|"]
    for key in definition.KEYS:
        names = f"`{key.name}`" + "".join(f", `{alias}`" for alias in key.aliases)
        default = "required" if key.required else f"`{key.default}`" if key.default else ""
        meaning = (
            key.doc if not key.values else f"{', '.join(f'`{value}`' for value in key.values)}. {key.doc}"
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in (names, default, meaning)) + " |")
    return "\n".join(lines) + "\n"


def write(readme: Path) -> None:
    """Put the table between its two marks."""
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    readme.write_text(before + BEGIN + keys_as_markdown() + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
