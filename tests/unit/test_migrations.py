"""What a service says it works with is what its migrations lead to."""

from collections.abc import Callable

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from catalog_service.read_model import migrations as of_catalog
from order_service.adapters import migrations as of_order


@pytest.mark.parametrize(
    ("head", "location"),
    [
        (of_order.head, "order_service.adapters:migrations"),
        (of_catalog.head, "catalog_service:read_model/migrations"),
    ],
)
def test_the_revision_is_the_one_that_alembic_would_migrate_to(
    head: Callable[[], str], location: str
) -> None:
    config = Config()
    config.set_main_option("script_location", location)
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [head()]
