"""`./demo up --playground`: the control behind the page's switches, and spare sink workers, as parts of the stack."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace

from demo.environment import base_environment
from demo.stack import Stack
from demo.supervisor.graph import Part, Probe, Service
from devservers.ports import HOST, SINK_WORKERS

CONTROL = "playground"
SPARES = tuple(f"sink-{number}" for number in range(2, SINK_WORKERS + 1))


def with_playground(stack: Stack, parts: Iterable[Part], *, serves: Callable[[str], Probe]) -> list[Part]:
    """The parts, a catalog that knows the control, the control, and workers that join the first one when asked for.

    `serves` makes a probe of an address.
    """
    found = list(parts)
    by_name = {part.name: part for part in found if isinstance(part, Service)}
    catalog, sink = by_name["catalog"], by_name["sink"]
    told = replace(catalog, env={**catalog.env, "CATALOG_PLAYGROUND_URL": stack.playground_url})
    control = Service(
        name=CONTROL,
        command=(sys.executable, "-m", "demo", "playground"),
        ready=serves(f"{stack.playground_url}/health"),
        after=frozenset({"catalog", "sink", "connectors", *stack.orders}),
        env=base_environment() | {"DEMO_HOME": str(stack.home.root)},  # it finds the stack as any subcommand
        url=stack.playground_url,
    )
    return [told if part is catalog else part for part in found] + [
        control,
        *(_spare(stack, sink, number, serves) for number in range(2, SINK_WORKERS + 1)),
    ]


def _spare(stack: Stack, sink: Service, number: int, serves: Callable[[str], Probe]) -> Service:
    """A worker like the first one, in its group, with a REST of its own."""
    port = stack.ports.sink_worker(number)
    url = f"http://{HOST}:{port}"
    return replace(
        sink,
        name=f"sink-{number}",
        ready=serves(f"{url}/health"),
        env={
            **sink.env,
            "SINK_REST_PORT": str(port),
            **({"OTEL_SERVICE_NAME": f"sink-{number}"} if stack.observers else {}),
        },
        url=url,
        spare=True,
    )
