import html
import re
import shlex
import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from graben.errors import InputError
from graben.report import Picture, Section, Table, Text, command_line, write_page
from graben.report.page import shown

HOSTILE = "<script>alert('x')</script> \"'><img src=x onerror=alert(1)> {{ 7*7 }} &amp;"


def picture(name="map", width=9.0):
    figure = Figure(figsize=(width, 4))
    figure.subplots().plot([1, 2, 4])
    return Picture(figure, "A line that rises", "The rise.", name)


@pytest.fixture
def sample(tmp_path):
    """A page of every kind of block, with words and tables too wide for a phone."""
    columns = ("model", "what it is", *(f"score number {k}" for k in range(9)), "gain")
    row = ("light-cnn", "a small convolutional network " * 2, *[0.123456] * 9, "8.3 (7.9 to 8.7)")
    sections = [
        Section("What was asked?", (Text(("First.", "Second.")), Text(("Honest.",), lead=True))),
        Section("Ein Riß: Σεισμός", (picture(), picture("second", width=20.0))),
        Section("Σεισμός", (Table("Skill", columns, (row, row), "A note.", highlight=(1,)),)),
        Section("What was asked?", (Table("No rows", ("a", "b"), ()),)),
        Section("Contents", (Text(("x" * 300,)),)),
    ]
    path = tmp_path / "page.html"
    write_page(path, "A title " * 12, "A subtitle", sections, {"sha256": "0f" * 64})
    return path


def test_page_is_whole_offline_and_readable_by_everyone(sample, check_page):
    check_page(sample)


def test_browser_check_finds_every_kind_of_fault(tmp_path, page_faults):
    path = tmp_path / "bad.html"
    path.write_text(
        "<h1>One</h1><h1>Two</h1><h4>Deep</h4><img src='nowhere.png'>"
        "<a href='#nothing'>go</a><table><tr><th>head</th></tr></table>"
        "<p style='width: 2000px; color: #aaa; background: #fff'>pale and wide</p>"
        "<script>console.error('oh'); throw new Error('no');</script>"
        "<link rel=stylesheet href='http://127.0.0.1:9/x.css'>"
    )
    found = " | ".join(page_faults(path))
    for fault in (
        "no language", "no title", "a script", "2 h1", "0 main", "no skip link", "h4 skips",
        "dead link", "image missing", "image without alt", "table without caption",
        "th without scope", "px wide in a window of 390", "contrast 2.3", "console: oh",
        "script error: no", "request: http://127.0.0.1:9/x.css",
    ):  # fmt: skip
        assert fault in found


def test_hostile_text_is_shown_as_it_was_typed(tmp_path):
    path = tmp_path / "page.html"
    figure = Figure(figsize=(1, 1))
    blocks = (
        Text((HOSTILE,)),
        Text((HOSTILE,), lead=True),
        Table(HOSTILE, (HOSTILE, "b"), ((HOSTILE, HOSTILE),), HOSTILE),
        Picture(figure, HOSTILE, HOSTILE, "hostile"),
    )
    write_page(path, HOSTILE, HOSTILE, [Section(HOSTILE, blocks)], {HOSTILE: HOSTILE})
    page = path.read_text(encoding="utf-8")
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "49" not in re.sub(
        r"<style>.*</style>|data:image[^\"]*|<svg.*</svg>", "", page, flags=re.S
    )
    # 2 titles, 2 subtitles, contents, heading, 2 texts, 5 in the table, 2 in the picture, 2 facts
    assert html.unescape(page).count(HOSTILE) == 17


def test_anchors_are_unique_and_never_empty(sample):
    page = sample.read_text(encoding="utf-8")
    found = re.findall(r'<section id="([^"]*)"', page)
    assert found == [
        "what-was-asked",
        "ein-ri",
        "section",
        "what-was-asked-2",
        "contents-2",
        "to-redo-this-page",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "\N{EN DASH}"),
        (float("nan"), "\N{EN DASH}"),
        (0.123456, "0.1235"),
        (-2.5e-7, "\N{MINUS SIGN}2.5e\N{MINUS SIGN}07"),
        (2015, "2015"),
        (1234567, "1\u202f234\u202f567"),
        (-3, "\N{MINUS SIGN}3"),
        (True, "yes"),
        ("plain-text", "plain-text"),
    ],
)
def test_cells(value, text):
    assert shown(value) == text


def test_numbers_are_set_right_and_words_left(tmp_path):
    rows = (
        ("a", 20_000, "0.33 (0.21 to 0.44)", "2023-02-06", None, 4e-7),
        ("b", 1, None, "late", None, -0.5),
    )
    table = Table("t", ("name", "count", "gain", "date", "none", "tiny"), rows)
    write_page(tmp_path / "p.html", "t", "s", [Section("s", (table,))], {})
    head = re.findall(r"<th scope=\"col\"(.*?)>(\w+)", (tmp_path / "p.html").read_text())
    assert [name for kind, name in head if "number" in kind] == ["count", "gain", "tiny"]


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    with pytest.raises(InputError):
        write_page(path / "page.html", "t", "s", [], {})
    assert path.read_text() == "old"
    assert list(Path(tmp_path).iterdir()) == [path]


def test_the_command_of_a_page_can_be_typed_again(monkeypatch):
    typed = ["landforms", "forms", "my dem.tif", "--out", "a&b.tif"]
    monkeypatch.setattr(sys, "argv", ["/anywhere/graben", *typed])
    assert shlex.split(command_line()) == ["graben", *typed]
