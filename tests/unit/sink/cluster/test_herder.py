"""The herder and the reporter of one worker: what is asked for comes to run, what cannot is that connector's failure alone."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiokafka.client import AIOKafkaClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sink_connector.cluster.cluster import Cluster
from sink_connector.cluster.config_store import Restart, TargetState
from sink_connector.cluster.connector_cache import ConnectorCache
from sink_connector.cluster.herder import Herder
from sink_connector.cluster.status_reporter import StatusReporter, TroubleReports
from sink_connector.cluster.status_store import Status, TaskId
from sink_connector.config import definition
from sink_connector.config.providers import ConfigProviders
from sink_connector.config.worker import WorkerConfig
from sink_connector.errors import ConfigError
from sink_connector.runtime.connector_definition import ConnectorDefinition, define_connector
from sink_connector.runtime.states import State
from sink_connector.runtime.worker import Worker
from tests.support.sink_rest import CONNECTOR
from tests.support.waiting import wait_until

CONFIG = WorkerConfig(bootstrap_servers="127.0.0.1:1")


def define(given: Mapping[str, str | None]) -> ConnectorDefinition:
    return define_connector(given, CONFIG)


@dataclass(slots=True)
class Clock:
    """A clock that stands still until it is set."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(slots=True)
class Scene:
    """One worker without a Kafka to reach: its tasks run and find nobody."""

    define: Callable[[Mapping[str, str | None]], ConnectorDefinition] = define
    cluster: Cluster = field(
        default_factory=lambda: Cluster.local(CONFIG, set_level=lambda *_: None), init=False
    )
    herder: Herder = field(init=False)
    reporter: StatusReporter = field(init=False)

    def __post_init__(self) -> None:
        worker = Worker(
            AIOKafkaClient(bootstrap_servers=CONFIG.bootstrap_servers), self.cluster.signal.notify
        )
        self.herder = Herder(cluster=self.cluster, definitions=ConnectorCache(self.define), worker=worker)
        self.reporter = StatusReporter(self.herder)

    async def open(self) -> None:
        await self.cluster.configs.open()
        await self.cluster.statuses.open()

    async def turn(self) -> None:
        """What a change leads to: the leader counts tasks out, the herder starts them, the reporter says so."""
        await self.reporter.report()
        await self.herder.settle()
        await self.reporter.report()

    def state(self, name: str) -> State:
        return self.cluster.statuses.connectors[name].state

    def tasks(self, name: str) -> list[State]:
        return [status.state for _, status in self.cluster.statuses.of(name)]

    async def close(self) -> None:
        await self.herder.worker.stop()


async def test_a_connector_is_started_paused_stopped_and_removed() -> None:
    scene = Scene()
    await scene.open()
    configs = scene.cluster.configs
    await configs.put("c", {**CONNECTOR, "name": "c", "tasks.max": "2"})
    await scene.turn()
    assert (scene.state("c"), scene.tasks("c")) == (State.RUNNING, [State.RUNNING] * 2)
    await configs.aim("c", TargetState.PAUSED)
    await scene.turn()
    assert (scene.state("c"), scene.tasks("c")) == (State.PAUSED, [State.PAUSED] * 2)
    await configs.aim("c", TargetState.STOPPED)
    await scene.turn()
    await scene.turn()
    assert (scene.state("c"), scene.tasks("c")) == (State.STOPPED, [])
    await configs.remove("c")
    await scene.turn()
    assert scene.cluster.statuses.connectors == {}
    assert scene.herder.worker.connectors == {}
    await scene.close()


async def test_what_was_said_in_a_group_that_began_anew_is_said_anew() -> None:
    """Kafka forgets a group that was empty for long, and counts its generations from 1 again."""
    scene = Scene()
    await scene.open()
    await scene.cluster.configs.put("c", {**CONNECTOR, "name": "c"})
    await scene.turn()
    me = scene.cluster.membership.me
    late = Status(state=State.FAILED, worker=me, generation=7, trace="of before")
    await scene.cluster.statuses.put_connector("c", late)
    await scene.cluster.statuses.put_task(TaskId("c", 0), late)
    await scene.turn()
    assert (scene.state("c"), scene.tasks("c")) == (State.RUNNING, [State.RUNNING])
    await scene.close()


async def test_a_connector_is_called_as_its_key_in_the_topic_whatever_its_configuration_says() -> None:
    """As in Connect. Else one entry would run another's connector, with its offsets and its group, on a database of its own."""
    scene = Scene()
    await scene.open()
    configs = scene.cluster.configs
    own = {**CONNECTOR, "name": "b", "connection.url": "postgresql://own/shop"}
    await configs.put("a", {**CONNECTOR, "name": "b", "connection.url": "postgresql://other/shop"})
    await configs.put("b", own)
    await configs.put("nameless", CONNECTOR)
    await scene.turn()
    assert {name: scene.state(name) for name in configs.names} == dict.fromkeys(
        ("a", "b", "nameless"), State.RUNNING
    )
    running = scene.herder.worker.connectors
    assert {name: connector.config.name for name, connector in running.items()} == {
        "a": "a", "b": "b", "nameless": "nameless"
    }  # fmt: skip
    assert running["b"].config.connection.dsn.startswith("postgresql://own")
    await scene.close()


UNUSABLE: dict[str, dict[str, str]] = {
    "missing": {"consumer.override.ssl.truststore.location": "/nowhere/ca.pem"},
    "a folder": {"consumer.override.ssl.truststore.location": "/"},
    "jks": {"consumer.override.ssl.truststore.location": "{jks}"},
    "nul": {"consumer.override.ssl.truststore.location": "a\0b"},
    "class": {"connector.class": "com.example.Other"},
    "url": {"connection.url": "postgresql://[::1/x"},
    "port": {"connection.url": "postgresql://db:99999999/x"},
    "number": {"consumer.override.max.poll.records": "many"},
    "empty flag": {"delete.enabled": ""},
    "empty words": {"insert.mode": "", "pk.mode": "", "errors.tolerance": ""},
    "registry": {"value.converter": "io.confluent.connect.avro.AvroConverter", "value.converter.schema.registry.url": "\0"},
}  # fmt: skip


@pytest.mark.parametrize("keys", UNUSABLE.values(), ids=UNUSABLE.keys())
async def test_a_connector_that_cannot_be_made_is_failed_and_its_neighbour_runs(
    keys: dict[str, str], tmp_path: Path
) -> None:
    jks = tmp_path / "trust.jks"
    jks.write_bytes(b"\xfe\xed\xfe\xed" + bytes(64))
    filled = {key: value.replace("{jks}", str(jks)) for key, value in keys.items()}
    given = {**CONNECTOR, "name": "bad", "consumer.override.security.protocol": "SSL", **filled}
    with pytest.raises(ConfigError):
        define(given)
    scene = Scene()
    await scene.open()
    await scene.cluster.configs.put("bad", given)
    await scene.cluster.configs.put("good", {**CONNECTOR, "name": "good"})
    await scene.turn()
    assert (scene.state("bad"), scene.state("good")) == (State.FAILED, State.RUNNING)
    assert next(iter(keys)) in (scene.cluster.statuses.connectors["bad"].trace or "")
    await scene.cluster.configs.put("bad", {**CONNECTOR, "name": "bad"})
    await scene.turn()
    assert scene.state("bad") is State.RUNNING
    await scene.cluster.configs.remove("bad")
    await scene.turn()
    assert list(scene.cluster.statuses.connectors) == ["good"]
    await scene.close()


@dataclass(slots=True)
class Secret:
    """A file that a connector's password is in."""

    file: Path

    def scene(self) -> Scene:
        providers = ConfigProviders().unrestricted()
        return Scene(define=lambda given: define_connector(given, CONFIG, providers))

    @property
    def connector(self) -> dict[str, str]:
        return {**CONNECTOR, "name": "c", "connection.password": f"${{file:{self.file}}}", "tasks.max": "2"}


def password_of(scene: Scene, number: int) -> str:
    task = scene.herder.worker.connectors["c"].tasks[number].task
    assert task is not None
    return task.session.address.dsn


WAYS: dict[str, list[TargetState | Restart]] = {
    "a restart with its tasks": [Restart(connector="c", include_tasks=True)],
    "paused, restarted": [TargetState.PAUSED, Restart(connector="c", include_tasks=True)],
    "stopped and resumed": [TargetState.STOPPED, TargetState.STARTED],
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
async def test_what_starts_anew_has_the_password_as_it_is_now(
    tmp_path: Path, way: list[TargetState | Restart]
) -> None:
    secret = Secret(tmp_path / "password")
    secret.file.write_text("first-one")
    scene = secret.scene()
    await scene.open()
    configs = scene.cluster.configs
    await configs.put("c", secret.connector)
    await scene.turn()
    assert all("first-one" in password_of(scene, number) for number in range(2))
    for each in way:
        if each is way[-1]:
            secret.file.write_text("second-one")
        await (configs.restart(each) if isinstance(each, Restart) else configs.aim("c", each))
        await scene.turn()
        await scene.turn()
    assert len(set(scene.tasks("c"))) == 1
    assert all("second-one" in password_of(scene, number) for number in range(2))
    await scene.close()


async def test_a_password_may_be_away_while_a_connector_is_stopped(tmp_path: Path) -> None:
    secret = Secret(tmp_path / "password")
    secret.file.write_text("first-one")
    scene = secret.scene()
    await scene.open()
    configs = scene.cluster.configs
    await configs.put("c", secret.connector)
    await scene.turn()
    secret.file.unlink()
    await configs.aim("c", TargetState.STOPPED)
    await scene.turn()
    await scene.turn()
    assert scene.state("c") is State.STOPPED
    secret.file.write_text("second-one")
    await configs.aim("c", TargetState.STARTED)
    await scene.turn()
    await scene.turn()
    assert (scene.state("c"), scene.tasks("c")) == (State.RUNNING, [State.RUNNING] * 2)
    assert "second-one" in password_of(scene, 0)
    await scene.close()


async def test_a_task_whose_password_is_gone_fails_when_it_is_restarted_and_the_other_goes_on(
    tmp_path: Path,
) -> None:
    secret = Secret(tmp_path / "password")
    secret.file.write_text("first-one")
    scene = secret.scene()
    await scene.open()
    configs = scene.cluster.configs
    await configs.put("c", secret.connector)
    await scene.turn()
    secret.file.unlink()
    await configs.restart(Restart(connector="c", task=1))
    await scene.turn()
    assert (scene.state("c"), scene.tasks("c")) == (State.RUNNING, [State.RUNNING, State.FAILED])
    trace = scene.cluster.statuses.tasks[TaskId("c", 1)].trace or ""
    assert "connection.password" in trace
    secret.file.write_text("second-one")
    await configs.restart(Restart(connector="c", include_tasks=True, only_failed=True))
    await scene.turn()
    assert scene.tasks("c") == [State.RUNNING] * 2
    assert ("first-one" in password_of(scene, 0), "second-one" in password_of(scene, 1)) == (True, True)
    await scene.close()


class StrangeError(Exception):
    """Of a library that nobody expected."""


@pytest.mark.parametrize(
    "error", [StrangeError("x"), RecursionError(), KeyError("k"), AttributeError("a"), OSError(5)]
)
async def test_whatever_making_a_connector_raises_is_that_connectors_failure(error: Exception) -> None:
    def failing(given: Mapping[str, str | None]) -> ConnectorDefinition:
        if given["name"] == "bad":
            raise error
        return define(given)

    scene = Scene(define=failing)
    await scene.open()
    for name in ("bad", "good"):
        await scene.cluster.configs.put(name, {**CONNECTOR, "name": name})
    await scene.turn()
    assert (scene.state("bad"), scene.state("good")) == (State.FAILED, State.RUNNING)
    assert scene.herder.failed.is_set()
    await scene.close()


@dataclass(frozen=True, slots=True)
class Retrying:
    """What a task says of itself while its database is away."""

    since_ms: int
    attempts: int
    reason: str


def test_the_status_says_what_is_being_tried_again_since_when_and_how_often() -> None:
    clock, task = Clock(), TaskId("c", 0)
    reports = TroubleReports(clock)

    def said(trouble: Retrying | None) -> str | None:
        return reports.of(task, trouble, redact=lambda text: text.replace("s3cret", "[hidden]"))

    assert said(None) is None
    begun = 1_000_000_000_000
    first = said(Retrying(begun, 1, "no TLS for s3cret"))
    assert first == (
        "retrying since 2001-09-09T01:46:40+00:00; failed attempts so far: 1; the last reason: no TLS for [hidden]"
    )
    assert said(Retrying(begun, 2, "no TLS for s3cret")) == first
    clock.now += 5
    assert "so far: 3;" in (said(Retrying(begun, 3, "no TLS for s3cret")) or "")
    assert "connection refused" in (said(Retrying(begun, 4, "connection refused")) or "")
    assert said(None) is None


async def test_the_loops_end_with_their_cancellation_and_with_nothing_else() -> None:
    scene = Scene()
    await scene.open()
    loops = [asyncio.create_task(scene.herder.run()), asyncio.create_task(scene.reporter.run())]
    await scene.cluster.configs.put("c", {**CONNECTOR, "name": "c"})
    await wait_until(lambda: "c" in scene.cluster.statuses.connectors, timeout_s=30, what="a status")
    for loop in loops:
        assert not loop.done()
        loop.cancel()
    await asyncio.gather(*loops, return_exceptions=True)
    await scene.close()


KEYS = st.sampled_from([key.name for key in definition.KEYS]) | st.sampled_from(
    [
        "transforms.t.type", "transforms.t.regex", "predicates.p.type", "predicates.p.pattern", "projection.p.sql",
        "key.converter.schemas.enable", "value.converter.schema.registry.url", "consumer.override.security.protocol",
        "consumer.override.ssl.truststore.location", "consumer.override.max.poll.records", "consumer.override.group.id",
    ]
)  # fmt: skip
VALUES = st.text(max_size=20) | st.sampled_from(
    [
        "", "t", "p", "true", "-1", "9" * 5_000, "1e9", "${env:X}", "${file:/dev/zero}", "${x", "(a+)+b", "[", "(?P<a", "\0",
        "SSL", "SASL_SSL", "jdbc:postgresql://[", "postgresql://h:x/d", "jdbc:postgresql:///?options=-c", "../../x", "a:b:c",
        "io.confluent.connect.avro.AvroConverter", "org.apache.kafka.connect.transforms.RegexRouter", "RegexRouter", "Cast$Value",
        "\ud800", "a,,b", "Europe/../x", "/etc",
    ]
)  # fmt: skip


@given(keys=st.dictionaries(KEYS, VALUES, max_size=6))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_configuration_is_usable_or_refused_and_nothing_else(keys: dict[str, str]) -> None:
    try:
        define({**CONNECTOR, "name": "c", **keys})
    except ConfigError:
        return
