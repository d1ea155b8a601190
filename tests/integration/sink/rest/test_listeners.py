"""A worker answers at every address that its `listeners` name."""

from pathlib import Path

import httpx

from devservers.ports import HOST, free_ports
from tests.contract.sink.record_connect_rest import delete_topics
from tests.support.sink_worker import Group, worker_of_file


async def test_each_of_several_listeners_is_listened_at(kafka_bootstrap: str, tmp_path: Path) -> None:
    group, ports = Group(bootstrap=kafka_bootstrap), free_ports(3)
    settings = {
        "bootstrap.servers": kafka_bootstrap,
        "group.id": group.name,
        "config.storage.topic": group.topics[0],
        "status.storage.topic": group.topics[1],
        "listeners": f"http://{HOST}:{ports[0]}, HTTP://{HOST}:{ports[1]},http://localhost:{ports[2]}",
    }
    file = tmp_path / "worker.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    try:
        with worker_of_file(file, url=f"http://{HOST}:{ports[0]}") as worker:
            for port, host in zip(ports, (HOST, HOST, "localhost"), strict=True):
                async with httpx.AsyncClient() as client:
                    assert (await client.get(f"http://{host}:{port}/connectors")).json() == []
            assert worker.stop() == 0
    finally:
        await delete_topics(kafka_bootstrap, group.topics)
