"""Following docs/runbooks/alerts.md on a stack with `--observe`: what its Prometheus says, what a paragraph says."""

import json
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.stack import REPOSITORY, RunningStack
from tests.support.waiting import wait_until
from tests.support.yaml_text import one_document

RUNBOOK = REPOSITORY / "docs" / "runbooks" / "alerts.md"
RULES = REPOSITORY / "infra" / "observability" / "rules.yml"
SOONER = {
    "ReadModelStale": ("> 10", "> 3"),
    "SinkBehind": ("> 30", "> 3"),
    "OutboxOld": ("> 30", "> 3"),
    "CommitsWaiting": ("> 500", "> 3"),
    "DeadLetters": ("> 300", "> 1"),
    "MessagesRefused": ("[15m]", "[10s]"),
    "ServerErrors": ("[5m]", "[10s]"),
}
ALERT_S = 90


@dataclass(frozen=True, slots=True)
class Alerts:
    """What the Prometheus at `url` says is wrong."""

    http: httpx.AsyncClient
    url: str

    @classmethod
    async def sooner(cls, stack: RunningStack, http: httpx.AsyncClient) -> "Alerts":
        """Of a stack whose Prometheus has the repository's rules with shorter times, read again by its own signal for that."""
        folder = stack.home / "data" / "prometheus"
        rules = one_document(RULES.read_text())
        for rule in rules["groups"][0]["rules"]:
            rule["for"] = "1s"
            if rule["alert"] in SOONER:
                then, now = SOONER[rule["alert"]]
                assert then in rule["expr"]
                rule["expr"] = rule["expr"].replace(then, now)
        _write(folder / "sooner.yml", rules)
        config = json.loads((folder / "prometheus.yml").read_text())
        config["global"]["evaluation_interval"] = "1s"
        config["rule_files"] = [str(folder / "sooner.yml")]
        _write(folder / "prometheus.yml", config)
        stack.signal("prometheus", signal.SIGHUP)
        url = stack.addresses["parts"]["prometheus"]["url"]

        async def has_rules() -> bool:
            groups = (await http.get(f"{url}/api/v1/rules")).raise_for_status().json()["data"]["groups"]
            return [rule["duration"] for group in groups for rule in group["rules"]] == [1] * len(
                rules["groups"][0]["rules"]
            )

        await wait_until(has_rules, timeout_s=ALERT_S, what="Prometheus has the rules with shorter times")
        return cls(http, url)

    async def firing(self, name: str, **labels: str) -> bool:
        answer = (await self.http.get(f"{self.url}/api/v1/alerts")).raise_for_status().json()
        return any(
            each["state"] == "firing" and (labels | {"alertname": name}).items() <= each["labels"].items()
            for each in answer["data"]["alerts"]
        )

    async def fires(self, name: str, **labels: str) -> None:
        await wait_until(
            lambda: self.firing(name, **labels), timeout_s=ALERT_S, what=f"{name} of {labels} fires"
        )

    async def ends(self, name: str, **labels: str) -> None:
        async def is_over() -> bool:
            return not await self.firing(name, **labels)

        await wait_until(is_over, timeout_s=ALERT_S, what=f"{name} of {labels} is over")

    async def value(self, query: str) -> float:
        """The one value of a query; 0 when there is none."""
        result = await self._result(query)
        return float(result[0]["value"][1]) if result else 0.0

    async def values(self, query: str, *, by: str) -> dict[str, float]:
        """The values of a query by a label. What nothing was counted of is NaN."""
        return {each["metric"][by]: float(each["value"][1]) for each in await self._result(query)}

    async def _result(self, query: str) -> list[dict[str, Any]]:
        answer = await self.http.get(f"{self.url}/api/v1/query", params={"query": query})
        result: list[dict[str, Any]] = answer.raise_for_status().json()["data"]["result"]
        return result


@dataclass(frozen=True, slots=True)
class Paragraph:
    """An alert's part of the runbook, and a stack on which it is followed."""

    stack: RunningStack
    alert: str

    @property
    def text(self) -> str:
        (found,) = re.findall(
            rf"^## {self.alert}\n(.+?)(?=^## |\Z)", RUNBOOK.read_text(), re.DOTALL | re.MULTILINE
        )
        return " ".join(found.split())

    def says(self, words: str) -> None:
        assert words in self.text, f"{self.alert} does not say so: {words}"

    def demo(self, command: str, *, meaning: str = "", code: int = 0) -> str:
        """Run a command of `./demo` that the paragraph names, literally or as `meaning`; gives what it printed."""
        self.says(f"`./demo {meaning or command}`")
        done = self.stack.demo(*command.split(), timeout_s=240)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout


def _write(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(content))  # JSON is YAML
