"""What the routes work with."""

from dataclasses import dataclass

from fastapi import Request

from sink_connector.logs import Loggers
from sink_connector.worker.configs import Configs
from sink_connector.worker.control import Control
from sink_connector.worker.membership import Membership
from sink_connector.worker.plans import MakeBlueprint
from sink_connector.worker.statuses import Statuses
from sink_connector.worker.stored_offsets import StoredOffsets


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
