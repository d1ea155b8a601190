"""What the routes work with."""

from dataclasses import dataclass

from fastapi import Request

from sink_connector.cluster.config_store import Configs
from sink_connector.cluster.connector_cache import MakeBlueprint
from sink_connector.cluster.connector_operations import Control
from sink_connector.cluster.membership import Membership
from sink_connector.cluster.status_store import Statuses
from sink_connector.logs import Loggers
from sink_connector.runtime.stored_offsets import StoredOffsets


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One worker, as its REST interface sees it. With `from_files`, configurations cannot be changed over REST."""

    configs: Configs
    statuses: Statuses
    membership: Membership
    control: Control
    offsets: StoredOffsets
    loggers: Loggers
    make: MakeBlueprint
    cluster_id: str
    from_files: bool


def desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def is_true(flag: str) -> bool:
    """A flag of a query, read as Java does: whatever is not true is false."""
    return flag.lower() == "true"
