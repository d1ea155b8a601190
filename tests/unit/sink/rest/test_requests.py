"""What a request may be: JSON that says so, of a bounded size and depth, and a name that can be reached again."""

import json
from collections.abc import AsyncIterator
from urllib.parse import quote, unquote

import httpx
import pytest
import pytest_asyncio
from aiokafka.errors import KafkaConnectionError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sink_connector.config.providers import read_providers
from sink_connector.config.worker import WorkerConfig, read_worker
from sink_connector.sink.offsets import Partition
from tests.support.sink_rest import CONNECTOR, rest_client

VALIDATE = "/connector-plugins/JdbcSinkConnector/config/validate"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_client() -> AsyncIterator[httpx.AsyncClient]:
    async with rest_client() as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def client(shared_client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """Of a worker that the tests of this module share; without connectors before and after each."""
    yield shared_client
    for name in (await shared_client.get("/connectors")).json():
        assert (await shared_client.delete(f"/connectors/{quote(name, safe='')}")).status_code == 204


BODIES = [
    ("POST", "/connectors"),
    ("PUT", "/connectors/c/config"),
    ("PATCH", "/connectors/c/config"),
    ("PUT", VALIDATE),
]
OTHER_TYPES = [
    None, "text/plain", "", "application/x-www-form-urlencoded", "application/jsonx",
    "multipart/form-data; x=application/json", "application/json; charset=utf-16",
]  # fmt: skip


def as_sent(path: str) -> bytes:
    return json.dumps({"name": "c", "config": CONNECTOR} if path == "/connectors" else CONNECTOR).encode()


@pytest.mark.parametrize(
    ("method", "path"), [*BODIES, ("PUT", "/admin/loggers/root"), ("PATCH", "/connectors/c/offsets")]
)
async def test_a_body_that_does_not_say_it_is_json_is_refused(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    await client.put("/connectors/c/config", json=CONNECTOR)
    await client.put("/connectors/c/stop")
    for written in OTHER_TYPES:
        headers = {} if written is None else {"content-type": written}
        answer = await client.request(method, path, content=as_sent(path), headers=headers)
        assert (answer.status_code, answer.json()) == (
            415,
            {"error_code": 415, "message": "HTTP 415 Unsupported Media Type"},
        ), written


@pytest.mark.parametrize(
    "written", ["application/json", "application/JSON; charset=utf-8", 'Application/Json ;charset="UTF-8"']
)
async def test_the_types_case_and_parameters_do_not_matter(client: httpx.AsyncClient, written: str) -> None:
    answer = await client.put(
        "/connectors/c/config", content=as_sent("/x"), headers={"content-type": written}
    )
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "accepted",
    [
        "*/*", "application/json", "application/*;q=0.1", "text/html, Application/JSON; charset=utf-8", "",
        "text/html, image/gif, *; q=.2, */*; q=.2", "text/html,application/xhtml+xml,*/*;q=0.8",
    ],
)  # fmt: skip
async def test_who_takes_json_gets_it(client: httpx.AsyncClient, accepted: str) -> None:
    for path in ("/", "/health", "/connectors", "/connector-plugins", "/admin/loggers"):
        assert (await client.get(path, headers={"accept": accepted})).status_code == 200


@pytest.mark.parametrize(
    "accepted",
    ["text/html", "application/xml, text/*", "application/json;q=0", "*/*, application/json; q=0.0", "json"],
)
async def test_who_takes_no_json_is_told_so_and_nothing_is_done(
    client: httpx.AsyncClient, accepted: str
) -> None:
    headers = {"accept": accepted}
    for method, path, body in (
        ("GET", "/", None),
        ("GET", "/connectors", None),
        ("POST", "/connectors", {"name": "c", "config": CONNECTOR}),
        ("PUT", "/connectors/c/config", CONNECTOR),
        ("PUT", VALIDATE, CONNECTOR),
    ):
        answer = await client.request(method, path, json=body, headers=headers)
        assert (answer.status_code, answer.json()) == (
            406,
            {"error_code": 406, "message": "HTTP 406 Not Acceptable"},
        )
    assert (await client.get("/connectors")).json() == []
    assert (await client.get("/nowhere", headers=headers)).status_code == 404
    assert (await client.get("/metrics", headers=headers)).status_code == 200


async def in_chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * 65_536


@pytest.mark.parametrize(("method", "path"), BODIES)
async def test_a_body_of_more_than_a_megabyte_is_refused_announced_or_not(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    headers = {"content-type": "application/json"}
    for content in (b" " * (2**20 + 1), in_chunks(17)):
        answer = await client.request(method, path, content=content, headers=headers)
        assert answer.status_code == 413
        assert answer.json()["error_code"] == 413
    allowed = await client.request(
        "PUT", "/connectors/c/config", content=as_sent("/x") + b" " * 2**19, headers=headers
    )
    assert allowed.status_code == 201


@pytest.mark.parametrize(("method", "path"), BODIES)
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"a":' * 100_000 + "1" + "}" * 100_000, 400),
        ("[" * 100_000, 400),
        ('{"name": "\\ud800", "config": {}}', 400),
        ("{", 500),
        ("[]", 500),
        ('{"name": "c", "config": {"topics": ["a"]}, "topics": {}}', 500),
    ],
)
async def test_a_body_that_cannot_be_read_is_answered_in_connects_form(
    client: httpx.AsyncClient, method: str, path: str, body: str, code: int
) -> None:
    answer = await client.request(method, path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == code
    assert answer.json().keys() == {"error_code", "message"}
    assert answer.json()["error_code"] == code


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("method", "path"), BODIES)
async def test_a_configuration_without_end_is_refused_at_once(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    await client.put("/connectors/c/config", json=CONNECTOR)
    for endless in ({str(number): "" for number in range(80_000)}, {"x": "${a:" * 200_000}):
        config = CONNECTOR | endless
        body = {"name": "d", "config": config} if path == "/connectors" else config
        answer = await client.request(method, path, json=body)
        assert (answer.status_code, answer.json()["error_code"]) == (400, 400)
        assert len(answer.content) < 500


NAMES = [
    "a/b",
    "a/status",
    "/",
    "a b",
    "ä",
    "注文",
    "a%2Fb",
    "a?b#c",
    "a+b",
    "a;b",
    'a"b',
    "😀",
    "..a",
    "-",
    "%",
    "a\\b",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("by", ["POST", "PUT"])
async def test_a_connector_is_reached_under_every_name_it_can_be_given(
    client: httpx.AsyncClient, name: str, by: str
) -> None:
    path = f"/connectors/{quote(name, safe='')}"
    if by == "POST":
        created = await client.post("/connectors", json={"name": name, "config": CONNECTOR})
    else:
        created = await client.put(f"{path}/config", json=CONNECTOR)
    assert created.status_code == 201, created.text
    assert created.headers["location"] == f"http://127.0.0.1{path}"
    assert (await client.get(path)).json()["name"] == name
    assert (await client.get(created.headers["location"])).json()["name"] == name
    assert (await client.get(f"{path}/config")).json()["name"] == name
    assert (await client.get(f"{path}/status")).json()["name"] == name
    assert (await client.get(f"{path}/tasks")).status_code == 200
    assert (await client.put(f"{path}/pause")).status_code == 202
    assert (await client.get("/connectors")).json() == [name]
    assert (await client.delete(f"{path}/")).status_code == 204
    assert (await client.get("/connectors")).json() == []


@pytest.mark.parametrize("name", ["a\r\nb: c", "a\nb", "\0", "a\x7f", "\x85", ".", "..", "x" * 256, "", " "])
@pytest.mark.parametrize("by", ["POST", "PUT"])
async def test_a_name_that_could_not_be_reached_is_refused(
    client: httpx.AsyncClient, name: str, by: str
) -> None:
    if by == "POST":
        answer = await client.post("/connectors", json={"name": name, "config": CONNECTOR})
    else:
        answer = await client.put(f"/connectors/{quote(name, safe='')}/config", json=CONNECTOR)
    assert answer.status_code in ({400, 404, 405} if by == "PUT" else {400})
    assert (await client.get("/connectors")).json() == []


@given(name=st.text(max_size=12))
@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_whatever_can_be_created_can_be_read_and_deleted(client: httpx.AsyncClient, name: str) -> None:
    body = json.dumps({"name": name, "config": CONNECTOR})
    created = await client.post("/connectors", content=body, headers={"content-type": "application/json"})
    if created.status_code == 400:
        return
    assert created.status_code == 201
    path = created.headers["location"]
    assert (await client.get(path)).status_code == 200
    assert (await client.delete(path)).status_code == 204


PATHS = [
    ("GET", "/connector-plugins/a%2Fb/config", 404, "Unknown plugin a/b."),
    ("GET", "/admin/loggers/a%2Fb", 404, "Logger a/b not found."),
    ("GET", "/connectors/a%2Fb", 404, "Connector a/b not found"),
    ("GET", "/a%2Fb", 404, "HTTP 404 Not Found"),
    ("GET", "/connectors/c/tasks/-1/status", 404, "No status found for task c--1"),
    ("POST", "/connectors/c/tasks/-1/restart", 404, "Unknown task: c--1"),
    ("GET", f"/connectors/c/tasks/{'9' * 5000}/status", 404, "HTTP 404 Not Found"),
    ("POST", f"/connectors/c/tasks/{'9' * 5000}/restart", 404, "HTTP 404 Not Found"),
]


@pytest.mark.parametrize(("method", "path", "code", "message"), PATHS)
async def test_a_path_that_leads_to_nothing_is_answered_in_connects_form(
    client: httpx.AsyncClient, method: str, path: str, code: int, message: str
) -> None:
    await client.put("/connectors/c/config", json=CONNECTOR)
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()) == (code, {"error_code": code, "message": message})


@pytest.mark.parametrize(
    "written", ["%ff", "%fe", "a%", "a%2", "%zz", "%ed%b0%af", "%c0%af", "%u0061"], ids=ascii
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_path_that_is_no_text_leads_to_no_connector(
    client: httpx.AsyncClient, written: str, method: str
) -> None:
    """Else several paths would lead to one connector, and a client that errs to another one's."""
    name = unquote(written)  # what is not UTF-8 as a replacement character
    reached = f"/connectors/{quote(name, safe='')}"
    assert (await client.put(f"{reached}/config", json=CONNECTOR)).status_code == 201
    for first in ("connectors", "%63onnectors"):
        raw = f"/{first}/{written}".encode()
        path = httpx.URL("http://127.0.0.1/connectors").copy_with(raw_path=raw)
        answer = await client.request(method, path)
        assert answer.json() == {"error_code": 400, "message": "HTTP 400 Bad Request"}
        assert answer.status_code == 400
    assert (await client.get(reached)).status_code == 200


async def test_a_plugin_and_a_logger_with_a_slash_in_its_name_are_what_is_asked_of(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.put("/connector-plugins/a%2Fb/config/validate", json=CONNECTOR)
    assert (answer.status_code, "does not match request type a/b" in answer.text) == (400, True)
    answer = await client.put("/admin/loggers/a%2Fb?scope=cluster", json={"level": "WARN"})
    assert answer.status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/connectors", {"name": {"a": 1}, "config": CONNECTOR}),
        ("POST", "/connectors", {"name": ["a"], "config": CONNECTOR}),
        ("POST", "/connectors", {"name": "a", "config": CONNECTOR, "initial_state": ["PAUSED"]}),
        ("PUT", "/admin/loggers/root", {"level": ["INFO"]}),
    ],
)
async def test_a_list_or_object_for_a_text_is_refused(
    client: httpx.AsyncClient, method: str, path: str, body: object
) -> None:
    answer = await client.request(method, path, json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (500, 500)
    assert "is not a text" in answer.json()["message"]


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/", "HEAD, GET"),
        ("/connectors", "HEAD, GET, POST"),
        ("/connectors/c", "HEAD, DELETE, GET"),
        ("/connectors/a%2Fb/pause", "PUT"),
        ("/connectors/c/tasks/0/restart", "POST"),
        ("/connectors/c/offsets", "HEAD, DELETE, GET, PATCH"),
        ("/connector-plugins/x/config/validate", "PUT"),
        ("/admin/loggers/x", "HEAD, GET, PUT"),
    ],
)
async def test_options_tells_the_methods_of_a_path(
    client: httpx.AsyncClient, path: str, methods: str
) -> None:
    answer = await client.options(path)
    assert (answer.status_code, answer.headers["allow"]) == (200, f"{methods}, OPTIONS")
    assert (await client.options("/nowhere")).status_code == 404


async def test_a_byte_order_mark_is_no_part_of_a_body(client: httpx.AsyncClient) -> None:
    body = b"\xef\xbb\xbf" + json.dumps(CONNECTOR).encode()
    answer = await client.put(
        "/connectors/c/config", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 201


async def test_a_number_for_a_name_is_its_text(client: httpx.AsyncClient) -> None:
    for name, written in ((5, "5"), (True, "true")):
        answer = await client.post("/connectors", json={"name": name, "config": CONNECTOR})
        assert (answer.status_code, answer.json()["name"]) == (201, written)


async def test_what_is_not_allowed_is_refused_and_what_is_is_not_shown() -> None:
    settings = {"config.providers": "env", "config.providers.env.param.allowlist.pattern": "SHOWN_.*"}
    environment = {"SHOWN_URL": "mysql://root:Tr0ub4dor-und-mehr@db", "OTHER": "Tr0ub4dor-und-mehr"}
    config = WorkerConfig(providers=read_providers(settings, environment=environment))
    async with rest_client(config) as client:
        for key in ("connection.url", "batch.size", "insert.mode", "topics", "db.timezone", "key.converter"):
            for variable in environment:
                written = f"${{env:{variable}}}"
                given = {"name": "c", **CONNECTOR, key: written}
                validated = await client.put(VALIDATE, json=given)
                put = await client.put("/connectors/c/config", json=given)
                shown = await client.get("/connectors?expand=info&expand=status")
                for answer in (validated, put, shown):
                    assert "Tr0ub" not in answer.text
                if variable == "OTHER" or key != "topics":
                    assert validated.json()["error_count"] > 0
                    assert put.status_code == 400
                    assert written in put.json()["message"]


async def test_the_blanks_around_a_name_are_part_of_it(client: httpx.AsyncClient) -> None:
    for name in (" a", "a ", "a", "\u00a0a"):
        path = f"/connectors/{quote(name, safe='')}"
        assert (await client.put(f"{path}/config", json=CONNECTOR)).status_code == 201
        assert (await client.get(f"{path}/config")).json()["name"] == name
    assert len((await client.get("/connectors")).json()) == 4


@pytest.mark.parametrize(
    ("partition", "said"),
    [
        (
            {"kafka_topic": None, "kafka_partition": 0},
            "Kafka topic names must be valid strings and may not be null",
        ),
        (
            {"kafka_topic": "a", "kafka_partition": None},
            "Kafka partitions must be valid numbers and may not be null",
        ),
    ],
)
async def test_an_offset_of_no_topic_or_partition_is_refused(
    client: httpx.AsyncClient, partition: dict[str, object], said: str
) -> None:
    await client.put("/connectors/c/config", json=CONNECTOR)
    await client.put("/connectors/c/stop")
    change = {"offsets": [{"partition": partition, "offset": {"kafka_offset": 1}}]}
    answer = await client.patch("/connectors/c/offsets", json=change)
    assert (answer.status_code, answer.json()["message"]) == (400, said)


@pytest.mark.parametrize(
    ("partition", "offset", "kind"),
    [
        ("1_0", 1, "partition"), (" 1", 1, "partition"), (2**31, 1, "partition"), (True, 1, "partition"),
        (1.0, 1, "partition"), ([1], 1, "partition"), ("9" * 5000, 1, "partition"),
        (0, "1_0", "offset"), (0, 2**63, "offset"), (0, 1.5, "offset"), (0, None, "offset"), (0, {}, "offset"),
    ],
)  # fmt: skip
async def test_what_java_reads_no_integer_in_is_no_place(
    client: httpx.AsyncClient, partition: object, offset: object, kind: str
) -> None:
    await client.put("/connectors/c/config", json=CONNECTOR)
    await client.put("/connectors/c/stop")
    place = {"kafka_topic": "a", "kafka_partition": partition}
    change = {"offsets": [{"partition": place, "offset": {"kafka_offset": offset}}]}
    answer = await client.patch("/connectors/c/offsets", json=change)
    assert answer.status_code == 400
    assert f"Failed to parse the following Kafka {kind} value" in answer.json()["message"]


@pytest.mark.parametrize("written", ["advanced", "yes", "basic,none"])
async def test_a_value_that_another_connectors_key_does_not_know_is_told(
    client: httpx.AsyncClient, written: str
) -> None:
    answer = (await client.put(VALIDATE, json={**CONNECTOR, "name": "c", "schema.evolution": written})).json()
    errors = {
        each["value"]["name"]: each["value"]["errors"]
        for each in answer["configs"]
        if each["value"]["errors"]
    }
    assert list(errors) == ["schema.evolution"]


@pytest.mark.parametrize(
    ("written", "told", "forgotten"),
    [
        ({}, (200, None), (202, None)),
        ({"SINK_TOPIC_TRACKING_ENABLE": "false"}, (403, "Topic tracking is disabled."), (403, "Topic tracking is disabled.")),
        ({"SINK_TOPIC_TRACKING_ALLOW_RESET": "FALSE"}, (200, None), (403, "Topic tracking reset is disabled.")),
    ],
)  # fmt: skip
async def test_topics_are_told_and_forgotten_as_the_workers_settings_say(
    written: dict[str, str], told: tuple[int, str | None], forgotten: tuple[int, str | None]
) -> None:
    async with rest_client(read_worker(written)) as client:
        await client.put("/connectors/c/config", json=CONNECTOR)
        for answer, expected in (
            (await client.get("/connectors/c/topics"), told),
            (await client.put("/connectors/c/topics/reset"), forgotten),
        ):
            said = answer.json().get("message") if answer.content else None
            assert (answer.status_code, said) == expected


@pytest.mark.parametrize(
    ("listeners", "code"), [(None, 200), ("http://:8083", 200), ("", 404), ("http://127.0.0.1:8090", 404)]
)
async def test_log_levels_are_answered_where_connect_would_answer_them(
    listeners: str | None, code: int
) -> None:
    written = {"SINK_LISTENERS": "http://:8083"} | (
        {} if listeners is None else {"SINK_ADMIN_LISTENERS": listeners}
    )
    async with rest_client(read_worker(written)) as client:
        assert (await client.get("/admin/loggers")).status_code == code
        changed = await client.put("/admin/loggers/sink_connector.of_no_module", json={"level": "WARN"})
        assert changed.status_code == code
        assert (await client.get("/connectors")).status_code == 200


async def test_a_name_that_is_null_in_the_configuration_is_the_connectors(client: httpx.AsyncClient) -> None:
    config = {**CONNECTOR, "name": None}
    created = await client.post("/connectors", json={"name": "c", "config": config})
    assert (created.status_code, created.json()["config"]["name"]) == (201, "c")
    put = await client.put("/connectors/c/config", json=config)
    assert (put.status_code, put.json()["config"]["name"]) == (200, "c")


@pytest.mark.parametrize(
    "config",
    [
        {"tasks.max": "1_0"},
        {"batch.size": "1_000"},
        {"consumer.override.max.poll.records": "1_0"},
        {"consumer.override.group.id": " "},
        {"topics": "a b"},
        {"topics": "a, b/c"},
        {"topics": "."},
        {"topics": "x" * 250},
        {"errors.deadletterqueue.topic.name": "bad name"},
        {"persisted.topic.name": "späte"},
    ],
    ids=str,
)
async def test_a_number_or_a_topic_that_kafka_knows_none_of_is_refused(
    client: httpx.AsyncClient, config: dict[str, str]
) -> None:
    answer = await client.put("/connectors/c/config", json={**CONNECTOR, **config})
    assert answer.status_code == 400
    assert next(iter(config)) in answer.json()["message"]


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_offsets_while_no_broker_answers_are_a_failure_that_says_so(method: str) -> None:
    async def no_answer() -> set[Partition]:
        raise KafkaConnectionError("no broker")

    async with rest_client(partitions=no_answer) as client:
        await client.put("/connectors/c/config", json=CONNECTOR)
        await client.put("/connectors/c/stop")
        place = {"kafka_topic": "a", "kafka_partition": 0}
        body = (
            {"offsets": [{"partition": place, "offset": {"kafka_offset": 1}}]} if method == "PATCH" else None
        )
        answer = await client.request(method, "/connectors/c/offsets", json=body)
        assert answer.json() == {
            "error_code": 500,
            "message": "Kafka does not tell which partitions there are: KafkaConnectionError('no broker')",
        }
