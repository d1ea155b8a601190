"""The stack in containers: its parts are killed, paused and stopped through the engine, and started again through it."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from auditor import Command, Report
from auditor.observations import Planted
from demo.chaos.system import to_its_end
from demo.compose.auditing import audit_containers
from demo.compose.containers import Container, containers, docker
from demo.compose.stack import ComposeStack
from demo.errors import NotRunningError, UsageError

_HIT = re.compile(r"kafka-\d+|order-\d+|sink(-\d+)?|catalog|read-db")
"""The order instances' databases are left alone: each is one with its instance, as the file of an instance is."""


@dataclass(frozen=True, kw_only=True)
class Containers:
    """A `System` of the containers that there were when it was made."""

    instances: Mapping[str, str]
    catalog_url: str
    bootstrap: str
    admin_dsn: str = field(repr=False)
    owner_dsn: str = field(repr=False)
    catalog_dsn: str = field(repr=False)
    ids: Mapping[str, str]
    """Of each container, by the name of its part."""
    links: Sequence[str] = ()

    @classmethod
    def running(cls) -> "Containers":
        """Those of the project.

        Raises:
            NotRunningError, UsageError: there are none, or they ask for log-ins that nobody has who breaks them.
        """
        stack = ComposeStack.running()
        if stack.one("catalog").setting("CATALOG_ALLOW_ANONYMOUS") != "true":
            raise UsageError("faults and customers have no log-ins: run it on containers without secure.yml")
        return cls(
            instances=stack.instances,
            catalog_url=stack.catalog_url,
            bootstrap=stack.bootstrap,
            admin_dsn=stack.admin_dsn,
            owner_dsn=stack.owner_dsn,
            catalog_dsn=stack.read_dsn,
            ids={container.part: container.id for container in stack.containers},
        )

    @property
    def parts(self) -> Sequence[str]:
        """Brokers, instances, workers, the catalog and the read database."""
        return tuple(part for part in self.ids if _HIT.fullmatch(part))

    async def kill(self, part: str) -> None:
        """What somebody has killed through the engine it leaves alone, so it is started."""
        try:
            await to_its_end(self._do("kill", part))
        finally:
            await self._do("start", part)

    @asynccontextmanager
    async def paused(self, part: str) -> AsyncIterator[None]:
        """All of its processes are frozen."""
        try:
            await to_its_end(self._do("pause", part))
            yield
        finally:
            with suppress(LookupError):  # it has ended meanwhile
                await self._do("unpause", part)

    @asynccontextmanager
    async def stopped(self, part: str) -> AsyncIterator[None]:
        """With the time to end that the container has."""
        try:
            await to_its_end(self._do("stop", part))
            yield
        finally:
            await self._do("start", part)

    @asynccontextmanager
    async def broken(self, link: str, fault: str) -> AsyncIterator[None]:
        """Nothing forwards between containers. Raises LookupError."""
        raise LookupError(f"{fault} {link}: containers have no links")
        yield  # what makes a generator of it

    async def resume_all(self) -> None:
        """Whatever is paused or does not run; what the engine refuses is left for the next time."""
        for container in await self._there():
            with suppress(LookupError):
                if container.state == "paused":
                    await self._do("unpause", container.part)
                elif not container.is_running:
                    await self._do("start", container.part)

    async def states(self) -> Mapping[str, str]:
        """As the engine's own checks of health have them."""
        return {container.part: container.state for container in await self._there()}

    async def audit(
        self, commands: Sequence[Command], planted: Sequence[Planted], *, wait_s: float
    ) -> Report:
        """The auditor's report."""
        stack = await asyncio.to_thread(ComposeStack.running)
        return await audit_containers(stack, commands=commands, planted=planted, wait_s=wait_s)

    async def _there(self) -> Sequence[Container]:
        """The containers as they are now, without jobs. Raises LookupError."""
        try:
            found = await asyncio.to_thread(containers)
        except NotRunningError as error:
            raise LookupError(str(error)) from error
        return [container for container in found if not container.is_job]

    async def _do(self, what: str, part: str) -> None:
        """A command of the engine. Raises LookupError with what it says against it."""
        try:
            await asyncio.to_thread(docker, what, self.ids[part])
        except NotRunningError as error:
            raise LookupError(f"{part}: {error}") from error
