"""The documents' figures are those of the newest results, and none is left out."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import figures
from benchmarks.sink.kills import Survival
from benchmarks.sink.report import Result


def test_the_documents_say_what_the_results_say() -> None:
    stale = [file.name for file, text in figures.documents().items() if file.read_text() != text]
    assert stale == [], "run: .venv/bin/python -m benchmarks.figures"


def test_the_whole_running_instance_comes_first() -> None:
    assert figures.figures()[0].what.startswith("one running instance")


@pytest.mark.parametrize(("doubled", "back_s", "missed"), [(0, 2.5, [False, False]), (3, 10.0, [True, True])])
def test_rows_lost_and_doubled_by_kills_are_figures(doubled: int, back_s: float, missed: list[bool]) -> None:
    def survival(group: str, system: str, doubled: int) -> Survival:
        return Survival(
            group=group, system=system, records=500_000, killed_at=(1, 2, 3), back_s=(1.0, back_s), deaths=0, lost=0, doubled=doubled,
        )  # fmt: skip

    survivals = [survival("connect", "Kafka Connect", 7), survival("ours", "sink-connector", doubled)]
    ours, back, theirs = figures.after_kills(survivals, Path("result.json"))
    assert (ours.measured, back.measured, theirs.measured) == (
        f"0 and {doubled}",
        f"{back_s:.1f} s",
        "0 and 7",
    )
    assert [ours.missed, back.missed] == missed
    assert "500,000" in theirs.what
    assert (ours.headline, theirs.headline, theirs.goal) == (True, False, "")


@pytest.mark.parametrize(
    ("name", "beside", "goal"), [("traces", "zipkin", "≤ +10 %"), ("security", "issuer", "")]
)
def test_what_an_option_costs_is_a_figure_of_its_own_and_no_result_of_the_whole_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, beside: str, goal: str
) -> None:
    results = shutil.copytree(figures.BENCHMARKS, tmp_path / "benchmarks") / "sync" / "results"
    turns = {
        turn: [{"per_order": [{"processor_ms": {"sink": spent, beside: 9}}]}]
        for turn, spent in (("off", 10), ("on", 12))
    }
    (results / f"9999-01-01-{name}.json").write_text(json.dumps(turns))
    others = [figure.measured for figure in figures.figures() if not figure.source.stem.endswith(f"-{name}")]
    monkeypatch.setattr(figures, "BENCHMARKS", tmp_path / "benchmarks")
    after = figures.figures()
    (compared,) = [figure for figure in after if figure.source.stem == f"9999-01-01-{name}"]
    assert (compared.goal, compared.measured, compared.missed) == (goal, "+20 %", bool(goal))
    assert [figure.measured for figure in after if figure is not compared] == others


@pytest.mark.parametrize(
    ("first_p99", "p99s", "expected"),
    [
        (100.0, [40.0, 499.0, 800.0], ("10.0 and 100.0 ms", False, "250 orders/s", True)),
        (400.0, [900.0], ("10.0 and 400.0 ms", True, "below 200 orders/s", True)),
        (90.0, [40.0, 50.0, 60.0], ("10.0 and 90.0 ms", False, "300 orders/s", False)),
    ],
)
def test_the_first_orders_and_the_highest_rate_are_figures(
    first_p99: float, p99s: list[float], expected: tuple[str, bool, str, bool]
) -> None:
    def load(rate: int, p99: float) -> dict[str, Any]:
        visible = {"p50": 10.0, "p99": p99}
        return {"orders": rate, "ok": rate, "not_visible": 0, "seconds": 1.0, "visible_ms": visible}

    results = {
        "first_orders": load(100, first_p99),
        "loads": {"100": [load(100, 90.0)]},
        "ladder": {str(rate): load(rate, p99) for rate, p99 in zip((200, 250, 300), p99s, strict=False)},
    }
    (first,) = figures.first_orders(results, Path("result.json"))
    (highest,) = figures.highest_rate(results, Path("result.json"))
    assert (first.measured, first.missed, highest.measured, highest.missed) == expected
    assert not list(figures.highest_rate({}, Path("result.json")))  # an earlier result has none


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_every_missed_goal_stands_in_the_readme_and_is_marked(name: str) -> None:
    readme = figures.REPOSITORY / name
    rows = figures.documents()[readme].splitlines()
    missed = [figure.row(readme) for figure in figures.figures() if figure.missed]
    assert missed
    assert all("**missed**" in row and row in rows for row in missed)


def test_a_document_without_a_place_for_the_figures_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "README.md").write_text("nothing\n")
    monkeypatch.setattr(figures, "REPOSITORY", tmp_path)
    with pytest.raises(ValueError, match="no place"):
        figures.between_marks(tmp_path / "README.md", "text")


def test_a_figure_of_the_sink_is_of_the_newest_result_that_measures_it() -> None:
    whole = max(
        map(Result.read, (figures.BENCHMARKS / "sink" / "results").glob("*.json")),
        key=lambda each: len(each.drains),
    )
    sources = Path("newest"), Path("whole")
    found = figures.of_sink(dict(zip(sources, (replace(whole, drains=[]), whole), strict=True)))
    alone = figures.of_sink({sources[1]: whole})
    assert [*found] == [*alone]
    assert {figure.source for what, figure in found.items() if what.startswith("latency")} == {sources[0]}
    assert {figure.source for what, figure in found.items() if ", times " in what} == {sources[1]}
