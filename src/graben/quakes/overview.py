"""All models in one table: what each fits, what it cost, and how it did on the same samples."""

from typing import Any

from graben.quakes.models.folder import load_trained, model_class, model_names, shipped_folder
from graben.quakes.quantity import Quantity

SCORES = ("information_gain_mnat_per_sample", "share_of_omori_gain", "auc")


def overview() -> dict[str, Any]:
    """Return every installed model with its cost and skill as measured for the one that ships.

    Returns
    -------
    dict
        `measured`: on what; `models`: by row `model`, `fits`, `training_seconds` and the scores
        with intervals and baseline, None for models that were not measured.
    """
    trained = load_trained(shipped_folder(Quantity()))
    samples = trained.evidence["samples"]
    seconds = trained.evidence["training_seconds"]
    rows = []
    for name in model_names():
        scores = samples["scores"].get(name, {})
        rows.append(
            {
                "model": name,
                "fits": model_class(name).fits,
                "training_seconds": seconds.get(name),
                **{score: scores.get(score) for score in SCORES},
            }
        )
    rows.sort(key=lambda row: -(row[SCORES[0]] or {"value": float("-inf")})["value"])
    return {
        "measured": (
            f"{trained.quantity.sentence}; {trained.region_name} {trained.region}, "
            f"{trained.training_end} to {trained.periods.test_end}, {samples['samples']} weighted "
            "samples; gain over the constant base rate, 95 % intervals"
        ),
        "models": rows,
    }
