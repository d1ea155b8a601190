"""What an audit found: per question how often, and the first few cases in words."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from auditor.scratch import Question, Scratch, questions

SAMPLES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One question that got an answer: `count` violations, the first `SAMPLES` of them as (subject, detail)."""

    question: Question
    count: int
    samples: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """The question and its first cases, a line each."""
        head = f"{self.question.invariant} {self.question.name}: {self.question.meaning} ({self.count} times)"
        more = f"    … {self.count - len(self.samples)} more"
        lines = [f"    {subject}: {detail}" for subject, detail in self.samples]
        return "\n".join([head, *lines, *([more] if self.count > len(self.samples) else [])])


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`counts` says how much was compared; `findings` is empty when every invariant holds."""

    counts: Mapping[str, int]
    findings: tuple[Finding, ...]
    asked: int

    @property
    def clean(self) -> bool:
        """Whether no question found a violation."""
        return not self.findings

    @property
    def found(self) -> frozenset[str]:
        """Names of the questions that got an answer."""
        return frozenset(finding.question.name for finding in self.findings)

    def __str__(self) -> str:
        """How much was compared, and every finding."""
        counts = "\n".join(f"{name:<24}{count:>10,}" for name, count in self.counts.items())
        verdict = (
            f"{self.asked} questions asked, nothing missing, extra, different, old or doubled."
            if self.clean
            else f"{self.asked} questions asked, {len(self.findings)} of them with violations:\n"
            + "\n".join(map(str, self.findings))
        )
        return f"{counts}\n\n{verdict}"

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "clean": self.clean,
            "counts": dict(self.counts),
            "findings": [
                {
                    "invariant": finding.question.invariant,
                    "name": finding.question.name,
                    "meaning": finding.question.meaning,
                    "count": finding.count,
                    "samples": finding.samples,
                }
                for finding in self.findings
            ],
        }


def examine(facts: Scratch, *, asked: Container[str] | None = None, samples: int = SAMPLES) -> Report:
    """Ask every question of settled facts, or those named in `asked`; at most `samples` cases of each are kept."""
    chosen = tuple(question for question in questions() if asked is None or question.name in asked)
    findings = (_finding(question, facts.answers(question), kept=samples) for question in chosen)
    return Report(
        counts=facts.counts(),
        findings=tuple(finding for finding in findings if finding is not None),
        asked=len(chosen),
    )


def _finding(question: Question, answers: Iterable[tuple[str, str]], *, kept: int) -> Finding | None:
    rest = iter(answers)
    samples = tuple(islice(rest, kept))
    if not samples:
        return None
    return Finding(question=question, count=len(samples) + sum(1 for _ in rest), samples=samples)
