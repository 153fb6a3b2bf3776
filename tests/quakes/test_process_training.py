"""Windows and completeness of one's own catalogue, and the processes that ship."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from graben.errors import CatalogError, ModelError
from graben.quakes.catalog import Catalog
from graben.quakes.models.point_process_folder import open_process, shipped_processes
from graben.quakes.polygon import Polygon
from graben.quakes.process_training import (
    estimated_completeness,
    fit_process,
    own_sequence,
    repeated_places,
    windows_by_share,
)

BOX = Polygon([10, 12, 12, 10], [40, 40, 42, 42])


def made(count: int, complete: float, seed: int = 1, years: int = 20) -> Catalog:
    """Events at random, b = 1, of which fewer and fewer are there below completeness."""
    rng = np.random.default_rng(seed)
    magnitude = np.round(complete - 1.05 + rng.exponential(1 / np.log(10), 30 * count), 1)
    seen = rng.random(magnitude.size) < 10 ** (2.0 * np.minimum(magnitude - complete, 0))
    magnitude = magnitude[seen][:count]
    day = np.sort(rng.uniform(0, years * 365, count))
    table = pd.DataFrame(
        {
            "time": pd.Timestamp("2000-01-01", tz="UTC") + pd.to_timedelta(day, unit="D"),
            "longitude": rng.uniform(10.1, 11.9, count),
            "latitude": rng.uniform(40.1, 41.9, count),
            "magnitude": magnitude,
        }
    )
    return Catalog.from_table(table, "made by code", "2000-01-01")


@pytest.mark.parametrize("complete", [2.5, 4.0])
def test_completeness_is_found_again(complete: float) -> None:
    catalog = made(6000, complete)
    found = estimated_completeness(catalog, BOX, windows_by_share(catalog))
    assert complete - 0.01 <= found <= complete + 0.31


def together(one: Catalog, other: Catalog, years: float = 0) -> Catalog:
    """Put two catalogues together, the other so many years later."""
    moved = other.table.assign(
        time=other.table["time"] + pd.Timedelta(days=365 * years),
        event_id=other.table["event_id"] + "b",
    )
    return Catalog.from_table(pd.concat([one.table, moved]), "two", "2000-01-01")


def test_completeness_is_that_of_the_years_before_the_test() -> None:
    """A network that gets worse in the test years does not tell of those before."""
    catalog = together(made(6000, 2.5, years=17), made(3000, 4.5, seed=2, years=3), 17.1)
    assert estimated_completeness(catalog, BOX, windows_by_share(catalog)) < 3


def test_many_small_events_of_a_local_network_do_not_mislead() -> None:
    """The fullest bin is the local network's; the law holds from the other's completeness on."""
    local = made(6000, 2.0, seed=2)
    small = Catalog.from_table(local.table[local.table["magnitude"] < 2.5], "local", "2000-01-01")
    catalog = together(made(4000, 4.0), small)
    assert estimated_completeness(catalog, BOX, windows_by_share(catalog)) >= 3.7


def test_windows_are_shares_of_the_catalogues_time() -> None:
    catalog = made(1000, 3.0)
    moments = windows_by_share(catalog).moments
    shares = [(moment - catalog.start) / (catalog.end - catalog.start) for moment in moments]
    assert shares == pytest.approx([0, 0.2, 0.7, 0.85, 1])


def test_too_few_events_are_refused_with_the_remedy() -> None:
    with pytest.raises(CatalogError, match="Give --mc"):
        own_sequence(made(40, 3.0), BOX, None)
    with pytest.raises(CatalogError, match="window"):
        own_sequence(made(40, 3.0), BOX, 4.4)


def test_repeated_places_are_counted() -> None:
    sequence = own_sequence(made(2000, 3.0), BOX, 3.0)
    assert repeated_places(sequence) == 0
    same = np.arange(len(sequence)) < 3
    longitude, latitude = (
        np.where(same, 11.0, values) for values in (sequence.longitude, sequence.latitude)
    )
    shared = replace(sequence, longitude=longitude, latitude=latitude)
    assert repeated_places(shared) == pytest.approx(3 / len(sequence))


def test_a_fit_comes_with_its_gain_over_each_baseline() -> None:
    """Events at random: Poisson counts them right, and nobody gains."""
    catalog = made(3000, 3.0)
    sequence = own_sequence(catalog, BOX, 3.0)
    process, about = fit_process("poisson", sequence, catalog, ("etas",))
    rows = about["metrics"]
    scores = process.score(sequence, sequence.test)
    assert rows["total"]["value"] == pytest.approx(scores.total.mean())
    assert abs(rows["gain_over_etas"]["value"]) < 0.05
    assert rows["expected_over_observed"]["value"] == pytest.approx(1, abs=0.15)
    assert about["training_end"] == sequence.windows.test_start


@pytest.mark.parametrize("region", ["anatolia", "california", "japan"])
def test_shipped_processes_beat_etas_and_are_small(region: str) -> None:
    folder = shipped_processes()[region]
    about = open_process(region).about
    gain = about["metrics"]["gain_over_etas"]
    assert gain["low"] > 0.1
    assert about["metrics"]["gain_over_mapped-etas"]["low"] > 0
    assert about["training_end"] == "2015-01-01"
    assert "Not for" in about["what"]
    assert sum(file.stat().st_size for file in folder.iterdir()) < 300_000


def test_a_shipped_process_scores_a_sequence() -> None:
    process = open_process("california").process
    sequence = own_sequence(made(1500, 3.6), BOX, 3.6)
    assert np.isfinite(process.score(sequence, sequence.test).total).all()


def test_unknown_names_are_refused_with_those_that_ship() -> None:
    with pytest.raises(ModelError, match="anatolia, california, japan"):
        open_process("atlantis")
