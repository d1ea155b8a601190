"""Record what Kafka Connect's own transforms, and Debezium's, make of the cases in `transform_cases/`, into `transforms/*.json`.

    .venv/bin/python -m tests.contract.sink.record_transforms

Needs `java` of a JDK (19 or newer, for the way it writes floating numbers; with its compiler, so a runtime alone is not enough) on the PATH or under JAVA_HOME.
The tests that read the recordings need no Java.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

from tests.contract.sink.transform_cases.table import CASES
from tests.support import jvm
from tests.support.connect_worker import CONNECT, JDBC_SINK

RECORDINGS = Path(__file__).with_name("transforms")
PROGRAM = Path(jvm.__file__).with_name("java") / "RecordTransforms.java"


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    return f"{home}/bin/java" if home else shutil.which("java") or "java"


def main() -> None:
    """One run of the JVM over all cases; one file per transform, one case per line."""
    cases = [(file, case) for file, of_file in CASES.items() for case in of_file]
    question = json.dumps([{"config": dict(case.config), "record": case.record} for _, case in cases])
    debeziums = [jar for jar in jvm.jars(*JDBC_SINK) if jar.name.startswith("debezium-")]
    command = [_java(), "-cp", jvm.class_path([*jvm.jars(*CONNECT), *debeziums]), str(PROGRAM)]
    answer = subprocess.run(command, input=question.encode(), stdout=subprocess.PIPE, check=True)
    results = json.loads(answer.stdout)
    RECORDINGS.mkdir(exist_ok=True)
    for file in CASES:
        lines = [
            json.dumps(
                {"name": case.name, "config": case.config, "record": case.record, "result": result},
                ensure_ascii=False, separators=(",", ":"),
            )
            for (of_file, case), result in zip(cases, results, strict=True)
            if of_file == file
        ]  # fmt: skip
        (RECORDINGS / f"{file}.json").write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
        print(f"{file}: {len(lines)} cases")  # noqa: T201 - a person runs this and watches


if __name__ == "__main__":
    main()
