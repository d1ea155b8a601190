"""Topics that the brokers do not know yet are asked for again, in pauses that double."""

from dataclasses import dataclass, field

from sink_connector.runtime.missing_topics import FIRST_S, MOST_S, MissingTopics


@dataclass(slots=True)
class Kafka:
    """A consumer of aiokafka's and its client, as far as they are asked; `asked` is when they were, by `clock_s`."""

    known: set[str] = field(default_factory=set)
    clock_s: float = 0.0
    asked: list[float] = field(default_factory=list)

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return {0} if topic in self.known else None

    @property
    def _client(self) -> "Kafka":
        return self

    def force_metadata_update(self) -> None:
        self.asked.append(self.clock_s)

    def look(self, missing: MissingTopics, *, for_s: float) -> None:
        """As often as a task polls."""
        for _ in range(round(for_s * 10)):
            self.clock_s += 0.1
            missing.look()


def made(kafka: Kafka) -> MissingTopics:
    return MissingTopics(kafka, ["here", "late"], monotonic=lambda: kafka.clock_s)


def test_while_all_are_known_nothing_is_asked() -> None:
    kafka = Kafka(known={"here", "late"})
    kafka.look(made(kafka), for_s=600)
    assert kafka.asked == []


def test_a_missing_one_is_asked_for_in_pauses_that_double_up_to_a_bound() -> None:
    kafka = Kafka(known={"here"})
    kafka.look(made(kafka), for_s=300)
    pauses = [after - before for before, after in zip([0.1, *kafka.asked], kafka.asked, strict=False)]
    expected = [FIRST_S, *(min(2**n * FIRST_S, MOST_S) for n in range(1, len(pauses)))]
    assert all(abs(pause - due) < 0.15 for pause, due in zip(pauses, expected, strict=True)), pauses
    assert pauses[-1] > MOST_S - 1


def test_one_that_goes_missing_later_is_asked_for_as_soon_as_the_first_was() -> None:
    kafka = Kafka(known={"here"})
    missing = made(kafka)
    kafka.look(missing, for_s=100)
    kafka.known.add("late")
    kafka.look(missing, for_s=1)
    asked, since = len(kafka.asked), kafka.clock_s
    kafka.known.remove("late")
    kafka.look(missing, for_s=1)
    assert len(kafka.asked) == asked + 1
    assert kafka.asked[-1] - since < FIRST_S + 0.3
