"""Synthetic seismic images with exact labels, drawn and computed anew whenever they are needed.

Every sample is followed back through the events that moved it, youngest first, to a layer: no
volume is ever warped, so that any window of any scene costs as much as its own samples.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graben.errors import InputError
from graben.imaging import synthetic_kernels as kernels
from graben.imaging.scene import FACIES, Preset, Recording, Scene
from graben.imaging.scene_drawing import compose
from graben.imaging.traps import fill_traps

__all__ = ["FACIES", "Scene", "Synthetic", "draw_scene", "draw_window", "render_scene"]

DOMAIN = 128
Shape = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Synthetic:
    """An image and what is true of it; arrays are (inline, crossline, sample).

    Attributes
    ----------
    amplitude
        float32, mean 0 and standard deviation 1; missing traces are 0.
    fault
        Within `Scene.half_thickness` of a fault surface whose slip there exceeds 1 sample.
    throw
        Vertical part of that slip, in samples; 0 elsewhere.
    geologic_time
        Undeformed depth of the layer in samples, larger for older layers; jumps up at an
        unconformity, and says nothing in salt.
    salt, facies, closure, flat_spot
        Only of detailed scenes, else None: salt; code of `FACIES`; hydrocarbons in a closed
        reservoir; within a sample of their lower contact.
    """

    amplitude: NDArray[np.float32]
    fault: NDArray[np.bool_]
    throw: NDArray[np.float32]
    geologic_time: NDArray[np.float32]
    salt: NDArray[np.bool_] | None = None
    facies: NDArray[np.uint8] | None = None
    closure: NDArray[np.bool_] | None = None
    flat_spot: NDArray[np.bool_] | None = None


def draw_scene(
    generator: np.random.Generator, preset: Preset = "faults", size: int | Shape = DOMAIN
) -> Scene:
    """Draw a geological scene at random.

    Parameters
    ----------
    generator
        Source of all that is drawn: the same state gives the same scene.
    preset
        "faults": folded and sheared layers that planar and listric faults displace, normal or
        reverse, some with strike-slip, at random, as horst and graben or as relays; half of the
        scenes have many small faults, and traces up to 3 samples apart. "full": also
        unconformities, salt, channels, facies, and reservoirs with contacts of fluids.
    size
        Samples of the domain in which the geology is drawn, on a side or (inline, crossline,
        sample); 16 at least.

    Raises
    ------
    InputError
        An unknown preset, or a domain that is too small.
    """
    shape = (size, size, size) if isinstance(size, int) else size
    if preset not in ("faults", "full"):
        raise InputError(f"expected the preset faults or full, got {preset!r}. Choose one.")
    if min(shape) < 16:
        raise InputError(f"expected a domain of 16 samples a side or more, got {size}. Enlarge it.")
    return compose(generator, preset, shape)


def draw_window(
    generator: np.random.Generator, shape: Shape, preset: Preset = "faults", size: int = DOMAIN
) -> Synthetic:
    """Draw a scene in a domain of `size` a side and render a window of it at a random place."""
    inlines, crosslines, samples = shape
    domain = max(size, inlines), max(size, crosslines), max(size, samples)
    scene = draw_scene(generator, preset, domain)
    origin = (
        int(generator.integers(domain[0] - inlines, endpoint=True)),
        int(generator.integers(domain[1] - crosslines, endpoint=True)),
        int(generator.integers(domain[2] - samples, endpoint=True)),
    )
    return render_scene(scene, shape, origin)


def render_scene(scene: Scene, shape: Shape | None = None, origin: Shape = (0, 0, 0)) -> Synthetic:
    """Compute a window of a scene.

    Parameters
    ----------
    scene
        From `draw_scene`.
    shape
        (inline, crossline, sample) of the window, by default the whole domain; a section has one
        inline or one crossline.
    origin
        Its first (inline, crossline, sample) in the domain, in traces and samples.

    Returns
    -------
    Synthetic
        The same for the same scene, shape and origin. Closures are those of the window.

    Examples
    --------
    >>> cube = render_scene(draw_scene(np.random.default_rng(0), size=32))
    >>> cube.amplitude.shape, bool(cube.fault.any())
    ((32, 32, 32), True)
    """
    shape = scene.size if shape is None else shape
    layers = scene.layers
    length = layers.reflectivity.shape[1]
    time, throw = np.empty(shape, np.float32), np.empty(shape, np.float32)
    fault, salt = np.empty(shape, np.bool_), np.empty(shape, np.bool_)
    placed = shape if scene.detailed else (0, 0, 0)
    east, north = np.empty(placed, np.float32), np.empty(placed, np.float32)
    spread = np.array([scene.spacing, scene.spacing, 1.0])
    kernels.restore(
        (np.array(origin) * spread).astype(np.float32),
        np.float32(scene.spacing),
        np.float32(scene.half_thickness),
        scene.events,
        scene.salts,
        layers.shears,
        layers.folds,
        np.float32(layers.margin),
        np.float32(layers.start),
        np.float32(length),
        time, east, north, fault, throw, salt,
    )  # fmt: skip
    amplitude = np.empty(shape, np.float32)
    if not scene.detailed:
        kernels.reflect(time, layers.reflectivity.reshape(-1), amplitude)
        _record(amplitude, scene.recording, origin)
        return Synthetic(amplitude, fault, throw, time)
    step, facies = np.empty(shape, np.float32), np.empty(shape, np.uint8)
    kernels.paint(
        time, east, north, salt, np.float32(length), layers.styles.reshape(-1),
        layers.reflectivity.reshape(-1), scene.chaos, scene.channels,
        np.float32(scene.salt_step), amplitude, step, facies,
    )  # fmt: skip
    closure, flat_spot = fill_traps(scene, time, fault, salt, step)
    kernels.add_interfaces(step, amplitude)
    _record(amplitude, scene.recording, origin)
    fault &= ~salt
    throw[salt] = 0
    return Synthetic(amplitude, fault, throw, time, salt, facies, closure, flat_spot)


def _record(values: NDArray[np.float32], recording: Recording, origin: Shape) -> None:
    """Turn reflectivity into a record, in place."""
    generator = np.random.default_rng([recording.seed, *origin])
    noise = generator.standard_normal(values.shape, np.float32)
    if recording.noise_in_band:
        kernels.convolve_traces(noise, recording.wavelet)
    if recording.noise_lateral:
        kernels.blur_laterally(noise, np.float32(recording.noise_lateral))
        kernels.blur_vertically(noise, np.float32(recording.noise_vertical))
    kernels.convolve_traces(values, recording.wavelet)
    signal = kernels.mean_and_deviation(values)[1]
    strength = recording.noise * signal / (kernels.mean_and_deviation(noise)[1] + 1e-9)
    values += np.float32(strength) * noise
    if recording.resolution:
        kernels.blur_laterally(values, np.float32(recording.resolution))
    depth = np.linspace(-1, 1, values.shape[2], dtype=np.float32)
    values *= np.clip(1 + np.float32(recording.gain) * depth, 0.3, 3)
    if recording.footprint[0]:
        _imprint(values, recording.footprint, origin)
    mean, deviation = kernels.mean_and_deviation(values)
    values -= np.float32(mean)
    values /= np.float32(deviation + 1e-9)
    if recording.missing:
        values[generator.random(values.shape[:2]) < recording.missing] = 0


def _imprint(
    values: NDArray[np.float32], footprint: tuple[float, float, float], origin: Shape
) -> None:
    """Modulate amplitudes along lines, strongest at the top."""
    strength, inline_period, crossline_period = footprint
    lines = np.cos(2 * np.pi * (np.arange(values.shape[0]) + origin[0]) / inline_period)
    traces = np.cos(2 * np.pi * (np.arange(values.shape[1]) + origin[1]) / crossline_period)
    pattern = (strength * 0.5 * (lines[:, None] + traces[None])).astype(np.float32)
    fading = np.linspace(1, 0.2, values.shape[2], dtype=np.float32)
    values *= 1 + pattern[:, :, None] * fading
