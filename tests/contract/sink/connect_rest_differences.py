"""Where our worker's answers differ from the recorded ones on purpose. Whatever is not listed here has to be the same."""

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Difference:
    """Fields (`at`, a pattern over JSON pointers into the answer) of steps (a pattern over their names), and why."""

    steps: str
    at: str
    reason: str

    def covers(self, step: str, pointer: str) -> bool:
        return fnmatchcase(step, self.steps) and fnmatchcase(pointer, self.at)


WORDS = "the wording is ours: it says which key is wrong and what it must be, and never speaks of Java"
HIDDEN = "a password is never shown; given back as it was shown, it stands for the one stored"
STRICT = "a value that the connector could not use is refused at once, not when its tasks fail"
RACE = "recorded while the tasks of the step before were still restarting"
OURS = "ours has keys, groups and plugins of its own; their form is the same (see the tests of validation)"

DIFFERENCES = (
    Difference("*", "*/version", "the version is that of this connector"),
    Difference("the root tells the version", "/body/commit", "another build"),
    Difference("*", "/content_type", "Connect sends this JSON without saying that it is"),
    Difference("*", "*/config/connection.password", HIDDEN),
    Difference("config*", "/body/connection.password", HIDDEN),
    Difference("the number comes back", "/body/connection.password", HIDDEN),
    Difference("tasks", "/body/*/config/task.class", "the task has another class"),
    Difference("create *", "/body/message", WORDS),
    Difference("patch that is not valid", "/body/message", WORDS),
    Difference("a config that is not JSON", "/body/message", WORDS),
    Difference("alter with an unknown key", "/body/message", WORDS),
    Difference("validate nothing", "/body/message", WORDS),
    Difference("validate what is not JSON", "/body/message", WORDS),
    Difference("set a level without a body", "/body/message", WORDS),
    Difference("validate *", "/body/invalid/*/errors*", WORDS),
    Difference("a config with an insert.mode that is not there", "*", STRICT),
    Difference("validate without a connection", "/body/*", STRICT),
    Difference("validate bad values", "/body/*", STRICT),
    Difference("validate a predicate that is not defined", "/body/*", STRICT),
    Difference(
        "validate a pair that contradicts itself",
        "/body/*",
        "one problem that names both keys, instead of two",
    ),
    Difference(
        "validate a transform without its options", "/body/error_count", "one problem per missing option"
    ),
    Difference("validate * that is not there", "/body/invalid/0/value", "the value is shown as it was given"),
    Difference(
        "validate negate without a predicate",
        "/body/invalid/0/*",
        "the problem stands at the key that has it",
    ),
    Difference("restart with all tasks", "/body/tasks/*/id", "tasks are in the order of their numbers"),
    Difference("restart only *", "/body/tasks/*/id", "tasks are in the order of their numbers"),
    Difference("restart only *", "/body/tasks/*/state", RACE),
    Difference("connector plugins", "/body", OURS),
    Difference("all plugins", "/body", OURS),
    Difference("keys of a connector", "/body", OURS),
    Difference("keys of a converter", "/body", "a converter's options are described in its documentation"),
    Difference("keys of *", "/body/*/documentation", WORDS),
    Difference("validate", "/body/configs", OURS),
    Difference("validate", "/body/groups/*", OURS),
)
