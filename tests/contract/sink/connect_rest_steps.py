"""What is asked of a Kafka Connect worker, in order: every endpoint of its REST API, in success and in failure.

Before: `<topic>` has two partitions with three good records, `<poisoned_topic>` one record that is not JSON; no connectors.
"""

from typing import Any

from tests.support.connect_rest import Step

DEBEZIUM = "io.debezium.connector.jdbc.JdbcSinkConnector"
REGEX_ROUTER = "org.apache.kafka.connect.transforms.RegexRouter"

CONFIG: dict[str, Any] = {
    "connector.class": DEBEZIUM,
    "tasks.max": "2",
    "topics": "<topic>",
    "connection.url": "<jdbc_url>",
    "connection.username": "postgres",
    "connection.password": "the-secret-of-the-recording",
    "insert.mode": "upsert",
    "primary.key.mode": "record_key",
    "primary.key.fields": "order_id",
    "schema.evolution": "basic",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": "true",
}
POISONED = {**CONFIG, "topics": "<poisoned_topic>", "tasks.max": "1"}
ONE = "/connectors/<connector>"


def running(step: str, name: str = "connector", tasks: int = 2) -> Step:
    """Wait until a connector and all of its tasks run, and none has a fault to tell."""
    states = {
        f"/tasks/{number}/{field}": value
        for number in range(tasks)
        for field, value in (("state", "RUNNING"), ("trace", None))
    }
    return Step(step, "GET", f"/connectors/<{name}>/status", until={"/connector/state": "RUNNING", **states})


ROOT = [
    Step("the root tells the version", "GET", "/"),
    Step("health", "GET", "/health"),
    Step("no such path", "GET", "/nowhere"),
    Step("no connectors yet", "GET", "/connectors"),
    Step("connectors with a method that is not there", "DELETE", "/connectors"),
    Step("expanded, none", "GET", "/connectors?expand=status&expand=info"),
]

REFUSED = [
    Step("create without a body", "POST", "/connectors", raw_body=""),
    Step("create with a body that is not JSON", "POST", "/connectors", raw_body="{not json"),
    Step("create with a list", "POST", "/connectors", raw_body="[]"),
    Step("create with the wrong media type", "POST", "/connectors", raw_body="name=x", content_type="text/plain"),
    Step("create with an unknown key", "POST", "/connectors", {"name": "<connector>", "config": CONFIG, "color": "red"}),
    Step("create without a name", "POST", "/connectors", {"config": CONFIG}),
    Step("create with an empty name", "POST", "/connectors", {"name": "", "config": CONFIG}),
    Step("create with a blank name", "POST", "/connectors", {"name": "  ", "config": CONFIG}),
    Step("create without a config", "POST", "/connectors", {"name": "<connector>"}),
    Step("create with an empty config", "POST", "/connectors", {"name": "<connector>", "config": {}}),
    Step("create with two names", "POST", "/connectors", {"name": "<connector>", "config": {**CONFIG, "name": "another"}}),
    Step("create with a class that is not there", "POST", "/connectors",
         {"name": "<connector>", "config": {**CONFIG, "connector.class": "com.example.Nowhere"}}),
    Step("create without topics", "POST", "/connectors",
         {"name": "<connector>", "config": {key: value for key, value in CONFIG.items() if key != "topics"}}),
    Step("create with topics and topics.regex", "POST", "/connectors",
         {"name": "<connector>", "config": {**CONFIG, "topics.regex": "x.*"}}),
    Step("create with a bad tasks.max", "POST", "/connectors", {"name": "<connector>", "config": {**CONFIG, "tasks.max": "none"}}),
    Step("create with a bad initial state", "POST", "/connectors",
         {"name": "<connector>", "config": CONFIG, "initial_state": "SLEEPING"}),
    Step("nothing of this was created", "GET", "/connectors"),
]  # fmt: skip

MISSING = [
    Step(f"of a connector that is not there: {method} {path or '/'}", method, f"/connectors/absent{path}", body)
    for method, path, body in [
        ("GET", "", None), ("DELETE", "", None), ("GET", "/config", None), ("PATCH", "/config", {"tasks.max": "1"}),
        ("GET", "/status", None), ("GET", "/tasks", None), ("GET", "/tasks/0/status", None), ("GET", "/topics", None),
        ("PUT", "/topics/reset", None), ("PUT", "/pause", None), ("PUT", "/resume", None), ("PUT", "/stop", None),
        ("POST", "/restart", None), ("POST", "/restart?includeTasks=true&onlyFailed=true", None),
        ("POST", "/tasks/0/restart", None), ("GET", "/offsets", None), ("DELETE", "/offsets", None),
        ("PATCH", "/offsets", {"offsets": [
            {"partition": {"kafka_topic": "<topic>", "kafka_partition": 0}, "offset": {"kafka_offset": 1}}]}),
    ]
]  # fmt: skip

LIFE = [
    Step("create", "POST", "/connectors", {"name": "<connector>", "config": CONFIG}),
    running("it runs"),
    Step("create again", "POST", "/connectors", {"name": "<connector>", "config": CONFIG}),
    Step("listed", "GET", "/connectors"),
    Step("listed with status and info", "GET", "/connectors?expand=status&expand=info"),
    Step("listed with info", "GET", "/connectors?expand=info"),
    Step("listed with an expansion that is not there", "GET", "/connectors?expand=everything"),
    Step("get", "GET", ONE),
    Step("config", "GET", f"{ONE}/config"),
    Step("tasks", "GET", f"{ONE}/tasks"),
    Step("status of a task", "GET", f"{ONE}/tasks/0/status", until={"/state": "RUNNING", "/trace": None}),
    Step("status of a task that is not there", "GET", f"{ONE}/tasks/9/status"),
    Step("status of a task without a number", "GET", f"{ONE}/tasks/first/status"),
    Step("topics in use", "GET", f"{ONE}/topics", until={"/<connector>/topics/0": "<topic>"}),
    Step("topics forgotten", "PUT", f"{ONE}/topics/reset"),
    Step("the config again", "PUT", f"{ONE}/config", CONFIG),
    running("it runs with the config put"),
    Step("a config with another name in it", "PUT", f"{ONE}/config", {**CONFIG, "name": "another"}),
    Step("a config with an insert.mode that is not there", "PUT", f"{ONE}/config", {**CONFIG, "insert.mode": "sideways"}),
    Step("a config that is not JSON", "PUT", f"{ONE}/config", raw_body="{"),
    Step("a config with a number in it", "PUT", f"{ONE}/config", {**CONFIG, "batch.size": 250}),
    running("it runs with the number"),
    Step("the number comes back", "GET", f"{ONE}/config"),
    Step("a config with null in it", "PUT", f"{ONE}/config", {**CONFIG, "batch.size": None}),
    running("it runs with null"),
    Step("patch", "PATCH", f"{ONE}/config", {"batch.size": "100", "delete.enabled": "true"}),
    running("it runs patched"),
    Step("patch with null removes", "PATCH", f"{ONE}/config", {"batch.size": None, "delete.enabled": None}),
    running("it runs without what was removed"),
    Step("patch that is not valid", "PATCH", f"{ONE}/config", {"tasks.max": "0"}),
    Step("config after the patches", "GET", f"{ONE}/config"),
    Step("pause by POST", "POST", f"{ONE}/pause"),
    Step("pause", "PUT", f"{ONE}/pause"),
    Step("paused", "GET", f"{ONE}/status", until={
        "/connector/state": "PAUSED", "/tasks/0/state": "PAUSED", "/tasks/1/state": "PAUSED"}),
    Step("pause again", "PUT", f"{ONE}/pause"),
    Step("resume", "PUT", f"{ONE}/resume"),
    running("resumed"),
    Step("restart the connector", "POST", f"{ONE}/restart"),
    running("restarted"),
    Step("restart with all tasks", "POST", f"{ONE}/restart?includeTasks=true"),
    running("restarted with all tasks"),
    Step("restart only what failed, nothing has", "POST", f"{ONE}/restart?includeTasks=true&onlyFailed=true"),
    Step("restart only the connector if it failed", "POST", f"{ONE}/restart?onlyFailed=true"),
    Step("restart with a flag that is no boolean", "POST", f"{ONE}/restart?includeTasks=perhaps"),
    running("restarted as before"),
    Step("restart a task", "POST", f"{ONE}/tasks/0/restart"),
    running("task restarted"),
    Step("restart a task that is not there", "POST", f"{ONE}/tasks/9/restart"),
]  # fmt: skip


def offset(partition: Any, at: Any, topic: str = "<topic>") -> dict[str, Any]:
    """One entry of an offsets body."""
    return {"partition": {"kafka_topic": topic, "kafka_partition": partition}, "offset": at}


def offsets(step: str, *entries: Any) -> Step:
    """Alter offsets."""
    return Step(step, "PATCH", f"{ONE}/offsets", {"offsets": list(entries)})


OFFSETS = [
    Step(
        "offsets of a running connector", "GET", f"{ONE}/offsets", until={"/offsets/0/offset/kafka_offset": 2}
    ),
    offsets("alter offsets of a running connector", offset(0, {"kafka_offset": 1})),
    Step("reset offsets of a running connector", "DELETE", f"{ONE}/offsets"),
    Step("stop", "PUT", f"{ONE}/stop"),
    Step("stopped", "GET", f"{ONE}/status", until={"/connector/state": "STOPPED", "/tasks": []}),
    Step("tasks of a stopped connector", "GET", f"{ONE}/tasks"),
    Step("restart a stopped connector", "POST", f"{ONE}/restart"),
    Step("offsets of a stopped connector", "GET", f"{ONE}/offsets"),
    offsets("alter offsets", offset(0, {"kafka_offset": 1}), offset(1, {"kafka_offset": 0})),
    Step("altered", "GET", f"{ONE}/offsets"),
    offsets("alter one to null", offset(1, None)),
    Step("one is gone", "GET", f"{ONE}/offsets"),
    offsets("alter with a partition as text", offset("0", {"kafka_offset": "1"})),
    offsets("alter none"),
    Step("alter without offsets", "PATCH", f"{ONE}/offsets", {}),
    Step("alter with an unknown key", "PATCH", f"{ONE}/offsets", {"offset": []}),
    Step("alter with null", "PATCH", f"{ONE}/offsets", {"offsets": None}),
    offsets("alter a negative offset", offset(0, {"kafka_offset": -1})),
    offsets("alter a negative partition", offset(-1, {"kafka_offset": 1})),
    offsets("alter a partition that is no number", offset("first", {"kafka_offset": 1})),
    offsets("alter an offset that is no number", offset(0, {"kafka_offset": "last"})),
    offsets("alter a topic that is not there", offset(0, {"kafka_offset": 1}, topic="<topic>-absent")),
    offsets("alter a partition that is not there", offset(99, {"kafka_offset": 1})),
    offsets("alter in the way of a source", {"partition": {"file": "x"}, "offset": {"line": 1}}),
    offsets("alter without a partition", {"offset": {"kafka_offset": 1}}),
    offsets("alter the same partition twice", offset(0, {"kafka_offset": 1}), offset(0, {"kafka_offset": 2})),
    Step("reset offsets", "DELETE", f"{ONE}/offsets"),
    Step("offsets after the reset", "GET", f"{ONE}/offsets"),
    Step("pause a stopped connector", "PUT", f"{ONE}/pause"),
    Step("paused after the stop", "GET", f"{ONE}/status", until={"/connector/state": "PAUSED", "/tasks": []}),
    Step("resume after the stop", "PUT", f"{ONE}/resume"),
    running("running after the stop"),
]

FAILED = [
    Step("create by PUT", "PUT", "/connectors/<poisoned>/config", POISONED),
    Step(
        "the poisoned one fails", "GET", "/connectors/<poisoned>/status", until={"/tasks/0/state": "FAILED"}
    ),
    Step("status of the failed task", "GET", "/connectors/<poisoned>/tasks/0/status"),
    Step("restart what failed", "POST", "/connectors/<poisoned>/restart?includeTasks=true&onlyFailed=true"),
    Step("it fails again", "GET", "/connectors/<poisoned>/status", until={"/tasks/0/state": "FAILED"}),
    Step("delete the failed one", "DELETE", "/connectors/<poisoned>"),
    Step(
        "create stopped",
        "POST",
        "/connectors",
        {"name": "<poisoned>", "config": POISONED, "initial_state": "STOPPED"},
    ),
    Step("created stopped", "GET", "/connectors/<poisoned>/status", until={"/connector/state": "STOPPED"}),
    Step("delete the stopped one", "DELETE", "/connectors/<poisoned>"),
    Step(
        "create paused",
        "POST",
        "/connectors",
        {"name": "<poisoned>", "config": POISONED, "initial_state": "paused"},
    ),
    Step(
        "created paused",
        "GET",
        "/connectors/<poisoned>/status",
        until={"/connector/state": "PAUSED", "/tasks": []},
    ),
    Step("delete the paused one", "DELETE", "/connectors/<poisoned>"),
]


def validate(step: str, config: Any, plugin: str = DEBEZIUM, keep: str = "invalid") -> Step:
    """Validate a config; of the answer only what is not valid is kept, unless said otherwise."""
    return Step(step, "PUT", f"/connector-plugins/{plugin}/config/validate", config, keep=keep)


CHAIN = {"transforms": "route", "transforms.route.type": REGEX_ROUTER}

PLUGINS = [
    Step("connector plugins", "GET", "/connector-plugins"),
    Step("all plugins", "GET", "/connector-plugins?connectorsOnly=false"),
    Step("keys of a connector", "GET", f"/connector-plugins/{DEBEZIUM}/config"),
    Step("keys of a transform", "GET", f"/connector-plugins/{REGEX_ROUTER}/config"),
    Step("keys of a converter", "GET", "/connector-plugins/org.apache.kafka.connect.json.JsonConverter/config"),
    Step("keys of a predicate", "GET", "/connector-plugins/org.apache.kafka.connect.transforms.predicates.HasHeaderKey/config"),
    Step("keys of a plugin that is not there", "GET", "/connector-plugins/com.example.Nowhere/config"),
    validate("validate", {"name": "x", **CONFIG}, keep="everything"),
    validate("validate by the short name", {"name": "x", **CONFIG, "connector.class": "JdbcSink"}, plugin="JdbcSink"),
    validate("validate without a name", CONFIG),
    validate("validate nothing", {}),
    validate("validate without a connection", {"name": "x", "connector.class": DEBEZIUM, "topics": "t"}),
    validate("validate bad values", {"name": "x", **CONFIG, "tasks.max": "many", "insert.mode": "sideways", "batch.size": "-1"}),
    validate("validate a pair that contradicts itself", {"name": "x", **CONFIG, "topics.regex": "t.*"}),
    validate("validate the dead letter topic among the topics", {
        "name": "x", **CONFIG, "errors.tolerance": "all", "errors.deadletterqueue.topic.name": "<topic>"}),
    validate("validate a tolerance that is not there", {"name": "x", **CONFIG, "errors.tolerance": "some"}),
    validate("validate an unknown key", {"name": "x", **CONFIG, "no.such.key": "1"}),
    validate("validate a converter that is not there", {"name": "x", **CONFIG, "value.converter": "com.example.Nowhere"}),
    validate("validate a transform", {"name": "x", **CONFIG, **CHAIN, "transforms.route.regex": "a(.*)", "transforms.route.replacement": "$1"}),
    validate("validate a transform without its options", {"name": "x", **CONFIG, **CHAIN}),
    validate("validate a transform with a bad option", {
        "name": "x", **CONFIG, **CHAIN, "transforms.route.regex": "a(", "transforms.route.replacement": "$1"}),
    validate("validate a transform that is not there", {"name": "x", **CONFIG, **CHAIN, "transforms.route.type": "com.example.Nowhere"}),
    validate("validate a transform without a type", {"name": "x", **CONFIG, "transforms": "route"}),
    validate("validate the same transform twice", {"name": "x", **CONFIG, **CHAIN, "transforms": "route,route",
        "transforms.route.regex": "a(.*)", "transforms.route.replacement": "$1"}),
    validate("validate a predicate that is not defined", {"name": "x", **CONFIG, **CHAIN, "transforms.route.regex": "a(.*)",
        "transforms.route.replacement": "$1", "transforms.route.predicate": "absent"}),
    validate("validate negate without a predicate", {"name": "x", **CONFIG, **CHAIN, "transforms.route.regex": "a(.*)",
        "transforms.route.replacement": "$1", "transforms.route.negate": "true"}),
    validate("validate a predicate that is not there", {"name": "x", **CONFIG,
        "predicates": "p", "predicates.p.type": "com.example.Nowhere"}),
    validate("validate a predicate with a bad option", {"name": "x", **CONFIG, "predicates": "p", "predicates.p.pattern": "a(",
        "predicates.p.type": "org.apache.kafka.connect.transforms.predicates.TopicNameMatches"}),
    validate("validate with a class other than the path's", {"name": "x", **CONFIG, "connector.class": REGEX_ROUTER}),
    validate("validate for a plugin that is not there", {"name": "x", **CONFIG}, plugin="com.example.Nowhere"),
    Step("validate what is not JSON", "PUT", f"/connector-plugins/{DEBEZIUM}/config/validate", raw_body="{"),
]  # fmt: skip

LOGGER = "/admin/loggers/org.apache.kafka.connect.runtime.WorkerSinkTask"
LOGGERS = [
    Step("level of root", "GET", "/admin/loggers/root"),
    Step("level of a logger that is not there", "GET", "/admin/loggers/no.such.logger"),
    Step("set a level", "PUT", LOGGER, {"level": "DEBUG"}),
    Step("the level set", "GET", LOGGER),
    Step("set a level in small letters", "PUT", LOGGER, {"level": "warn"}),
    Step("set a level that is not there", "PUT", LOGGER, {"level": "LOUD"}),
    Step("set no level", "PUT", LOGGER, {}),
    Step("set a level without a body", "PUT", LOGGER, raw_body=""),
    Step("set a level on all workers", "PUT", f"{LOGGER}?scope=cluster", {"level": "WARN"}),
    Step("set a level in a scope that is not there", "PUT", f"{LOGGER}?scope=galaxy", {"level": "WARN"}),
    Step("set a level on a name nobody has used", "PUT", "/admin/loggers/no.such.logger", {"level": "WARN"}),
]

END = [
    Step("delete", "DELETE", ONE),
    Step("deleted", "GET", ONE),
    Step("no status after the delete", "GET", f"{ONE}/status", until={"/error_code": 404}),
    Step("delete again", "DELETE", ONE),
    Step("none left", "GET", "/connectors", until={"": []}),
]

STEPS = [*ROOT, *REFUSED, *MISSING, *LIFE, *OFFSETS, *FAILED, *PLUGINS, *LOGGERS, *END]
