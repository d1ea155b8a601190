"""A sink that kills itself at one of its steps: `python -m tests.chaos.sink.killed_at STEP TIMES MODULE WORDS…`."""

import runpy
import sys
from collections.abc import Mapping
from typing import Any

from tests.support.killed_at import Step, arm


def with_records(arguments: tuple[Any, ...], _result: Any) -> object:
    return arguments[1].records


def with_rows(_arguments: tuple[Any, ...], result: Any) -> object:
    return result


_TASK = "sink_connector.runtime.sink_task:SinkTask"
_WRITER = "sink_connector.sink.table_writer:TableWriter"
OF_SINK: Mapping[str, Step] = {
    "records polled": Step(where=f"{_TASK}._take_in", is_after=False, counts=with_records),
    "records converted": Step(where=f"{_TASK}._take_in", counts=with_records),
    "transaction begun": Step(where="sink_connector.sink.offsets:advance", is_after=False),
    "offsets moved": Step(where="sink_connector.sink.offsets:advance"),
    "rows written": Step(where=f"{_WRITER}._write_tables"),
    "dead letters stored": Step(where="sink_connector.sink.table_writer:store"),
    "committed": Step(where=f"{_WRITER}._transaction"),
    "commit noted": Step(where=f"{_TASK}._after_commit"),
}

WRITTEN_AT_ONCE = "written at once"
OF_SMALL_BATCHES: Mapping[str, Step] = {
    WRITTEN_AT_ONCE: Step(where="sink_connector.sink.at_once:AtOnce.written", counts=with_rows),
}


def main() -> None:
    name, times, module, *words = sys.argv[1:]
    arm({**OF_SINK, **OF_SMALL_BATCHES}[name], times=int(times))
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
