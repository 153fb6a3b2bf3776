"""A fresh region, once: the grid net without landforms on Japan, everything frozen.

Needs the full catalogue (graben data fetch usgs-world). The recipe is the one that was chosen on
the tile; nothing is tuned here. Two rows: retrained in Japan, and the tile's net as it is.

    python benchmarks/japan.py --out out/bench
"""

import argparse
import json
from pathlib import Path

import pandas as pd

from graben.datasets import load_catalog_table
from graben.quakes.catalog import Catalog, embedded_catalog
from graben.quakes.models.grid_cnn import GridCnn
from graben.quakes.models.mixture import Omori, Stationary, Uniform
from graben.quakes.models.rates import watch
from graben.quakes.region import Region
from graben.quakes.study import Study
from graben.quakes.testing.rates import score_rates

JAPAN = Region(122, 24, 150, 46)


def world() -> Catalog:
    """Return the fetched catalogue since 1973, M 4.5 and larger."""
    columns = load_catalog_table("usgs-world")
    table = pd.DataFrame({name: values for name, values in columns.items() if name != "time_ns"})
    table["time"] = pd.to_datetime(columns["time_ns"], unit="ns", utc=True)
    table = table[(table["magnitude"] >= 4.5) & (table["time"] >= "1973-01-01")]
    return Catalog.from_table(table, "USGS ComCat, usgs-world")


def main() -> None:
    """Score, print and write japan.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    study = Study(world(), JAPAN, region_name="japan")
    models = {"uniform": Uniform(), "stationary": Stationary(), "omori": Omori()}
    retrained = GridCnn(terrain=False)
    for model in (*models.values(), retrained):
        model.fit_rates(study)
    carried = GridCnn(terrain=False)
    carried.fit_rates(Study(embedded_catalog()))
    carried.stationary_, carried.omori_ = retrained.stationary_, retrained.omori_
    models |= {"grid-cnn": retrained, "grid-cnn of the tile": carried}
    found = score_rates(study, watch(models, study, study.windows_of("test")))
    for name, scores in found["japan"].items():
        gain = scores["gain_over_baseline_nats_per_event"]
        print(
            f"{name:22s} over {gain['baseline_model']:10s} {gain['value']:+.3f} "
            f"[{gain['low']:+.3f}, {gain['high']:+.3f}] nats per event, expected / observed "
            f"{scores['expected_over_observed']['value']:.2f}, {scores['events']} events"
        )
    out.mkdir(parents=True, exist_ok=True)
    (out / "japan.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
