"""Put every rule to this sink's worker and to Kafka Connect with Debezium's JDBC sink, and write the table.

    python -m tests.conformance.record [--bootstrap HOST:PORT,… --postgres DSN [--worker ours|connect]]

Without `--bootstrap` only the table is written anew, out of what was recorded.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx

from connect_conformance.battery import put_all
from connect_conformance.bench import Bench, Worker, person
from connect_conformance.cli import TIMEOUT_S, show
from connect_conformance.rules import RULES
from devservers.ports import free_ports
from sink_connector.version import VERSION
from tests.contract.sink.record_connect_rest import delete_topics, scratch_database
from tests.support import jvm
from tests.support.connect_worker import JDBC_SINK, connect_worker
from tests.support.sink_worker import Group, sink_worker

RESULTS = Path(__file__).with_name("results")
DOCUMENT = Path(__file__).parents[2] / "docs" / "conformance.md"
DEBEZIUM_VERSION = JDBC_SINK[0].rpartition(":")[2]
CALLED = {
    "ours": f"sink-connector {VERSION}",
    "connect": f"Kafka Connect {jvm.KAFKA_VERSION}, Debezium JDBC sink {DEBEZIUM_VERSION}",
}
PATIENCE_S = 120.0
WARM_UP_S = 600.0  # the first connector of a JVM loads what all others use

HEAD = """\
# Conformance with Kafka Connect

<!-- written by tests/conformance/record.py -->
Rules of Kafka Connect's REST API and of its JDBC sinks, each with its source, put to a running worker over REST, Kafka and
PostgreSQL alone, with the configuration keys of Debezium's sink. Any worker that has such a connector can be asked:

```sh
.venv/bin/python -m connect_conformance --rest http://127.0.0.1:8083 --bootstrap 127.0.0.1:9092 --database postgresql://user:password@127.0.0.1:5432/shop
```

It makes topics, connectors and tables called `conformance_…` and removes them; exit code 0 when every rule is kept, 1 when one is
not, 2 when a server cannot be used. It is a package of its own ([tools/connect_conformance](../tools/connect_conformance)) that
`pip install ./tools/connect_conformance` puts anywhere; `--list` has the rules, `--help` the rest. Where the semantics of
several JDBC sinks differ: [connect-semantics.md](connect-semantics.md).
"""


@contextmanager
def worker_of(kind: str, bootstrap: str, directory: Path) -> Iterator[tuple[str, list[str]]]:
    """A running worker: where it answers, and the topics it leaves."""
    [port] = free_ports(1)
    if kind == "ours":
        group = Group(bootstrap=bootstrap)
        with sink_worker(group, port=port, directory=directory) as ours:
            yield ours.url, group.topics
    else:
        with connect_worker(directory, bootstrap=bootstrap, port=port) as theirs:
            yield theirs.url, list(theirs.topics)


async def record(kind: str, *, bootstrap: str, postgres: str) -> None:
    """Put every rule to one worker, and keep what came of it."""
    async with scratch_database(postgres) as jdbc_url:
        database = f"{postgres.rpartition('/')[0]}/{jdbc_url.rpartition('/')[2]}"
        with (
            tempfile.TemporaryDirectory() as directory,
            worker_of(kind, bootstrap, Path(directory)) as (url, topics),
        ):
            async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S) as rest:
                worker = Worker(rest=rest, bootstrap=bootstrap, database=database, patience_s=PATIENCE_S)
                await warm_up(replace(worker, patience_s=WARM_UP_S))
                found = await put_all(RULES, worker, at_once=4, told=show)
        await delete_topics(bootstrap, topics)
    recorded = {"worker": CALLED[kind], "results": found}
    (RESULTS / f"{kind}.json").write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")


async def warm_up(worker: Worker) -> None:
    """Have one connector write one row: what a worker does for the first time says nothing about a rule."""
    bench = Bench(worker=worker)
    try:
        await bench.topics()
        await bench.send((None, person("a")))
        await bench.create(bench.config())
        await bench.until_rows('SELECT id FROM "T"', [("a",)])
    finally:
        await bench.close()


def document() -> str:
    """The table, out of what was recorded."""
    recorded = [json.loads((RESULTS / f"{kind}.json").read_text(encoding="utf-8")) for kind in CALLED]
    names = [each["worker"] for each in recorded]
    kept = [
        f"{sum(not found for found in each['results'].values())} of {len(each['results'])}"
        for each in recorded
    ]
    lines = [
        HEAD,
        f"| rule | what a worker does | source | {' | '.join(names)} |",
        f"|---|---|---|{'---|' * len(names)}",
    ]
    notes = []
    for rule in RULES:
        cells = []
        for each in recorded:
            found = each["results"].get(rule.number)
            cells.append("not recorded" if found is None else "no" if found else "yes")
            if found:
                notes.append(f"- {rule.number}, {each['worker']}: `{found.replace('`', chr(39))}`")
        lines.append(f"| {rule.number} | {rule.says} | {rule.source} | {' | '.join(cells)} |")
    lines.append(f"| | kept, of those recorded | | {' | '.join(kept)} |")
    lines += ["", *(f"{each['worker']}: {each['note']}" for each in recorded if each.get("note"))]
    if notes:
        lines += ["", "## What was found instead", *notes]
    return "\n".join(lines) + "\n"


async def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bootstrap")
    parser.add_argument("--postgres")
    parser.add_argument("--worker", choices=CALLED, action="append")
    options = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    for kind in (options.worker or CALLED) if options.bootstrap else ():
        await record(kind, bootstrap=options.bootstrap, postgres=options.postgres)
    await asyncio.to_thread(DOCUMENT.write_text, document(), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
