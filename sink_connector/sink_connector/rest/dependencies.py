"""What the routes work with."""

from dataclasses import dataclass

from fastapi import Request

from sink_connector.cluster.config_store import ConfigStore
from sink_connector.cluster.connector_cache import DefineConnector
from sink_connector.cluster.connector_operations import ConnectorOperations
from sink_connector.cluster.membership import Membership
from sink_connector.cluster.status_store import StatusStore
from sink_connector.logs import Loggers
from sink_connector.runtime.stored_offsets import StoredOffsets


@dataclass(frozen=True, slots=True, kw_only=True)
class RestContext:
    """One worker, as its REST interface sees it. With `from_files`, configurations cannot be changed over REST."""

    configs: ConfigStore
    statuses: StatusStore
    membership: Membership
    operations: ConnectorOperations
    offsets: StoredOffsets
    loggers: Loggers
    make: DefineConnector
    cluster_id: str
    from_files: bool


def rest_context(request: Request) -> RestContext:
    context: RestContext = request.app.state.context
    return context


def is_true(flag: str) -> bool:
    """A flag of a query, read as Java does: whatever is not true is false."""
    return flag.lower() == "true"
