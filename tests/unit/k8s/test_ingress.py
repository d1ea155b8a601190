"""What is reached from outside, and how much of it."""

import pytest

from tests.support.manifests import K8S, Manifest, build, one

INSIDE = [
    "/metrics",
    "/docs",
    "/redoc",
    "/openapi.json",
    "/internal/claims",
    "/internal",
    "/health/live",
    "/health/ready",
]
OUTSIDE = {
    "catalog.example.org": [
        "/", "/assets/page.css", "/orders", "/orders/x/history", "/products/x", "/users/ada/summary", "/sales", "/stream",
        "/sync", "/instances/order-1/orders", "/session", "/session/callback", "/guide/",
    ],
    "orders.example.org": ["/orders", "/orders/x/cancel", "/products", "/products/x/restock"],
}  # fmt: skip


@pytest.fixture(scope="module")
def ingress() -> Manifest:
    return one(build(K8S / "overlays" / "example"), "Ingress", "entry")


def lets_in(ingress: Manifest, host: str, path: str) -> bool:
    """By the rules of Kubernetes: an exact path, or a prefix of whole elements."""
    (rule,) = (rule for rule in ingress["spec"]["rules"] if rule["host"] == host)
    return any(
        path == entry["path"]
        if entry["pathType"] == "Exact"
        else f"{path}/".startswith(entry["path"].rstrip("/") + "/")
        for entry in rule["http"]["paths"]
    )


@pytest.mark.parametrize("host", OUTSIDE)
def test_what_is_for_those_inside_is_not_let_in(ingress: Manifest, host: str) -> None:
    assert [path for path in INSIDE if lets_in(ingress, host, path)] == []


@pytest.mark.parametrize("host", OUTSIDE)
def test_what_clients_ask_for_is_let_in(ingress: Manifest, host: str) -> None:
    assert [path for path in OUTSIDE[host] if not lets_in(ingress, host, path)] == []


def test_bodies_and_rates_are_bounded(ingress: Manifest) -> None:
    limits = {
        name.removeprefix("nginx.ingress.kubernetes.io/"): value
        for name, value in ingress["metadata"]["annotations"].items()
    }
    assert limits["proxy-body-size"] == "64k"
    assert int(limits["limit-rps"]) > 0
    assert int(limits["limit-connections"]) > 0
