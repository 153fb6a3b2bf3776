"""Facies of a volume on disk: files like the input, and a page beside them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graben.errors import SeismicError
from graben.imaging.facies_page import write_facies_page
from graben.imaging.models.facies import FaciesModel
from graben.imaging.models.facies_evaluation import MEASURES, FaciesEvaluation, intervals
from graben.imaging.volume import SeismicVolume, open_volume
from graben.imaging.volume_stream import check_outputs, stream_volume
from graben.output import check_file

if TYPE_CHECKING:
    from graben.imaging.strokes import Strokes

SLAB = 8_000_000  # samples that are counted at once


def facies_paths(volume: SeismicVolume, out: Path) -> dict[str, Path]:
    """Name what is written: "facies", "confidence", "page" and "model"; refuse what cannot be.

    Raises
    ------
    SeismicError
        An output is the input, or is neither SEG-Y nor zarr.
    InputError
        The place is not writable.
    """
    beside = out.with_name(f"{out.stem}_confidence{out.suffix}")
    check_outputs(volume, [out, beside])
    page = out.with_suffix(".html")
    check_file(page)
    model = out.with_name(f"{out.stem}_model")
    return {"facies": out, "confidence": beside, "page": page, "model": model}


def map_facies(
    volume: SeismicVolume,
    model: FaciesModel,
    out: Path,
    strokes: "Strokes | None" = None,
    evaluation: FaciesEvaluation | None = None,
    facts: dict[str, str] | None = None,
    workers: int = 2,
) -> dict[str, Any]:
    """Write the facies of a volume, the confidence in them, and a page about both.

    The volume may be larger than memory; a run that was interrupted goes on.

    Parameters
    ----------
    volume
        What `open_volume` gives.
    model
        From `learn_facies`, or loaded.
    out
        `.sgy`, `.segy` or `.zarr`: codes of the classes, 0 where there is no trace. Beside it lie
        `NAME_confidence`, the calibrated probability of the class, and `NAME.html`.
    strokes, evaluation
        What the model was learned from just now, and how it did on lines that were held out.
    facts
        What the page says of the run.
    workers
        Number of threads.

    Returns
    -------
    dict
        Files, share of each class, scores with intervals, labels, warnings.

    Raises
    ------
    SeismicError, InputError, OutputError
        As `facies_paths` and `stream_volume`.
    """
    paths = facies_paths(volume, out)
    function = model.block(volume.survey_statistics())
    outputs = {name: paths[name] for name in ("facies", "confidence")}
    stream_volume(volume, function, outputs, function.halo, workers)
    mapped = {name: open_volume(path) for name, path in outputs.items()}
    shares, sure = _shares(mapped["facies"], mapped["confidence"], len(model.classes))
    labelled = model.about.get("labelled_samples", {})
    found = {
        "volume": str(volume.path),
        "shape": volume.shape,
        "files": {name: str(path) for name, path in paths.items() if name != "model"},
        "classes": [
            {
                "code": code,
                "class": name,
                "labelled": labelled.get(name),
                "share": float(shares[code - 1]),
                "confidence": float(sure[code - 1]),
                "held_out_accuracy": model.about.get("metrics", {})
                .get(f"accuracy of {name}", {})
                .get("value"),
            }
            for code, name in enumerate(model.classes, 1)
        ],
        "labels_left_out": model.about.get("labels_left_out", {}),
        "scores": {
            name: model.about["metrics"][name]
            for name in MEASURES
            if name in model.about.get("metrics", {})
        },
        "curve": [] if evaluation is None else _curve(evaluation),
        "warnings": model.warnings(volume),
    }
    write_facies_page(paths["page"], volume, mapped, model, found, strokes, evaluation, facts or {})
    return found


def _shares(
    facies: SeismicVolume, confidence: SeismicVolume, classes: int
) -> tuple["np.ndarray[Any, Any]", "np.ndarray[Any, Any]"]:
    """Give the share of each class, and the mean confidence in it (NaN if it does not occur)."""
    lines, columns, samples = facies.shape
    step = max(1, SLAB // (columns * samples))
    count, sure = np.zeros(classes + 1), np.zeros(classes + 1)
    for first in range(0, lines, step):
        region = (slice(first, min(first + step, lines)), slice(0, columns), slice(0, samples))
        codes = facies.read(region).astype(np.int64).ravel()
        count += np.bincount(codes, minlength=classes + 1)
        sure += np.bincount(codes, confidence.read(region).ravel(), classes + 1)
    if not count[1:].any():
        raise SeismicError("expected a volume with traces, got none that holds amplitudes.")
    with np.errstate(invalid="ignore"):
        return count[1:] / count[1:].sum(), sure[1:] / count[1:]


def _curve(evaluation: FaciesEvaluation) -> list[dict[str, Any]]:
    found = []
    for count, confusions in evaluation.curve.items():
        rows = intervals(confusions)
        values = {name: vars(rows[name]) for name in MEASURES[1:3]}
        found.append({"labels a class": count, **values})
    return found
