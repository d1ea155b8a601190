"""The process behind `./demo up`: one supervisor with its control socket, until SIGTERM or `./demo down`."""

import argparse
import asyncio
import logging
import os
import signal
import tempfile
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import httpx

from demo.environment import base_environment
from demo.home import Home
from demo.stack import Stack
from demo.stack_graph import graph_of
from demo.supervisor.control import ControlServer
from demo.supervisor.event_log import EventLog
from demo.supervisor.record import ProcessId, Record, supervisor_id, supervisor_lock
from demo.supervisor.state import Phase
from demo.supervisor.supervisor import Supervisor
from devservers.class_archive import ClassArchive
from devservers.jars import Jars
from devservers.ports import Ports
from devservers.private_files import PRIVATE_UMASK

PROBE_TIMEOUT_S = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `supervise`."""
    parser.add_argument("--brokers", type=int, required=True)
    parser.add_argument("--observe", action="store_true")
    parser.add_argument("--secure", action="store_true")
    parser.add_argument("--playground", action="store_true")


def run(args: argparse.Namespace) -> int:
    """Supervise; 0 after an orderly stop, 1 when a part did not come up."""
    logging.getLogger("aiokafka").setLevel(
        logging.CRITICAL
    )  # probing a broker that is not there yet is no news
    os.umask(PRIVATE_UMASK)
    home = Home.from_environment()
    with supervisor_lock(home):
        home.rotate_logs()
        stack = Stack.of(
            home=home,
            ports=Ports.from_environment(),
            brokers=args.brokers,
            classpath=Jars.resolve(),
            observe=args.observe,
            secure=args.secure,
            playground=args.playground,
        )
        with _last_audit(stack):
            return asyncio.run(_supervise(stack))


def _last_audit(stack: Stack) -> AbstractContextManager[None]:
    """Serves the last audit's result where Prometheus looks for it."""
    if stack.observers is None:
        return nullcontext()
    from demo.audit_metrics import serving_audit  # noqa: PLC0415 - a stack that nobody observes does without

    return serving_audit(stack.observers.audit_file, port=stack.ports.audit)


async def _supervise(stack: Stack) -> int:
    # A directory of its own: a socket's path is limited to about a hundred bytes, the home's may be longer.
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        record = Record(
            supervisor=supervisor_id(),
            socket=str(Path(folder) / "control"),
            brokers=stack.brokers,
            port_offset=stack.ports.offset,
            observe=stack.observers is not None,
            secure=stack.security is not None,
            playground=stack.playground,
        )

        def keep_record(children: tuple[ProcessId, ...]) -> None:
            replace(record, children=children).write(stack.home)

        async with httpx.AsyncClient(timeout=PROBE_TIMEOUT_S, trust_env=False, verify=stack.verify) as http:
            supervisor = Supervisor(
                graph=graph_of(stack, http),
                home=stack.home,
                env=base_environment(),
                events=EventLog(stack.home.log("supervisor")),
                on_children=keep_record,
            )
            loop = asyncio.get_running_loop()
            for sig in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(sig, supervisor.request_stop)
            control = ControlServer(supervisor=supervisor, described=stack.described())
            server = await asyncio.start_unix_server(control.answer, record.socket)
            keep_record(())
            async with server:
                archiving = asyncio.create_task(_archive_classes(supervisor, stack))
                await supervisor.run()
                archiving.cancel()
                await asyncio.gather(archiving, return_exceptions=True)
                await asyncio.sleep(0.2)  # the followers' last line
        stack.home.record.unlink(missing_ok=True)
        return 1 if supervisor.failure else 0


async def _archive_classes(supervisor: Supervisor, stack: Stack) -> None:
    """Once everything is up, make the next start quicker."""
    archive = ClassArchive.of(stack.classpath)
    while supervisor.phase is Phase.STARTING:
        await supervisor.changes()
    listed = stack.kafka[0].loaded_classes
    if supervisor.phase is Phase.READY and not archive.exists and listed.exists():
        await archive.make(listed, log=stack.home.log("class-archive"))
