import numpy as np
import pytest

from graben.errors import InputError
from graben.quakes.region import Region


def test_boxes_side_by_side_share_no_point():
    west, east = Region(0, 0, 10, 10), Region(10, 0, 20, 10)
    longitude = np.linspace(0, 19.5, 40)
    inside = [box.contains(longitude, np.full(40, 5.0)) for box in (west, east)]
    assert (inside[0] ^ inside[1]).all()


def test_the_whole_globe_holds_date_line_and_pole():
    globe = Region(-180, -90, 180, 90)
    assert globe.contains([180, -180, 0], [90, -90, 0]).all()
    assert not globe.contains(np.nan, 0)


def test_padding_stops_at_the_globe():
    assert Region(-178, 80, 100, 88).padded(5) == Region(-180, 75, 105, 90)


@pytest.mark.parametrize("edges", [(170, -10, -170, 10), (170, -10, 190, 10)])
def test_a_box_across_the_date_line_names_the_two_boxes_to_ask_for(edges):
    with pytest.raises(InputError, match=r"date line.*170 to 180 and for -180 to -170"):
        Region(*edges)


@pytest.mark.parametrize(
    "edges",
    [(0, 0, 0, 10), (0, 10, 10, 0), (0, -91, 10, 0), (-200, 0, 0, 10), (np.nan, 0, 10, 10)],
)
def test_other_impossible_boxes_are_refused(edges):
    with pytest.raises(InputError, match="expected"):
        Region(*edges)
