"""Register the products to shop with over HTTP, each at its owning instance; what is there already is left as it is.

    seed.py URL-OF-ORDER-1 URL-OF-ORDER-2 …

Runs in the image of the order service and in the environment of `./demo`; all it needs is httpx.
"""

import asyncio
import json
import os
import ssl
import sys
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

PRODUCTS = Path(__file__).with_name("products.json")


class SeedError(RuntimeError):
    """An instance refuses a product that it does not have, or does not answer."""


def products() -> list[dict[str, Any]]:
    """`{"home": instance number, "product": body of POST /products}` for each product."""
    entries: list[dict[str, Any]] = json.loads(PRODUCTS.read_text(encoding="utf-8"))
    return entries


def access(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """How instances that ask are told who this is: `SHOP_TOKEN` of the staff, `SHOP_CAFILE` to know them by."""
    if "SHOP_TOKEN" not in environment:
        return {}
    return {
        "headers": {"authorization": f"Bearer {environment['SHOP_TOKEN']}"},
        "verify": ssl.create_default_context(cafile=environment.get("SHOP_CAFILE")),
    }


async def seed(instances: Mapping[int, str]) -> None:
    """Register what is not there yet; `instances` maps an instance's number to its base URL.

    Raises:
        SeedError: an instance refused a product or does not answer.
    """
    async with httpx.AsyncClient(timeout=10, trust_env=False, **access()) as client:
        for entry in products():
            try:
                await _register(client, instances[entry["home"]], entry["product"])
            except httpx.HTTPError as error:
                raise SeedError(f"{instances[entry['home']]} does not answer: {error!r}") from error


async def _register(client: httpx.AsyncClient, home: str, product: Mapping[str, Any]) -> None:
    known = await client.get(f"{home}/products/{product['product_id']}")
    if known.status_code == HTTPStatus.OK:
        return
    key = {"Idempotency-Key": f"seed-{product['product_id']}"}
    answer = await client.post(f"{home}/products", json=product, headers=key)
    if answer.status_code != HTTPStatus.CREATED:
        raise SeedError(f"{home} refused {product['product_id']}: {answer.status_code} {answer.text}")


def main(urls: list[str]) -> int:
    """Exit code 0: every product is registered; 1: not, and standard error says why."""
    try:
        asyncio.run(seed(dict(enumerate(urls, start=1))))
    except SeedError as error:
        print(f"seed: {error}", file=sys.stderr)  # noqa: T201  a script's way to speak
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
