"""How the tests that share servers are handed out: in parts whose tests share something, and a few of the long ones cut."""

from collections import Counter

from tests.support.shared_servers import PIECES, part_of

SINK = "tests/integration/sink"
FIELD = f"{SINK}/field_cases/test_field_cases.py"


def test_a_file_is_one_part_and_what_shares_a_registry_is_another() -> None:
    file = f"{SINK}/test_modes.py"
    assert part_of(f"{file}::test_one[a::b]") == part_of(f"{file}::test_two") == file
    registry = {part_of(f"{SINK}/registry/test_{name}.py::test_one") for name in ("formats", "failures")}
    assert len(registry) == 1


def test_cases_from_the_field_are_spread_but_for_those_that_share_a_server_with_extensions() -> None:
    sizes = Counter(part_of(f"{FIELD}::test_field_case[case {number}]") for number in range(400))
    assert len(sizes) == PIECES
    assert min(sizes.values()) > 400 / PIECES / 2
    assert len({part_of(f"{FIELD}::test_field_case_of_an_extension[{number}]") for number in range(9)}) == 1
