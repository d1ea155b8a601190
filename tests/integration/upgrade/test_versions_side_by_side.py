"""Fault: the last release is upgraded one part after the other while orders come in. Invariants: ACK, VER, SUM, STOCK, ACCT."""

from collections import Counter
from pathlib import Path

import httpx
import pytest

from auditor import audit
from tests.support.earlier_version import check_out
from tests.support.rolling_upgrade import RollingUpgrade, rolling_upgrade, under_load

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


async def test_parts_of_both_versions_work_side_by_side_under_load_and_the_audit_is_clean(
    kafka_bootstrap: str, postgres_admin_dsn: str, session_directory: Path, tmp_path: Path
) -> None:
    """The read database goes first: the earlier sink writes into the new schema, then the new one what earlier instances tell."""
    earlier = check_out("0.1.0", session_directory / "0.1.0")
    shop: RollingUpgrade
    async with rolling_upgrade(
        earlier, tmp_path, bootstrap=kafka_bootstrap, admin_dsn=postgres_admin_dsn
    ) as shop:
        async with under_load(shop):
            await shop.more_orders()
            await shop.upgrade_read_database()
            await shop.more_orders()
            await shop.upgrade_sink()
            await shop.more_orders()
            await shop.upgrade_instance("order-1")
            await shop.more_orders()
            await each_command_with_a_key_has_one_effect_or_none(shop)
            await shop.upgrade_instance("order-2")
            await shop.more_orders()
        report = await audit(shop.target, commands=[sent.command() for sent in shop.sent], wait_s=60)
    assert report.clean, report
    assert report.counts["dead letters"] == 0
    refused = Counter(sent.reason for sent in shop.sent if sent.outcome == "failed")
    assert refused.keys() <= {"ClientConnectorError"}, "only who was away did not answer"


async def each_command_with_a_key_has_one_effect_or_none(shop: RollingUpgrade) -> None:
    """The earlier version cannot prove to this one that it is an instance, so it may not reserve keys that this one keeps."""
    found = set()
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
        for number in range(8):
            body = {"user_id": f"key-{number}", "lines": [{"product_id": "load-01", "quantity": 1}]}
            for name, instance in shop.instances.items():
                headers = {"Idempotency-Key": f"{name}-{number}"}
                first, again = [
                    await http.post(f"{instance.url}/orders", json=body, headers=headers) for _ in range(2)
                ]
                assert first.status_code == again.status_code
                assert first.status_code != 201 or first.json() == again.json()
                found.add((name, first.status_code))
    assert found == {("order-1", 201), ("order-2", 201), ("order-2", 403)}
