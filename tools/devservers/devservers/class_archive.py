"""Class data sharing: an archive of Kafka's loaded classes, so that a broker starts with a third less work.

The first broker of a first start lists the classes it loads; once the stack is ready, the archive is made from that
list in the background. It lies in the user's cache, because it fits the jars and the Java runtime, not the data. Java
itself refuses an archive that does not fit any more and continues without it.
"""

import asyncio
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from devservers.jars import Jars
from devservers.process import ChildProcess, minimal_environment


@dataclass(frozen=True, slots=True)
class ClassArchive:
    """The archive of one class path: `file` is there or not."""

    file: Path
    classpath: str

    @classmethod
    def of(cls, classpath: str) -> "ClassArchive":
        """The archive that fits `classpath` and the Java runtime."""
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        key = hashlib.sha256(f"{Jars.java()}:{classpath}".encode()).hexdigest()[:16]
        return cls(file=cache / "cqrs-sync" / f"kafka-{key}.jsa", classpath=classpath)

    @property
    def exists(self) -> bool:
        """Whether it was made."""
        return self.file.exists()

    @property
    def use_options(self) -> tuple[str, ...]:
        """Java options that use the archive when it fits, silently."""
        return ("-Xshare:auto", f"-XX:SharedArchiveFile={self.file}", "-Xlog:cds=off", "-Xlog:cds*=off")

    @staticmethod
    def learn_options(listed: Path) -> tuple[str, ...]:
        """Java options that write down in `listed` which classes are loaded."""
        return (f"-XX:DumpLoadedClassList={listed}",)

    async def make(self, listed: Path, *, log: Path) -> None:
        """Make the archive from `listed`, at the lowest priority; some ten seconds of one core, 65 MB.

        Cancelling it ends the work and leaves nothing behind. A failure is no harm: the next start tries again.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.file.with_name(f"{self.file.name}.{os.getpid()}")
        command = (
            *("nice", "-n", "19", Jars.java(), "-Xshare:dump", f"-XX:SharedClassListFile={listed}"),
            *(f"-XX:SharedArchiveFile={unfinished}", "-XX:+UseSerialGC", "-Xlog:cds=off", "-Xlog:cds*=off"),
            *("-cp", self.classpath),
        )
        starting = asyncio.create_task(
            ChildProcess.start(command, log=log, env=minimal_environment(), cwd=self.file.parent)
        )
        try:
            child = await asyncio.shield(starting)
            if await child.wait() == 0:
                unfinished.rename(self.file)
        finally:  # also when it is given up while the process is only just being made
            await (await starting).stop(grace_s=0)
            unfinished.unlink(missing_ok=True)
