import pytest

from graben.errors import InputError
from graben.quakes.quantity import Quantity, parse_horizon


def test_the_sentence_names_magnitude_radius_and_horizon():
    asked = Quantity(90, 5.5, 50.0)
    assert asked.sentence == (
        "P(at least one M >= 5.5 with epicentre within 50 km of x in the 90 days after the "
        "issue time)"
    )
    assert asked.slug == "90d-m5.5"
    assert Quantity(**asked.as_dict()) == asked


@pytest.mark.parametrize(
    ("name", "value"),
    [("horizon_days", 0), ("horizon_days", 4000), ("min_magnitude", 2.9), ("radius_km", 501.0)],
)
def test_values_out_of_range_are_refused_by_name(name, value):
    with pytest.raises(InputError, match=f"{name} is .*; expected a value from"):
        Quantity(**{name: value})


def test_horizons_are_read_in_days_weeks_and_years():
    assert [parse_horizon(text) for text in ("30d", "30", "2w", "1y", "90D")] == [
        30,
        30,
        14,
        365,
        90,
    ]


@pytest.mark.parametrize("text", ["", "d", "0d", "-3d", "1.5d", "ten", "30m"])
def test_horizons_that_are_none_are_refused(text):
    with pytest.raises(InputError, match=r"horizon .* expected days"):
        parse_horizon(text)
