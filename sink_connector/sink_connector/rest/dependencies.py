"""What the routes work with."""

from dataclasses import dataclass
from typing import Annotated

import httpx
from fastapi import Depends, Request

from sink_connector.cluster.cluster import Cluster
from sink_connector.cluster.config_store import ConfigStore
from sink_connector.cluster.connector_cache import ConnectorCache, DefineConnector
from sink_connector.cluster.connector_operations import ConnectorOperations
from sink_connector.cluster.membership import Membership
from sink_connector.cluster.status_store import StatusStore
from sink_connector.config.redaction import Redactor
from sink_connector.logs import Loggers
from sink_connector.runtime.stored_offsets import StoredOffsets


@dataclass(frozen=True, slots=True, kw_only=True)
class RestContext:
    """One worker, as its REST interface sees it.

    `define` reads what comes over REST, within what the worker allows it; `definitions` knows the connectors there are. With
    `from_files`, configurations cannot be changed over REST. `scheme` is every worker's: http or https. `tells_topics` and `forgets_topics` say
    whether the topics that a connector has delivered from are shown, and may be reset.
    """

    cluster: Cluster
    operations: ConnectorOperations
    offsets: StoredOffsets
    loggers: Loggers
    define: DefineConnector
    definitions: ConnectorCache
    redactor: Redactor
    leader_client: httpx.AsyncClient
    cluster_id: str
    from_files: bool
    scheme: str = "http"
    tells_topics: bool = True
    forgets_topics: bool = True

    @property
    def configs(self) -> ConfigStore:
        """The connectors asked for."""
        return self.cluster.configs

    @property
    def statuses(self) -> StatusStore:
        """What is said of them."""
        return self.cluster.statuses

    @property
    def membership(self) -> Membership:
        """Who is in the group."""
        return self.cluster.membership


def rest_context(request: Request) -> RestContext:
    """The worker that a request has come to."""
    context: RestContext = request.app.state.context
    return context


Context = Annotated[RestContext, Depends(rest_context)]


def is_true(flag: str) -> bool:
    """A flag of a query, read as Java does: whatever is not true is false."""
    return flag.lower() == "true"
