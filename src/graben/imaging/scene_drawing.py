"""Scenes drawn at random: which layers, folds, faults and bodies, and how they are recorded."""

import numpy as np
from numpy.typing import NDArray

from graben.imaging import synthetic_kernels as k
from graben.imaging.scene import Layers, Preset, Recording, Reservoir, Scene
from graben.imaging.wavelets import draw_wavelet

MARGIN = 48.0  # samples beyond the domain into which slips may move
PACKAGE_DOMAINS = 4  # a package has layers for so many times the height of the domain
START_DOMAINS = 1.2
F = np.float32


def compose(generator: np.random.Generator, preset: Preset, size: tuple[int, int, int]) -> Scene:
    """Draw a scene; see `graben.imaging.synthetic.draw_scene`."""
    full = preset == "full"
    small = generator.random() < 0.5
    spacing = float(generator.integers(1, 4)) if small and not full else 1.0
    extent = np.array([size[0] * spacing, size[1] * spacing, size[2]])
    packages = int(generator.choice([1, 2, 3], p=[0.35, 0.5, 0.15])) if full else 1
    layers = _layers(generator, packages, extent, full)
    events = _events(generator, packages, extent, small, spacing)
    length = layers.reflectivity.shape[1]
    salts = _salt(generator, extent) if full and generator.random() < 0.4 else _rows([], 12)
    return Scene(
        size,
        spacing,
        events,
        layers,
        salts,
        _channels(generator, packages, extent, layers.start) if full else _rows([], 11),
        _chaos(generator),
        _reservoirs(generator, packages, extent, layers.start) if full else (),
        float(generator.uniform(0.4, 0.9)),
        _recording(generator, full, length),
        full,
    )


def _rows(rows: list[list[float]], columns: int) -> NDArray[np.float32]:
    return np.array(rows, F).reshape(-1, columns)


def _layers(
    generator: np.random.Generator, packages: int, extent: NDArray[np.float64], full: bool
) -> Layers:
    height = int(extent[2])
    length = PACKAGE_DOMAINS * height
    drawn = [_reflectivity(generator, length, full) for _ in range(packages)]
    # a package that was laid down on an eroded surface is less folded than what lies under it
    strain = [
        _fold(generator, extent, int(generator.integers(4, 16)), (1.1, 8.8))
        * (1.0 if p == packages - 1 else 0.4)
        for p in range(packages)
    ]
    if full:  # domes and basins that bent all packages, high enough to trap
        domes = _fold(generator, extent, int(generator.integers(1, 4)), (10.0, 30.0), 0.1, 0.25)
        strain = [one + domes for one in strain]
    slope = generator.uniform(0, 0.18, packages)
    towards = generator.uniform(0, 2 * np.pi, packages)
    return Layers(
        np.stack([values for values, _ in drawn]),
        np.stack([styles for _, styles in drawn]),
        np.stack(strain).astype(F),
        np.stack([slope * np.cos(towards), slope * np.sin(towards)], 1).astype(F),
        MARGIN,
        START_DOMAINS * height,
    )


def _reflectivity(
    generator: np.random.Generator, length: int, full: bool
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    values = generator.uniform(-1, 1, length)
    if generator.random() < 0.5:  # blocky layers
        values *= generator.random(length) < generator.uniform(0.25, 0.9)
    if generator.random() < 0.5:  # bundles of strong and weak layers
        bundle = np.convolve(generator.normal(size=length), np.ones(9) / 3, "same")
        values *= 0.4 + np.abs(bundle)
    styles = np.full(length, k.PARALLEL, np.uint8)
    if full:
        for start in _breaks(generator, length, 14, 60):
            style = generator.choice(
                [k.PARALLEL, k.TRANSPARENT, k.CHAOTIC, k.BRIGHT], p=[0.58, 0.15, 0.1, 0.17]
            )
            styles[start:] = style
        strength = np.array([1.0, 0.15, 0.8, 2.2])
        values *= strength[styles]
    return values.astype(F), styles


def _breaks(
    generator: np.random.Generator, length: int, thinnest: int, thickest: int
) -> NDArray[np.int64]:
    """Give where intervals between two thicknesses begin."""
    steps = generator.integers(thinnest, thickest, length // thinnest)
    starts = np.concatenate([[0], np.cumsum(steps)])
    return starts[starts < length]


def _fold(
    generator: np.random.Generator,
    extent: NDArray[np.float64],
    count: int,
    height: tuple[float, float],
    narrowest: float = 0.08,
    widest: float = 0.4,
) -> NDArray[np.float64]:
    """Sum Gaussian domes and basins; the strain is tabulated every two samples.

    Heights are samples at the bottom of the domain, widths shares of its side.
    """
    axes = [np.arange(-MARGIN, extent[axis] + MARGIN + 4, 2.0) for axis in (0, 1)]
    fold = np.zeros((axes[0].size, axes[1].size))
    reach = max(extent[0], extent[1])
    for _ in range(count):
        width = generator.uniform(narrowest, widest) * reach
        north, east = generator.uniform(0, extent[0]), generator.uniform(0, extent[1])
        rise = generator.uniform(-1, 1) * generator.uniform(*height) / extent[2]
        fold += rise * np.outer(
            np.exp(-((axes[0] - north) ** 2) / (2 * width**2)),
            np.exp(-((axes[1] - east) ** 2) / (2 * width**2)),
        )
    return fold


def _events(
    generator: np.random.Generator,
    packages: int,
    extent: NDArray[np.float64],
    small: bool,
    spacing: float,
) -> NDArray[np.float32]:
    """Draw faults, and between them the erosion that ends each package; youngest first."""
    count = int(generator.integers(6, 18) if small else generator.integers(3, 9))
    least, most = (2.0, 9.0) if small else (4.0, 25.0)
    strike, dip = generator.uniform(0, 2 * np.pi), generator.uniform(48, 78)
    arrangement = generator.choice(["random", "horst and graben", "relay"], p=[0.55, 0.25, 0.2])
    rows = []
    for number in range(count):
        one = generator.uniform(0, 2 * np.pi), generator.uniform(45, 85)
        if arrangement != "random":
            opposite = np.pi * (arrangement == "horst and graben") * (number % 2)
            one = strike + opposite + generator.normal(0, 0.12), dip + generator.normal(0, 4)
        slip = generator.uniform(least, most) * (1 if generator.random() < 0.8 else -1)
        rows.append(_fault(generator, extent, spacing, one, slip))
    order = generator.permutation(len(rows))
    found = [rows[place] for place in order]
    # the faults that are older than an unconformity end at it
    for package in range(packages - 1):
        after = int(generator.integers(0, len(found) + 1))
        level = (package + generator.uniform(0.6, 1.1)) / packages * extent[2] * 0.75
        found.insert(after, _unconformity(generator, extent, level, package))
    levels = sorted(
        (row for row in found if row[k.KIND] == k.UNCONFORMITY), key=lambda row: row[k.DEPTH]
    )
    younger = iter([[*row[:8], float(package), *row[9:]] for package, row in enumerate(levels)])
    return _rows(
        [next(younger) if row[k.KIND] == k.UNCONFORMITY else row for row in found],
        k.EVENT_COLUMNS,
    )


def _fault(
    generator: np.random.Generator,
    extent: NDArray[np.float64],
    spacing: float,
    orientation: tuple[float, float],
    slip: float,
) -> list[float]:
    towards, dip = orientation[0], np.deg2rad(np.clip(orientation[1], 40, 88))
    north, east, depth = generator.uniform(0, 1, 3) * extent
    slope = 1 / np.tan(dip)
    curve, reach = 0.0, 1.0
    if generator.random() < 0.15:  # listric: from steep above to 25 to 40 degrees below
        reach = generator.uniform(0.3, 0.6) * extent[2]
        flat = 1 / np.tan(np.deg2rad(generator.uniform(25, 40)))
        curve = max(flat - slope, 0.0) / reach
    rake = generator.uniform(-1, 1) if generator.random() < 0.25 else 0.0
    radius = generator.uniform(0.35, 1.2) * extent[2] * (1 if spacing == 1 else 0.7 * spacing)
    linear = float(generator.random() < 0.4)
    decay = 1 / (2 * radius) if linear else 1 / (2 * radius**2)
    return [
        k.FAULT, east, north, depth, np.cos(towards), np.sin(towards), slope, curve, reach, slip,
        np.cos(rake), np.sin(rake), linear, decay,
    ]  # fmt: skip


def _unconformity(
    generator: np.random.Generator, extent: NDArray[np.float64], level: float, package: int
) -> list[float]:
    tilt, towards = generator.uniform(0, 0.12), generator.uniform(0, 2 * np.pi)
    dip_x, dip_y = tilt * np.cos(towards), tilt * np.sin(towards)
    centred = level - dip_x * extent[1] / 2 - dip_y * extent[0] / 2
    wave, along = generator.uniform(0.3, 1.5), generator.uniform(0, 2 * np.pi)
    row = [
        k.UNCONFORMITY, centred, dip_x, dip_y, generator.uniform(0, 0.05) * extent[2],
        wave * np.cos(along) / extent[1], wave * np.sin(along) / extent[0], generator.random(),
        float(package),
    ]  # fmt: skip
    return row + [0.0] * (k.EVENT_COLUMNS - len(row))


def _salt(generator: np.random.Generator, extent: NDArray[np.float64]) -> NDArray[np.float32]:
    radius = generator.uniform(0.08, 0.24) * min(extent[0], extent[1])
    top = generator.uniform(0.2, 0.7) * extent[2]
    return _rows(
        [[
            generator.uniform(0, extent[1]), generator.uniform(0, extent[0]), top, radius,
            generator.uniform(0.1, 0.5) * extent[2], generator.uniform(0, 0.8),
            top + generator.uniform(0.1, 0.5) * extent[2],
            generator.uniform(0.1, 0.3) * extent[2], generator.uniform(-0.15, 0.15),
            generator.uniform(-0.3, 0.3), generator.uniform(0.03, 0.2) * extent[2],
            generator.uniform(0.08, 0.25) * min(extent[0], extent[1]),
        ]],
        12,
    )  # fmt: skip


def _channels(
    generator: np.random.Generator, packages: int, extent: NDArray[np.float64], start: float
) -> NDArray[np.float32]:
    rows = []
    for _ in range(int(generator.integers(0, 5))):
        towards = generator.uniform(0, 2 * np.pi)
        a, b = np.cos(towards), np.sin(towards)
        middle = generator.uniform(0, extent[1]), generator.uniform(0, extent[0])
        swing = generator.uniform(0, 0.15) * extent[1]
        rows.append([
            float(generator.integers(packages)), start + generator.uniform(0, 1) * extent[2],
            a, b, a * middle[1] - b * middle[0], swing, generator.uniform(0.5, 3) / extent[1],
            generator.random(),
            generator.uniform(0.03, 0.12) * extent[1], generator.uniform(4, 14),
            generator.choice([-1, 1]) * generator.uniform(0.3, 1.0),
        ])  # fmt: skip
    return _rows(rows, 11)


def _chaos(generator: np.random.Generator) -> NDArray[np.float32]:
    rows = []
    for _ in range(4):
        number = generator.uniform(1 / 20, 1 / 6, 3) * generator.choice([-1, 1], 3)
        rows.append([generator.uniform(0.4, 1.2), *number, generator.random()])
    return _rows(rows, 5)


def _reservoirs(
    generator: np.random.Generator, packages: int, extent: NDArray[np.float64], start: float
) -> tuple[Reservoir, ...]:
    return tuple(
        Reservoir(
            int(generator.integers(packages)),
            start + generator.uniform(0.05, 0.95) * extent[2],
            generator.uniform(5, 14),
            generator.uniform(0.5, 1.0),
            -generator.uniform(1.5, 5.0),  # half of it reflects; layers reflect 0.6 (rms)
            bool(generator.random() < 0.7),
        )
        for _ in range(int(generator.integers(1, 4)))
    )


def _recording(generator: np.random.Generator, full: bool, length: int) -> Recording:
    coloured = generator.random() < 0.7
    return Recording(
        wavelet=draw_wavelet(generator),
        noise=float(generator.uniform(0.03, 0.5)),
        noise_in_band=bool(generator.random() < 0.3),
        noise_lateral=float(generator.uniform(0, 1 / 3)) if coloured else 0.0,
        noise_vertical=float(generator.uniform(0, 0.3)) if coloured else 0.0,
        resolution=float(generator.uniform(0.05, 0.15)) if generator.random() < 0.5 else 0.0,
        gain=float(0.4 * generator.normal()),
        footprint=(
            float(generator.uniform(0.05, 0.3)) if generator.random() < 0.2 else 0.0,
            float(generator.integers(3, 12)),
            float(generator.integers(3, 12)),
        ),
        missing=float(generator.uniform(0.002, 0.03)) if full and generator.random() < 0.2 else 0.0,
        seed=int(generator.integers(2**63)),
    )
