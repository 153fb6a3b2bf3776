"""Train the models that ship, from the data that ship, into src/graben/data/models.

    python tools/train_default_models.py                      # all, about 25 minutes on two cores
    python tools/train_default_models.py --only grid-cnn-90d-m5.0

Seeds are in the recipes (0, 1, 2 for each kernel size); the cost stands in each CARD.md. The model
for 30 days and M 5.0 is trained and scored beside all others (--compare of graben quakes train).
"""

import argparse
from pathlib import Path

from graben.cli.console import progress_bar, say
from graben.progress import shown_by
from graben.quakes.inputs import open_study
from graben.quakes.models.folder import save_trained
from graben.quakes.quantity import Quantity
from graben.quakes.training import calibrate_at, train

FOLDER = Path(__file__).parents[1] / "src" / "graben" / "data" / "models"
QUANTITIES = (
    Quantity(30, 5.0),
    Quantity(90, 5.0),
    Quantity(365, 5.0),
    Quantity(30, 4.5),
    Quantity(30, 5.5),
)
OTHER_RADII_KM = (50.0, 200.0)


def main() -> None:
    """Train and write the folders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="the folder's name, such as grid-cnn-30d-m5.0")
    only = parser.parse_args().only
    for quantity in QUANTITIES:
        name = f"grid-cnn-{quantity.slug}"
        if only not in (None, name):
            continue
        study = open_study(None, None, None, quantity)
        trained = train(study, "grid-cnn", compare=quantity == Quantity())
        for radius_km in OTHER_RADII_KM:
            calibrate_at(trained.model, study, radius_km)
        save_trained(FOLDER / name, trained)
        say(f"{name}: {trained.evidence['cost']}")


if __name__ == "__main__":
    with shown_by(progress_bar):
        main()
