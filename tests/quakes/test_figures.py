import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from graben.errors import CatalogError
from graben.quakes.catalog import Catalog
from graben.quakes.figures import epicentre_map, magnitude_frequency, magnitude_time
from graben.quakes.region import Region


def catalog(count: int = 500) -> Catalog:
    random = np.random.default_rng(0)
    rows = {
        "time": pd.date_range("2000-01-01", periods=count, tz="UTC"),
        "longitude": random.uniform(25, 45, count),
        "latitude": random.uniform(35, 43, count),
        "magnitude": np.round(3.95 + random.exponential(0.43, count), 1),
    }
    return Catalog.from_table(pd.DataFrame(rows), "made for a test")


@pytest.mark.parametrize("draw", [magnitude_time, magnitude_frequency, epicentre_map])
@pytest.mark.parametrize("count", [1, 500])
def test_each_picture_can_be_drawn(draw, count, tmp_path):
    figure = draw(catalog(count))
    assert isinstance(figure, Figure)
    figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5000
    with pytest.raises(CatalogError):
        draw(catalog(count).select(min_magnitude=12))


def test_the_counts_drawn_are_those_of_the_catalogue():
    events = catalog()
    reached, each, law = magnitude_frequency(events).axes[0].lines
    assert reached.get_ydata()[0] == len(events)
    assert sum(each.get_ydata()) == len(events)
    completeness = law.get_xdata()[0]
    assert law.get_ydata()[0] == pytest.approx(
        len(events.select(min_magnitude=completeness - 0.05)), rel=1e-6
    )


def test_a_map_shows_the_region_asked_for():
    axes = epicentre_map(catalog(), Region(20, 30, 50, 45)).axes[0]
    assert (axes.get_xlim(), axes.get_ylim()) == ((20, 50), (30, 45))
    assert len(axes.lines) > 10
