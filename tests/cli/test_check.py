import json

import pytest

ROWS = [
    "time,latitude,longitude,depth,mag,magType,id",
    "2020-01-02T00:00:00.000Z,40,30,10,4.5,mb,b",
    "2020-01-01T00:00:00.000Z,41,31,10,5.5,mw,a",
    "2020-01-01T00:00:00.000Z,41,31,10,5.5,mw,a",
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text("\n".join(ROWS))
    return path


def test_the_embedded_catalogue_is_described(graben):
    run = graben("quakes", "check")
    assert run.code == 0
    assert "completeness" in run.out
    assert "at 33 km" in run.out
    report = graben("quakes", "check", "--json").json()
    assert report["events"] == 62826
    assert len(report["completeness"]) == 11


def test_a_folder_gets_figures_and_report(graben, file, tmp_path):
    run = graben("quakes", "check", file, "--out", tmp_path / "out", "--json")
    assert run.code == 0
    assert run.json() == json.loads((tmp_path / "out" / "report.json").read_text())
    assert {path.name for path in (tmp_path / "out").glob("*.png")} == {
        "magnitude_time.png",
        "epicentre_map.png",
        "magnitude_frequency.png",
    }


def test_repeated_rows_are_counted_and_left_out(graben, file):
    report = graben("quakes", "check", file, "--json").json()
    assert (report["events"], report["repeated_rows"]) == (2, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("5.5", "big"), "magnitude"),
        (("41,31", "141,31"), "latitude"),
        (("2020-01-02T00:00:00.000Z", "2020-01-02T00:00:00"), "offset"),
        (("mag,", "size,"), "without magnitude"),
    ],
)
def test_bad_files_end_with_code_2_and_a_remedy(graben, file, tmp_path, change, message):
    file.write_text("\n".join(ROWS).replace(*change))
    run = graben("quakes", "check", file, "--out", tmp_path / "out")
    assert run.code == 2
    assert message in run.err
    assert run.out == ""
    assert not (tmp_path / "out").exists()


def test_an_absent_file_and_an_unwritable_folder_are_bad_input(graben, file, tmp_path):
    assert "cannot read" in graben("quakes", "check", tmp_path / "none.csv").err
    run = graben("quakes", "check", file, "--out", file / "out")
    assert (run.code, run.out) == (2, "")
