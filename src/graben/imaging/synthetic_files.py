"""Synthetic surveys on disk: SEG-Y files of the image and of each label, and a picture."""

from pathlib import Path
from typing import Any

import numpy as np

from graben.imaging.figures import draw_section
from graben.imaging.scene import FACIES, SAMPLE_SECONDS, Scene
from graben.imaging.segy_writing import write_new_segy
from graben.imaging.synthetic import Synthetic, render_scene
from graben.imaging.volume import in_memory_volume
from graben.output import written_folder
from graben.progress import track
from graben.report import Picture, save_picture
from graben.tiling import InMemory

MEANINGS = {
    "amplitude": "amplitude, standard deviation 1",
    "fault": "1 within a sample of a fault with more than a sample of slip, else 0",
    "throw": "vertical part of the slip at a fault, samples, else 0",
    "geologic_time": "undeformed depth of the layer, samples; larger is older",
    "salt": "1 in salt, else 0",
    "facies": ", ".join(f"{code} {name}" for code, name in enumerate(FACIES)),
    "closure": "1 where a closed reservoir holds hydrocarbons, else 0",
    "flat_spot": "1 within a sample of the lower contact of hydrocarbons, else 0",
}


def write_synthetic(scene: Scene, folder: str | Path, spacing: float = 25.0) -> dict[str, Any]:
    """Render a scene and write it as SEG-Y, a file for the image and one for each label.

    Parameters
    ----------
    scene
        From `draw_scene`.
    folder
        New, empty or an earlier result.
    spacing
        Metres between traces.

    Returns
    -------
    dict
        What the survey holds: shape, number of faults, shares of the labels.

    Raises
    ------
    InputError
        The folder holds other files.
    OutputError
        Writing failed half way; what stood there is unchanged.
    """
    made = render_scene(scene)
    arrays = {name: getattr(made, name) for name in MEANINGS if getattr(made, name) is not None}
    with written_folder(folder) as temporary:
        for name, values in track(arrays.items(), "writing"):
            write_new_segy(
                temporary / f"{name}.sgy",
                InMemory(values.astype(np.float32)),
                sample_interval=1000 * SAMPLE_SECONDS,
                spacing=spacing,
                text=("Synthetic survey made by graben", f"{name}: {MEANINGS[name]}"[:76]),
            )
        save_picture(_picture(made), temporary)
    marks = [name for name in ("fault", "salt", "closure", "flat_spot") if name in arrays]
    return {
        "shape": list(made.amplitude.shape),
        "faults": scene.faults,
        "files": [f"{name}.sgy" for name in arrays],
        "shares": {name: float(arrays[name].mean()) for name in marks},
    }


def _picture(made: Synthetic) -> Picture:
    figure = draw_section(
        in_memory_volume(made.amplitude),
        over=InMemory(made.fault.astype(np.float32)),
        label="fault",
        title="A synthetic section and its faults",
    )
    return Picture(figure, "A synthetic seismic section with faults marked.", "", "section")
