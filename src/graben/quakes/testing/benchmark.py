"""The community's benchmark of point processes: its sets, and models scored on them."""

import time
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from graben.errors import CatalogError, InputError, ModelError
from graben.progress import track
from graben.quakes.catalog import Catalog, as_utc
from graben.quakes.incompleteness import short_term_incompleteness
from graben.quakes.models.etas_parameters import EtasParameters
from graben.quakes.models.point_process import EventScores, PointProcess
from graben.quakes.models.point_process_folder import load_process, process_class
from graben.quakes.polygon import Polygon
from graben.quakes.sequence import DAY, EventSequence, Windows, cut_catalog
from graben.quakes.testing.likelihood import Likelihood, gain_per_event, score_events

SHIPPED = files("graben.quakes.testing") / "benchmarks"
BASELINES = ("etas", "poisson")  # the first that was scored is what the others are compared with


class PublishedScore(BaseModel):
    """Mean log-likelihood per event of a published model: log(1/day) and log(1/km2)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    temporal: float
    spatial: float

    @property
    def total(self) -> float:
        """In time and space."""
        return self.temporal + self.spatial


class Benchmark(BaseModel):
    """What a benchmark file says: windows, completeness, rounding, and published scores.

    Attributes
    ----------
    name
        What it is called.
    auxiliary_start, training_start, validation_start, test_start, test_end
        Dates, UTC; see `graben.quakes.sequence.Windows`.
    completeness_magnitude
        Smaller events are left out.
    bin_width, round_magnitudes
        Width of the magnitude bins, and whether magnitudes are rounded to it before the cut.
    completeness_steps
        Dates, and from which magnitude on the catalogue is complete after each; before the first it
        is from `completeness_magnitude` on. Smaller events are not scored.
    short_term_incompleteness
        Whether completeness is raised after shocks of M >= 5 as well; see
        `graben.quakes.incompleteness`.
    catalog, polygon
        Files, where the benchmark names them; `read_benchmark` makes them relative to its own.
    published
        Scores of others by model.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    auxiliary_start: datetime | date | str
    training_start: datetime | date | str
    validation_start: datetime | date | str
    test_start: datetime | date | str
    test_end: datetime | date | str
    completeness_magnitude: float = Field(allow_inf_nan=False)
    bin_width: float = Field(default=0.1, gt=0, allow_inf_nan=False)
    round_magnitudes: bool = True
    completeness_steps: list[tuple[datetime | date | str, FiniteFloat]] = []
    short_term_incompleteness: bool = False
    catalog: Path | None = None
    polygon: Path | None = None
    published: dict[str, PublishedScore] = {}

    @cached_property
    def windows(self) -> Windows:
        """The five dates in order."""
        return Windows(
            str(self.auxiliary_start),
            str(self.training_start),
            str(self.validation_start),
            str(self.test_start),
            str(self.test_end),
        )

    @property
    def convention(self) -> str:
        """How magnitudes were treated, in words: scores of other conventions do not compare."""
        cut = "cut as they are"
        if self.round_magnitudes:
            cut = f"rounded to {self.bin_width:g}, then cut"
        varies = bool(self.completeness_steps) or self.short_term_incompleteness
        return f"magnitudes {cut}" + ", completeness varies in time" * varies

    def with_steps(self, sequence: EventSequence) -> EventSequence:
        """Return a sequence of this benchmark with its completeness in time."""
        start = self.windows.moments[0]
        steps = [
            ((as_utc(str(day)) - start) / DAY, level) for day, level in self.completeness_steps
        ]
        sequence = replace(sequence, completeness_steps=tuple(steps))
        return short_term_incompleteness(sequence) if self.short_term_incompleteness else sequence


def benchmark_names() -> list[str]:
    """Return the names of the sets that ship; their catalogues do not."""
    return sorted(entry.name.removesuffix(".toml") for entry in SHIPPED.iterdir())


def read_benchmark(name: str | Path) -> Benchmark:
    """Return a set that ships, or read a benchmark file (TOML).

    Parameters
    ----------
    name
        One of `benchmark_names`, or a path that ends in .toml.

    Raises
    ------
    InputError
        There is no such set or file; it lacks a key, has one too many or a wrong value.

    Examples
    --------
    >>> read_benchmark("SanJac_10").windows.test_start
    '2016-01-01'
    """
    path = Path(name)
    if path.suffix != ".toml":
        if str(name) not in benchmark_names():
            raise InputError(
                f"there is no benchmark {str(name)!r}; known are {', '.join(benchmark_names())}. "
                "Choose one of these, or give a .toml file."
            )
        path = Path(str(SHIPPED / f"{name}.toml"))
    try:
        found = Benchmark.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        found.windows  # noqa: B018 - dates that are none, or not in order, belong to this file
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            f"cannot read the benchmark {path} ({error}). Give a file in TOML."
        ) from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'][:2]))}: {fault['msg']}" for fault in error.errors()
        )
        raise InputError(
            f"expected a benchmark with the keys {', '.join(Benchmark.model_fields)} in {path}, "
            f"got {faults}. Correct these."
        ) from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    there = {
        key: path.parent / value
        for key, value in (("catalog", found.catalog), ("polygon", found.polygon))
        if value is not None
    }
    return found.model_copy(update=there)


@dataclass(frozen=True, eq=False)
class BenchmarkData:
    """A benchmark with its events.

    Attributes
    ----------
    benchmark
        Windows, completeness and published scores.
    catalog
        The whole catalogue.
    events
        Its rows that count, in the order of the sequence.
    sequence
        The same as point processes see them.
    """

    benchmark: Benchmark
    catalog: Catalog
    events: pd.DataFrame
    sequence: EventSequence

    @classmethod
    def of(
        cls,
        benchmark: Benchmark,
        catalog: Catalog,
        polygon: Polygon,
        source_magnitude: float | None = None,
    ) -> Self:
        """Cut the catalogue as the benchmark says.

        With `source_magnitude`, smaller events from there on are kept as sources for the models
        that take them; the events that are scored stay the same.

        Raises
        ------
        CatalogError
            No event is left, or none in the test window.
        InputError
            The steps of completeness are not in order, or go below the completeness magnitude;
            sources would begin above it.
        """
        lowest = benchmark.completeness_magnitude
        if source_magnitude is not None and not source_magnitude <= lowest:
            raise InputError(
                f"expected sources from below the completeness magnitude {lowest:g} on, got from "
                f"{source_magnitude:g}. Give a smaller --sources-from, or leave it out."
            )
        settings = (
            polygon,
            benchmark.windows,
            benchmark.completeness_magnitude,
            benchmark.bin_width,
            benchmark.round_magnitudes,
            source_magnitude,
        )
        sequence = benchmark.with_steps(EventSequence.from_catalog(catalog, *settings))
        if not sequence.targets(sequence.test).size:
            raise CatalogError(
                f"expected events from {benchmark.test_start} to {benchmark.test_end}, the test "
                f"window of {benchmark.name}, got none; the last of {len(sequence)} events is of "
                f"{catalog.table['time'].iloc[-1]:%Y-%m-%d}. Give a catalogue that reaches it."
            )
        return cls(benchmark, catalog, cut_catalog(catalog, *settings), sequence)

    @property
    def test_events(self) -> pd.DataFrame:
        """The catalogue's rows that are scored."""
        return self.events.iloc[self.sequence.targets(self.sequence.test)]

    @property
    def smaller_sources(self) -> int:
        """How many events are sources alone, for the models that take them."""
        return len(self.sequence) - len(self.sequence.complete())

    @property
    def repeated_coordinates(self) -> float:
        """Share of events at exactly the epicentre of another: spatial scores feed on them."""
        return float(self.events.duplicated(subset=["longitude", "latitude"], keep=False).mean())


@dataclass(frozen=True, eq=False)
class ScoredModel:
    """A model and what it said of the test window.

    Attributes
    ----------
    label
        The model's name, or that of its folder or file.
    kind
        The name of the point process.
    scores
        For each event of the test window.
    likelihood
        Their summary.
    cpu_seconds
        Processor time of fit and score together.
    """

    label: str
    kind: str
    scores: EventScores
    likelihood: Likelihood
    cpu_seconds: float


def score_models(data: BenchmarkData, models: Sequence[str]) -> list[ScoredModel]:
    """Fit (where it is a name) and score each model on the test window.

    Parameters
    ----------
    data
        The benchmark and its events.
    models
        Names of point processes, folders of fitted ones, or parameter files (.json) of the
        reference ETAS package.

    Raises
    ------
    CatalogError
        There are too few events to learn from.
    InputError
        Two models go by the same label.
    ModelError
        There is no such model; it is damaged; it learned from the test window or from events of
        another completeness magnitude; completeness varies in time and it cannot take that.
    """
    labels = [Path(model).stem if model.endswith(".json") else Path(model).name for model in models]
    if len(set(labels)) < len(labels):
        raise InputError(
            f"expected models with different names, got {', '.join(labels)}. Rename a folder or "
            "file, or give each model once."
        )
    given = [_given(model, data) for model in models]
    for process, model in zip(given, models, strict=True):
        (process or process_class(model)()).check_completeness(data.sequence)
    scored = []
    for label, process, model in track(
        list(zip(labels, given, models, strict=True)), "models", len(models)
    ):
        began = time.process_time()
        ready = process or process_class(model)()
        sequence = data.sequence if ready.takes_sources else data.sequence.complete()
        if process is None:
            ready.fit(sequence)
        scores = ready.score(sequence, sequence.test)
        spent = time.process_time() - began
        scored.append(ScoredModel(label, ready.name, scores, score_events(scores), spent))
    return scored


def _given(model: str, data: BenchmarkData) -> PointProcess | None:
    """Return a model that needs no fit; None for a name, which is checked."""
    benchmark = data.benchmark
    if model.endswith(".json"):
        from graben.quakes.models.etas import Etas  # compiles its kernels: only if asked for

        parameters = EtasParameters.from_reference(model)
        return Etas.with_parameters(parameters, data.sequence.polygon.area_km2)
    if not Path(model).is_dir():
        process_class(model)
        return None
    fitted = load_process(model)
    if as_utc(fitted.training_end) > as_utc(benchmark.windows.test_start):
        raise ModelError(
            f"expected a model that knows nothing from {benchmark.test_start} on, the test start "
            f"of {benchmark.name}; {model} learned until {fitted.training_end}. Fit it to earlier "
            "events, or give its name to fit it here."
        )
    if abs(fitted.completeness_magnitude - benchmark.completeness_magnitude) > 1e-9:
        raise ModelError(
            f"expected a model of events of M >= {benchmark.completeness_magnitude:g}, as in "
            f"{benchmark.name}; {model} was fitted to M >= {fitted.completeness_magnitude:g}. Fit "
            "it to the same magnitudes, or give its name to fit it here."
        )
    return fitted.process


def baseline_of(scored: Sequence[ScoredModel]) -> ScoredModel | None:
    """Return what the others are compared with: the first ETAS, else Poisson, if there is one."""
    for kind in BASELINES:
        for one in scored:
            if one.kind == kind:
                return one
    return None


def summarise(data: BenchmarkData, scored: Sequence[ScoredModel]) -> dict[str, Any]:
    """Return all figures of a benchmark by name, for JSON."""
    baseline = baseline_of(scored)
    models: dict[str, Any] = {}
    for one in scored:
        row = {**asdict(one.likelihood), "cpu_seconds": one.cpu_seconds}
        if baseline is not None and one is not baseline:
            row[f"gain_over_{baseline.label}"] = asdict(gain_per_event(one.scores, baseline.scores))
        models[one.label] = row
    published = data.benchmark.published.items()
    return {
        "benchmark": data.benchmark.name,
        "events": len(data.test_events),
        "events_before_test": data.sequence.targets(slice(0, data.sequence.test.start)).size,
        "windows": asdict(data.benchmark.windows),
        "completeness_magnitude": data.benchmark.completeness_magnitude,
        "convention": data.benchmark.convention,
        "smaller_sources": data.smaller_sources,
        "repeated_coordinates": data.repeated_coordinates,
        "models": models,
        "published": {name: {**dict(row), "total": row.total} for name, row in published},
    }
