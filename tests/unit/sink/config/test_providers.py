"""References in a configuration: off until the worker allows them, read without risk, and shown to nobody."""

import contextlib
import os
import socket
import time
from pathlib import Path

import pytest

from sink_connector.config.parser import parse_connector
from sink_connector.config.providers import MOST_BYTES, ConfigProviders, UnresolvedError, read_providers
from sink_connector.config.redaction import HIDDEN
from sink_connector.config.secrets import redacted
from sink_connector.config.worker import WorkerConfig, read_worker
from sink_connector.errors import ConfigError
from sink_connector.runtime.connector_definition import define_connector

SECRET = "Tr0ub4dor-und-noch-mehr"  # noqa: S105 - opens nothing
GIVEN = {
    "name": "c",
    "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
    "topics": "a",
    "connection.url": "postgresql://db/shop",
}


def unrestricted(**environment: str) -> ConfigProviders:
    return ConfigProviders(environment=environment).unrestricted()


def test_no_provider_is_on_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text(SECRET)
    providers = read_providers({}, environment={"SECRET": SECRET})
    for reference in ("${env:SECRET}", f"${{file:{file}}}", f"${{directory:{tmp_path}:x}}", "${vault:a:b}"):
        with pytest.raises(UnresolvedError, match="does not allow") as raised:
            providers.resolve(reference)
        assert reference in str(raised.value)


def test_a_key_of_a_properties_file_has_the_value_that_java_reads(tmp_path: Path) -> None:
    file = tmp_path / "db.properties"
    file.write_text("user\\ name=a\\tb\npassword=s3\\\n  cret \nurl=postgresql\\://db/x\nbad=\\u12\n")
    with pytest.raises(UnresolvedError, match="Invalid") as raised:
        unrestricted().resolve(f"${{file:{file}:password}}")
    assert "s3" not in str(raised.value)
    file.write_text(file.read_text().replace("bad=\\u12\n", ""))
    found = {
        key: unrestricted().resolve(f"${{file:{file}:{key}}}") for key in ("user name", "password", "url")
    }
    assert found == {"user name": "a\tb", "password": "s3cret ", "url": "postgresql://db/x"}


@pytest.mark.parametrize("line", ["a\\\n", "\\\\", " ", "=", "\\u0041", "k \\\n"])
def test_no_file_within_the_bound_takes_long_to_read(tmp_path: Path, line: str) -> None:
    file = tmp_path / "slow.properties"
    file.write_text((line * MOST_BYTES)[: MOST_BYTES - 10] + "\npassword=x")
    began = time.process_time()
    with contextlib.suppress(UnresolvedError):
        unrestricted().resolve(f"${{file:{file}:password}}")
    assert time.process_time() - began < 2


def test_a_worker_allows_providers_by_file_or_environment(tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (allowed / "db.properties").write_text("# comment\npassword = s3cret\n")
    (tmp_path / "other").write_text("no")
    settings = {
        "SINK_CONFIG_PROVIDERS": "env, file,directory",
        "SINK_CONFIG_PROVIDERS_FILE_PARAM_ALLOWED_PATHS": str(allowed),
        "SINK_CONFIG_PROVIDERS_DIRECTORY_PARAM_ALLOWED_PATHS": str(allowed),
        "SINK_CONFIG_PROVIDERS_ENV_PARAM_ALLOWLIST_PATTERN": "SINK_(DATABASE_URL|TOPIC_PREFIX)",
        "SINK_DATABASE_URL": "postgresql://db",
        "SINK_DATABASE_URL_OLD": "postgresql://old",
        "AWS_SECRET_ACCESS_KEY": "s",
    }
    properties = tmp_path / "worker.properties"
    properties.write_text(
        "config.providers=secrets\n"
        "config.providers.secrets.class=org.apache.kafka.common.config.provider.FileConfigProvider\n"
        f"config.providers.secrets.param.allowed.paths={allowed}\n"
    )
    providers = read_worker(settings).providers
    assert providers.resolve("${env:SINK_DATABASE_URL}/x") == "postgresql://db/x"
    assert providers.resolve(f"${{file:{allowed}/db.properties:password}}") == "s3cret"
    assert providers.resolve(f"${{directory:{allowed}:db.properties}}").startswith("# comment")
    named = read_worker({}, file=properties).providers
    assert named.resolve(f"${{secrets:{allowed}/db.properties:password}}") == "s3cret"
    for refused in (
        "${env:AWS_SECRET_ACCESS_KEY}",
        "${env:SINK_DATABASE_URL_OLD}",
        f"${{file:{tmp_path}/other}}",
        f"${{file:{allowed}/../other}}",
        f"${{directory:{tmp_path}:other}}",
        f"${{directory:{allowed}:../other}}",
    ):
        with pytest.raises(UnresolvedError):
            providers.resolve(refused)


def test_a_provider_that_is_none_is_a_problem_of_the_worker() -> None:
    for settings in (
        {"SINK_CONFIG_PROVIDERS": "vault"},
        {"SINK_CONFIG_PROVIDERS": "v", "SINK_CONFIG_PROVIDERS_V_CLASS": "com.example.VaultConfigProvider"},
        {"SINK_CONFIG_PROVIDERS": "file", "SINK_CONFIG_PROVIDERS_FILE_PARAM_ALLOWED_PATHS": "relative"},
        {"SINK_CONFIG_PROVIDERS": "env", "SINK_CONFIG_PROVIDERS_ENV_PARAM_ALLOWLIST_PATTERN": "("},
    ):
        with pytest.raises(ConfigError, match=r"config\.providers\."):
            read_worker(settings)


def test_a_link_is_followed_before_its_path_is_judged(tmp_path: Path) -> None:
    allowed, outside = tmp_path / "allowed", tmp_path / "outside"
    allowed.mkdir()
    outside.write_text(SECRET)
    (allowed / "out").symlink_to(outside)
    (allowed / "data").write_text("fine")
    (allowed / "in").symlink_to(allowed / "data")
    settings = {"config.providers": "file", "config.providers.file.param.allowed.paths": str(allowed)}
    providers = read_providers(settings)
    assert providers.resolve(f"${{file:{allowed}/in}}") == "fine"
    with pytest.raises(UnresolvedError, match="does not allow"):
        providers.resolve(f"${{file:{allowed}/out}}")
    neighbour = tmp_path / "allowed-too"
    neighbour.write_text(SECRET)
    with pytest.raises(UnresolvedError, match="does not allow"):
        providers.resolve(f"${{file:{neighbour}}}")


@pytest.mark.timeout(10)
def test_only_small_regular_utf8_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    (tmp_path / "big").write_bytes(b"x" * 65_537)
    (tmp_path / "fits").write_bytes(b"x" * 65_536)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(tmp_path)
        listener.bind("socket")
        for name in (
            "fifo",
            "latin",
            "big",
            "loop",
            "socket",
            "missing",
            "nul\0",
            "/dev/zero",
            "/dev/tty",
            ".",
        ):
            reference = f"${{file:{tmp_path / name}}}"
            with pytest.raises(UnresolvedError) as raised:
                unrestricted().resolve(reference)
            assert reference in str(raised.value)
    assert len(unrestricted().resolve(f"${{file:{tmp_path}/fits}}")) == 65_536


def test_a_reference_that_points_at_nothing_is_named(tmp_path: Path) -> None:
    file = tmp_path / "p"
    file.write_text("a=b")
    for missing in ("${env:NOT_SET}", f"${{file:{file}:user}}", "${file:/nowhere:x}"):
        with pytest.raises(UnresolvedError):
            unrestricted().resolve(missing)


EVERY_KEY = [
    "name", "connector.class", "tasks.max", "topics", "topics.regex", "key.converter", "value.converter",
    "value.converter.schemas.enable", "value.converter.replace.null.with.default", "value.converter.schema.registry.url",
    "transforms", "predicates", "transforms.t.type", "transforms.t.regex", "predicates.p.type", "errors.tolerance",
    "errors.log.enable", "errors.retry.timeout", "errors.retry.delay.max.ms", "errors.deadletterqueue.topic.name",
    "errors.deadletterqueue.topic.replication.factor", "connection.url", "connection.user", "connection.password", "insert.mode",
    "delete.enabled", "batch.size", "max.retries", "retry.backoff.ms", "pk.mode", "pk.fields", "table.name.format",
    "topics.to.tables.mapping", "fields.whitelist", "db.timezone", "auto.create", "schema.evolution", "quote.sql.identifiers",
    "version.field", "projections", "notify.channel", "linger.ms", "identifiers.allow", "consumer.override.max.poll.records",
    "consumer.override.ssl.truststore.location",
]  # fmt: skip
VALUES = [
    SECRET,
    f"{SECRET}\nzweite Zeile",
    f"({SECRET}",
    f"{SECRET}://x",
    f"jdbc:{SECRET}:x",
    f"{SECRET},{SECRET}",
]


@pytest.mark.parametrize("key", EVERY_KEY)
def test_no_problem_quotes_what_a_reference_stands_for(key: str) -> None:
    extra = {
        "transforms": "t",
        "transforms.t.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.t.regex": "x",
        "transforms.t.replacement": "y",
        "consumer.override.security.protocol": "SSL",
    }
    for value in VALUES:
        with_reference = GIVEN | (extra if key.startswith(("transforms", "predicates", "consumer")) else {})
        said = problems_of(with_reference | {key: "${env:S}"}, unrestricted(S=value))
        assert SECRET not in said


def problems_of(given: dict[str, str], providers: ConfigProviders) -> str:
    """Everything that is said of a configuration; nothing when it can be used."""
    try:
        define_connector(given, WorkerConfig(), providers)
    except ConfigError as error:
        return f"{error} {error.problems!r}"
    return ""


def test_what_is_written_stands_in_the_problem() -> None:
    with pytest.raises(ConfigError) as raised:
        parse_connector(GIVEN | {"batch.size": "${env:S}"}, unrestricted(S=SECRET))
    assert raised.value.problems == {"batch.size": ["is '${env:S}', it must be a whole number"]}
    with pytest.raises(ConfigError) as raised:
        parse_connector(GIVEN | {"connection.url": "${env:S}"})
    assert raised.value.problems == {
        "connection.url": ["${env:S}: the worker does not allow this; config.providers does not name env"]
    }


def test_a_configuration_keeps_its_references_and_shows_nothing_of_them() -> None:
    config = parse_connector(
        GIVEN | {"connection.url": "${env:DB}", "connection.user": "${env:DB}"},
        unrestricted(DB=f"postgresql://user:{SECRET}@db/shop"),
    )
    assert config.connection.dsn == f"postgresql://user:{SECRET}@db/shop"
    assert config.given["connection.url"] == "${env:DB}"
    assert SECRET not in repr(config)


@pytest.mark.parametrize(
    "quoted",
    [
        "{}",
        "role {} does not exist",
        'password authentication failed for user "{:.20}"',
        "could not translate host name '{!r}'",
        "…{:.63}…",
    ],
)
def test_a_trace_loses_every_value_that_came_out_of_a_reference(quoted: str) -> None:
    providers = unrestricted(A=f"root:{SECRET}:0\nbin:second-line-of-it:1\n", B="abc")
    config = parse_connector(
        GIVEN | {"connection.user": "${env:A}", "table.name.format": "${env:B}"}, providers
    )
    for value in (f"root:{SECRET}:0\nbin:second-line-of-it:1\n", "bin:second-line-of-it:1"):
        scrubbed = config.redactor.scrub(quoted.format(value))
        assert HIDDEN in scrubbed
        assert SECRET[:12] not in scrubbed
        assert "second-line" not in scrubbed
    assert config.redactor.scrub("abc abcd") == f"{HIDDEN} abcd"


def test_a_provider_is_called_by_any_name_and_a_variable_with_an_empty_path_as_in_kafka() -> None:
    settings = {
        "config.providers": "my-env.1",
        "config.providers.my-env.1.class": "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
    }
    providers = read_providers(settings, environment={"SECRET": SECRET})
    for written in ("${my-env.1:SECRET}", "${my-env.1::SECRET}"):
        assert providers.resolve(written) == SECRET
        assert redacted({"connection.password": written}) == {"connection.password": written}
    with pytest.raises(UnresolvedError, match="does not allow"):
        providers.resolve("${other-env:SECRET}")
