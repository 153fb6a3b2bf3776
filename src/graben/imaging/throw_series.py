"""What a fault net says of one and the same fault while its throw is taken away."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from graben.errors import InputError
from graben.imaging.scene import Scene
from graben.imaging.synthetic import Shape, draw_scene, render_scene
from graben.imaging.synthetic_kernels import CX, CY, CZ, FAULT, KIND, SLIP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graben.imaging.models.faults import FaultNet

FACTORS = (1.0, 0.75, 0.5, 0.25, 0.0)
LEAST_SLIP = 4.0  # samples: of a fault that a series begins with
LEAST_SHARE = 0.003  # of the window that its label must fill
TRIES = 1000


@dataclass(frozen=True, eq=False)
class FaultWindow:
    """A scene in which one fault alone slips, and a window around the fault.

    Attributes
    ----------
    scene
        All other faults are there without slip.
    fault
        Which fault of the scene, youngest first.
    shape, origin
        (inline, crossline, sample) of the window, and where it begins in the domain.
    """

    scene: Scene
    fault: int
    shape: Shape
    origin: Shape


@dataclass(frozen=True, eq=False)
class ThrowSeries:
    """A fault with less and less slip.

    Attributes
    ----------
    factors
        What the slip is multiplied by.
    throw
        Mean throw within the label of the fault with its whole slip, samples, times each factor.
    probability
        Mean probability within the same label, one a factor.
    amplitudes, maps
        (factor, trace, sample): the section through the middle of the window, and the
        probabilities on it.
    """

    factors: tuple[float, ...]
    throw: "NDArray[np.float64]"
    probability: "NDArray[np.float64]"
    amplitudes: "NDArray[np.float32]"
    maps: "NDArray[np.float32]"

    def falls(self, tolerance: float = 0.0) -> bool:
        """Tell whether no step with less slip raises the probability by more than `tolerance`.

        Examples
        --------
        >>> none = np.zeros((3, 1, 1), np.float32)
        >>> series = ThrowSeries((1, 0.5, 0), np.arange(3), np.array([0.9, 0.3, 0.305]), none, none)
        >>> series.falls(), series.falls(0.01)
        (False, True)
        """
        return bool((np.diff(self.probability) <= tolerance).all())


def lone_fault(scene: Scene, fault: int) -> Scene:
    """Return the scene without the slip of all faults but one."""
    for other in range(scene.faults):
        if other != fault:
            scene = scene.with_slip(0.0, other)
    return scene


def draw_fault_window(generator: np.random.Generator, shape: Shape) -> FaultWindow:
    """Draw scenes until one has a fault in view that slips four samples or more.

    Parameters
    ----------
    generator
        Source of all that is drawn: the same state gives the same fault.
    shape
        (inline, crossline, sample) of the window, 128 at most; a line has one inline or crossline.

    Raises
    ------
    InputError
        The window is so small that no fault came into view in a thousand scenes.
    """
    for _ in range(TRIES):
        scene = draw_scene(generator)
        rows = scene.events[scene.events[:, KIND] == FAULT]
        fault = int(generator.integers(len(rows)))
        if abs(rows[fault, SLIP]) < LEAST_SLIP:
            continue
        middle = rows[fault, [CY, CX, CZ]] / [scene.spacing, scene.spacing, 1.0]
        begin = [
            int(np.clip(at - side / 2, 0, size - side))
            for at, side, size in zip(middle, shape, scene.size, strict=True)
        ]
        origin = begin[0], begin[1], begin[2]
        scene = lone_fault(scene, fault)
        if render_scene(scene, shape, origin).fault.mean() >= LEAST_SHARE:
            return FaultWindow(scene, fault, shape, origin)
    raise InputError(
        f"expected a window in which faults come into view, got {shape} samples. Enlarge it."
    )


def take_throw_away(
    model: "FaultNet", window: FaultWindow, factors: tuple[float, ...] = FACTORS
) -> ThrowSeries:
    """Render a fault with less and less slip, and ask a net for it each time.

    Layers, wavelet and noise stay; so does where the net is asked: in the label of the fault with
    its whole slip.

    Parameters
    ----------
    model
        Of any preset.
    window
        From `draw_fault_window`.
    factors
        What the slip is multiplied by, from the largest to the smallest.
    """
    shape, origin = window.shape, window.origin
    whole = render_scene(window.scene, shape, origin)
    label = whole.fault
    throw = float(np.abs(whole.throw[label]).mean())
    section = np.s_[:, 0] if shape[1] == 1 else np.s_[shape[0] // 2]
    probabilities, images, maps = [], [], []
    for factor in factors:
        seen = render_scene(window.scene.with_slip(factor, window.fault), shape, origin)
        probability = model.predict(seen.amplitude).probability
        probabilities.append(float(probability[label].mean()))
        images.append(seen.amplitude[section])
        maps.append(probability[section])
    return ThrowSeries(
        factors,
        throw * np.array(factors),
        np.array(probabilities),
        np.stack(images),
        np.stack(maps),
    )
