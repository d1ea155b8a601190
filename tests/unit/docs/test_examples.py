"""What a document shows of a command's output is found in it, or named."""

from pathlib import Path

from tests.support.documents import Example, examples, prompted


def test_each_block_of_commands_has_the_text_that_follows_it(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```{toctree}\none\n```\n```sh\na\n```\n```text\n1\n2\n```\n```json\n{}\n```\n```sh\nb\n```\n"
        "    $ c --d | e\n    f\n```text\n3\n```\n"
    )
    assert examples(page) == [Example("a\n", ("1", "2")), Example("b\n", ("3",))]
    assert prompted(page) == ["c --d | e"]


def test_shown_lines_are_printed_in_their_order_with_anything_for_the_dots() -> None:
    shown = Example("", ("order-…", "…|2", "done"))
    assert shown.missing("x\norder-1\n  7|2 \ny\ndone\n") is None
    assert shown.missing("order-1\ndone\n7|2\n") == "done"
    assert shown.missing("an order-1\n7|2\ndone\n") == "order-…"
    assert shown.missing("order-1\n7|21\ndone\n") == "…|2"
    assert shown.missing("") == "order-…"
