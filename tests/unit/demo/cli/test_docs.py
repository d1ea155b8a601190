"""`./demo docs`: pages that a strict policy would break are found."""

from pathlib import Path

import pytest

from demo.cli.docs import LOCK, inline

PAGE = '<!doctype html><html><head><link rel="stylesheet" href="a.css"><script src="a.js"></script></head><body>{}</body></html>'


@pytest.mark.parametrize(
    "planted",
    [
        "<script>document.body.dataset.theme = 1</script>",
        '<script type="module">\n  import "./a.js"\n</script>',
        "<style>body { color: red }</style>",
        '<STYLE media="print">p {}</STYLE>',
        '<a href="#" onclick="go()">x</a>',
        '<svg\n  style="display: none">',
    ],
)
def test_a_script_a_style_and_a_handler_in_a_page_are_found(tmp_path: Path, planted: str) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "sound.html").write_text(PAGE.format("<p>once = twice</p><code>&lt;script&gt;</code>"))
    (tmp_path / "deep" / "bad.html").write_text(PAGE.format(planted))
    assert list(inline(tmp_path)) == [tmp_path / "deep" / "bad.html"]


def test_its_tools_are_locked_by_hash_and_are_none_of_the_stack_s() -> None:
    lock = LOCK.read_text()
    assert {"sphinx", "furo", "myst-parser"} <= {line.split("==")[0] for line in lock.splitlines()}
    assert lock.count("--hash=sha256:") > 20
    for other in ("demo", "catalog", "order", "sink"):
        assert "\nsphinx==" not in LOCK.with_name(f"{other}.txt").read_text()
