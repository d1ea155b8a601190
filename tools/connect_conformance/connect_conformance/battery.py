"""Rules put to a worker: what came of each."""

import asyncio
from collections.abc import Callable, Sequence

from connect_conformance.bench import Bench, ViolationError, Worker
from connect_conformance.rules import Rule

Told = Callable[[Rule, str], None]
"""Called with each rule once it was put, and what was found instead (empty: it is kept)."""


async def put(rule: Rule, worker: Worker) -> str:
    """Empty when the worker does what the rule says, else what it does instead. Raises what a server away leads to."""
    bench = Bench(worker=worker)
    try:
        await rule.check(bench)
    except ViolationError as violation:
        return " ".join(str(violation).split()) or "it does something else"
    except (KeyError, ValueError, TypeError) as error:
        return f"an answer has another form: {type(error).__name__} {error}"
    finally:
        await bench.close()
    return ""


async def put_all(rules: Sequence[Rule], worker: Worker, *, at_once: int, told: Told) -> dict[str, str]:
    """What came of each rule, by its number, in their order; `at_once` of them side by side."""
    some = asyncio.Semaphore(at_once)

    async def one(rule: Rule) -> str:
        async with some:
            found = await put(rule, worker)
        told(rule, found)
        return found

    return dict(zip((rule.number for rule in rules), await asyncio.gather(*map(one, rules)), strict=True))
