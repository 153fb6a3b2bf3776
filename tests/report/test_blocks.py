import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from graben.errors import InputError
from graben.report import Picture, Section, Table, save_picture


def figure():
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([1, 2])
    return figure


def test_table_counts_its_cells():
    with pytest.raises(InputError, match=r"row 1 .* has 1 cells; expected 2"):
        Table("t", ("a", "b"), ((1, 2), (1,)))


def test_table_highlights_only_rows_it_has():
    with pytest.raises(InputError, match=r"1 rows; got \[1\]"):
        Table("t", ("a",), ((1,),), highlight=(0, 1))


def test_picture_needs_words():
    with pytest.raises(InputError, match="alternative text"):
        Picture(figure(), " ", "caption", "name")


@pytest.mark.parametrize("name", ["", "../up", "A b", "map.png"])
def test_picture_name_is_a_file_name(name):
    with pytest.raises(InputError, match="name"):
        Picture(figure(), "alt", "caption", name)


def test_same_figure_same_bytes_in_a_file_that_opens(tmp_path):
    first = Picture(figure(), "alt", "caption", "line")
    path = save_picture(first, tmp_path)
    assert path.name == "line.png"
    assert path.read_bytes() == Picture(figure(), "alt", "caption", "line").png
    assert imread(path).ndim == 3


def test_anchor_is_plain():
    assert Section("Où? À 100 km!", ()).anchor == "ou-a-100-km"
