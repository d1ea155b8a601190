"""Schemas out of a Confluent-compatible registry, by Confluent's own client."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from confluent_kafka.schema_registry import AsyncSchemaRegistryClient, Schema, SchemaRegistryError

from sink_connector.converters.registry.wire import RegisteredSchema
from sink_connector.errors import FatalError
from sink_connector.key_stores import OWN, TRUSTED, KeyStore, why_unreadable

# A call that hangs is an outage; how often it is tried again is the task's to decide, not the client's.
CALL_TIMEOUT_S = 10
NOT_FOUND = 404
PASSING = {408, 429}  # of the refusals, those that say: not now
NO_CODE = -1  # of a refusal that is not the registry's own: a proxy's, for one
SERVER_ERRORS = 500
CLIENT_OPTIONS = (
    "basic.auth.user.info",
    "bearer.auth.credentials.source",
    "bearer.auth.token",
    "bearer.auth.issuer.endpoint.url",
    "bearer.auth.client.id",
    "bearer.auth.client.secret",
    "bearer.auth.scope",
    "bearer.auth.logical.cluster",
    "bearer.auth.identity.pool.id",
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.key.location",
    "ssl.key.password",
    "proxy",
)


CREDENTIALS = ("URL", "USER_INFO")
STORES = {TRUSTED: "ssl.ca.location", OWN: "ssl.certificate.location"}


class UnreachableRegistryError(OSError):
    """The registry did not answer, or not as it should: nobody can say which schema an id stands for."""


class RegistrySource:
    """Asks the registry. Requests at the same time share one client and its connections; schemas are not kept."""

    def __init__(self, options: Callable[[], dict[str, Any]]) -> None:
        """`options` are asked for with each new client: files that they lead to may have been renewed."""
        self._options = options
        self._client: AsyncSchemaRegistryClient | None = None
        self._asking = 0

    async def schema(self, schema_id: int) -> RegisteredSchema:
        """The schema of an id, with those it refers to.

        Raises `LookupError` for an id that is not there, `UnreachableRegistryError` when nobody can say, `FatalError` when
        the registry refuses to say (credentials).
        """
        try:
            async with self._shared() as client:
                found = await client.get_schema(schema_id)
                references: dict[str, str] = {}
                await _collect(client, found, references)
        except SchemaRegistryError as error:
            raise _sorted(schema_id, error) from error
        except (httpx2.HTTPError, OSError) as error:
            raise UnreachableRegistryError(f"the registry did not answer: {error!r}") from error
        except (ValueError, TypeError, AttributeError, KeyError) as error:  # what else than its JSON leads to
            raise UnreachableRegistryError(f"this is no answer of a registry: {error!r}") from error
        if not found.schema_str:
            raise UnreachableRegistryError("this is no answer of a registry: there is no schema in it")
        return RegisteredSchema(
            kind=found.schema_type or "AVRO",
            text=found.schema_str,
            references=tuple(references.items()),
        )

    @asynccontextmanager
    async def _shared(self) -> AsyncIterator[AsyncSchemaRegistryClient]:
        """The client, open as long as anybody asks."""
        if self._client is None:
            self._client = _client(self._options)
            # As a JVM converter does; the client has no option for it.
            self._client._rest_client.session.follow_redirects = True  # noqa: SLF001
        client = self._client
        self._asking += 1
        try:
            yield client
        finally:
            self._asking -= 1
            if not self._asking:
                self._client = None
                await client.aclose()


def _sorted(schema_id: int, error: SchemaRegistryError) -> Exception:
    """The registry's refusal by the decision it leads to."""
    status = error.http_status_code
    if status == NOT_FOUND and (error.error_code or NO_CODE) != NO_CODE:
        return LookupError(f"the registry has no schema {schema_id}: {error.error_message}")
    if status in PASSING or status == NOT_FOUND or status >= SERVER_ERRORS:
        return UnreachableRegistryError(f"the registry answered: {error}")
    return FatalError(f"the registry refuses schema {schema_id}: {error}")


async def _collect(client: AsyncSchemaRegistryClient, schema: Schema, into: dict[str, str]) -> None:
    """The schemas that this one refers to, by name, each after those that it refers to itself."""
    for reference in schema.references or ():
        name, subject, number = reference.name, reference.subject, reference.version
        if name is None or subject is None or number is None or name in into:
            continue
        version = await client.get_version(subject, number, deleted=True)  # as a JVM converter asks
        await _collect(client, version.schema, into)
        into[name] = version.schema.schema_str or ""


def _client(options: Callable[[], dict[str, Any]]) -> AsyncSchemaRegistryClient:
    """Raises `OSError` while its files cannot be used: they may be in the middle of being renewed."""
    try:
        return AsyncSchemaRegistryClient(options())
    except ValueError as error:
        raise UnreachableRegistryError(str(error)) from error


def _stores(given: Mapping[str, str]) -> dict[str, str]:
    """A JVM converter's names for the files with certificates. Raises `ValueError` for those that cannot be read."""
    found = {}
    for store, option in STORES.items():
        named = KeyStore.named(given, store)
        if named is None:
            continue
        try:
            found[option] = str(named.pem())
        except (OSError, ValueError) as error:
            raise ValueError(
                f"schema.registry.{store}.location cannot be read: {why_unreadable(error)}"
            ) from error
        if store == OWN and named.password_of_key:
            found["ssl.key.password"] = named.password_of_key
    return found


def make_source(options: Mapping[str, str]) -> RegistrySource:
    """From a converter's options. Raises `ValueError` when they do not name a registry or contradict each other."""
    url = options.get("schema.registry.url", "").strip()
    if not url:
        raise ValueError("schema.registry.url is required")
    given = {name.removeprefix("schema.registry."): value for name, value in options.items()}
    client: dict[str, Any] = {name: given[name] for name in CLIENT_OPTIONS if name in given}
    source = given.get("basic.auth.credentials.source", "").strip().upper()
    if source not in {"", *CREDENTIALS}:
        raise ValueError(f"basic.auth.credentials.source is {source}; known are {', '.join(CREDENTIALS)}")
    if source == "URL":
        client.pop("basic.auth.user.info", None)
    client |= {"url": url, "timeout": CALL_TIMEOUT_S, "max.retries": 0}
    stores = _stores(given)
    try:
        AsyncSchemaRegistryClient(stores | client)
    except (ValueError, TypeError, OSError) as error:
        raise ValueError(f"schema.registry: {error}") from error
    return RegistrySource(lambda: _stores(given) | client)
