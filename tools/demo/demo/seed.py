"""A small catalogue to shop in, registered over HTTP like any other, each product at its home instance."""

import asyncio
import json
import sys
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from demo.supervisor.graph import JobError

CATALOGUE = Path(__file__).with_name("catalogue.json")


def catalogue() -> list[dict[str, Any]]:
    """Give `{"home": instance number, "product": body of POST /products}` for each product."""
    entries: list[dict[str, Any]] = json.loads(CATALOGUE.read_text())
    return entries


async def seed(instances: Mapping[int, str]) -> None:
    """Register what is not there yet; `instances` maps an instance's number to its base URL.

    Raises JobError when an instance refuses a product it does not have.
    """
    async with httpx.AsyncClient(timeout=10) as client:
        for entry in catalogue():
            product, home = entry["product"], instances[entry["home"]]
            known = await client.get(f"{home}/products/{product['product_id']}")
            if known.status_code == HTTPStatus.OK:
                continue
            answer = await client.post(
                f"{home}/products", json=product, headers={"Idempotency-Key": f"seed-{product['product_id']}"}
            )
            if answer.status_code != HTTPStatus.CREATED:
                raise JobError(f"{home} refused {product['product_id']}: {answer.status_code} {answer.text}")


def main() -> int:
    """`python -m demo.seed URL-OF-ORDER-1 URL-OF-ORDER-2 …`"""
    try:
        asyncio.run(seed(dict(enumerate(sys.argv[1:], start=1))))
    except JobError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
