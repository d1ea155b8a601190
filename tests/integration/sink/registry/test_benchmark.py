"""The sink's benchmark of a registry's formats, small: every row of both arrives."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[4]


async def test_a_smoke_run_of_the_formats_writes_every_record(
    kafka_bootstrap: str, registry_url: str, tmp_path: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.sink", "--smoke", "--only", "ours", "--part", "formats"),
        *("--records", "12000"),
        *("--kafka", kafka_bootstrap, "--registry", registry_url, "--results", str(tmp_path)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    drains = drains_in(tmp_path)
    assert {(each["workload"], each["connections"]) for each in drains} == {
        (name, tasks) for name in ("avro", "protobuf") for tasks in (1, 2)
    }
    assert all(each["rate"] > 0 and each["cpu_us"] > 0 and not each["wrong_sums"] for each in drains)


def drains_in(folder: Path) -> list[dict[str, Any]]:
    (result,) = folder.glob("*.json")
    return list(json.loads(result.read_text())["drains"])
