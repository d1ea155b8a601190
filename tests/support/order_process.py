"""Order instances as processes of their own, to be killed."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.waiting import wait_until

PROGRAM = Path(sys.executable).with_name("order-service")


@dataclass(slots=True, kw_only=True)
class OrderProcess:
    """`order-service serve` on a SQLite file; `kill` it and `start` it again as often as needed.

    `program` may be that of another version.
    """

    name: str
    port: int
    peers: dict[str, str]
    bootstrap: str
    prefix: str
    directory: Path
    program: Path = PROGRAM
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What it has said since it was first started."""
        return self.directory / f"{self.name}.log"

    @property
    def database(self) -> Path:
        return self.directory / f"{self.name}.db"

    async def start(self) -> "OrderProcess":
        """Migrate and serve; returns when it is ready."""
        job = await asyncio.create_subprocess_exec(self.program, "migrate", env=self._environment())
        assert await job.wait() == 0
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                self.program, "serve", env=self._environment(), stdout=log, stderr=log
            )
        await wait_until(self._ready, timeout_s=60, what=f"{self.name} is ready")
        return self

    async def kill(self) -> None:
        """SIGKILL: it has no say."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def terminate(self) -> int:
        """SIGTERM; its exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()

    async def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, self.log.read_text()[-3000:]
        async with httpx.AsyncClient(trust_env=False) as http:
            try:
                return (await http.get(f"{self.url}/health/ready")).status_code == 200
            except httpx.TransportError:
                return False

    def _environment(self) -> dict[str, str]:
        return os.environ | {
            "ORDER_INSTANCE": self.name,
            "ORDER_DATABASE_URL": f"sqlite+aiosqlite:///{self.database}",
            "ORDER_KAFKA_BOOTSTRAP": self.bootstrap,
            "ORDER_PORT": str(self.port),
            "ORDER_PEERS": json.dumps(self.peers),
            "ORDER_PEER_SECRET": "shared by the test's instances",
            "ORDER_TOPIC_PREFIX": self.prefix,
            "ORDER_LOG_LEVEL": "WARNING",
        }
