"""A trained model's evidence in words, tables and pictures."""

from collections.abc import Mapping
from typing import Any

from graben.datasets import about
from graben.quakes.forecast_figures import (
    hindsight_figure,
    importance_figure,
    learning_figure,
    molchan_figure,
    reliability_figure,
    skill_figure,
)
from graben.quakes.models.folder import Trained
from graben.quakes.models.simulated_rates import HybridEtasRates, SimulatedRates
from graben.quakes.region import Region
from graben.report import Picture, Section, Table, Text

SHOWN_SHOCKS = 24
RATE_SCORES = {
    "information_gain_nats_per_event": "gain over the land and sea map",
    "gain_over_baseline_nats_per_event": "gain over the baseline",
    "expected_over_observed": "expected / observed",
}
PLACE_SCORES = {
    "information_gain_mnat_per_sample": "gain, mnat per sample",
    "auc": "AUC",
    "average_precision": "average precision",
    "brier_skill": "Brier skill",
    "molchan_area": "Molchan area",
    "expected_over_observed": "expected / observed",
}
ALARM_SCORES = {
    "log_loss": "cross-entropy, nats",
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
}


def honest_sentence(trained: Trained, region: Region, mean_probability: float) -> str:
    """Return what this forecast is and is not, with the model's own measured numbers."""
    quantity, evidence, name = trained.quantity, trained.evidence, trained.model.name
    parts = [
        "This is a probability map, not a prediction. It gives the chance of at least one "
        f"M>={quantity.min_magnitude:.1f} earthquake within {quantity.radius_km:g} km in the "
        f"{quantity.horizon_days} days after the issue date (average over the region "
        f"{mean_probability:.1%})."
    ]
    rates = evidence.get("rates", {}).get(trained.region_name, {})
    if name in rates:
        gain = "gain_over_baseline_nats_per_event"
        total = rates[name]["information_gain_nats_per_event"]["value"]
        past = rates["stationary"][gain]["value"]
        parts.append(
            f"On {trained.training_end[:4]}-{trained.periods.test_end[:4]}, never used in "
            f"training, the model scores {total:.2f} nats per earthquake above a map of land and "
            f"sea: {past:.2f} come from where earthquakes happened before"
        )
        if "omori" in rates and name != "stationary":
            parts[-1] += f", {_with_interval(rates['omori'][gain])} from the decay of recent ones"
        if name == "grid-cnn":
            parts[-1] += f", and {_with_interval(rates[name][gain])} from the neural network"
        parts[-1] += "."
    landforms = evidence.get("landforms", {})
    if landforms:
        sure = landforms["low"] > 0
        parts.append(
            f"Landforms add {_with_interval(landforms)} nats per earthquake, "
            + ("by retraining without them." if sure else "which is not established.")
        )
    shock = _largest_unseen(evidence.get("hindsight", []), region)
    if shock:
        home = "tile" if trained.region_name == "tile" else "training region"
        parts.append(
            "Large shocks that begin a sequence were not foreseen: the place of the "
            f"M{shock['magnitude']:.1f} of {shock['time'][:10]} stood at "
            f"{shock['probability']:.1%}, and {shock['share_higher']:.0%} of the {home} stood "
            "higher."
        )
    return " ".join(parts)


def _largest_unseen(shocks: list[dict[str, Any]], region: Region) -> dict[str, Any] | None:
    """Return the largest shock after training, in the region if there is one, else anywhere."""
    unseen = [shock for shock in shocks if not shock["hindsight"]]
    here = [s for s in unseen if region.contains(s["longitude"], s["latitude"])]
    return max(here or unseen, key=lambda shock: shock["magnitude"], default=None)


def _with_interval(entry: Mapping[str, float]) -> str:
    return f"{entry['value']:.2f} [{entry['low']:.2f}, {entry['high']:.2f}]"


def evidence_sections(trained: Trained) -> list[Section]:
    """Return the sections that say how good the model was, how it learned, and what it lacks."""
    evidence = trained.evidence
    candidates = [
        ("Skill on years it never saw", _skill(trained) + _event_scores(trained)),
        ("Calibration and alarms", _calibration(evidence)),
        ("How the learning went", _learning(evidence)),
        ("Which channels matter", _channels(evidence)),
        ("Stability", _stability(evidence)),
        ("Before large shocks", _hindsight(trained)),
        ("Data and their traps", _data(trained)),
        ("What the model cannot know", _limits(trained)),
    ]
    return [Section(title, tuple(blocks)) for title, blocks in candidates if blocks]


def _skill(trained: Trained) -> list[Any]:
    evidence = trained.evidence
    period = f"{trained.training_end} to {trained.periods.test_end}"
    blocks: list[Any] = []
    for part, note in (("rates", ""), ("rates_without_2023", ", without 2023")):
        for region, models in evidence.get(part, {}).items():
            blocks.append(_rate_table(f"{region}{note}", period, models))
    main = evidence.get("rates", {}).get(trained.region_name, {})
    rows = [
        {"model": name, **_interval(models["gain_over_baseline_nats_per_event"])}
        for name, models in main.items()
        if models["gain_over_baseline_nats_per_event"]["baseline_model"] == "omori"
        and name != "omori"
    ]
    if rows:
        picture = skill_figure(rows, "nats per event", "omori")
        blocks.insert(
            0,
            Picture(
                picture,
                "; ".join(f"{row['model']}: {_with_interval(row)}" for row in rows),
                "Gain over the Omori model with 95 % intervals.",
                "skill",
            ),
        )
    for region, models in evidence.get("points", {}).items():
        blocks.append(_score_table(f"Probabilities at places, {region}, {period}", models))
        alarms = f"The same with alarms at a probability of 10 %, {region}"
        blocks.append(_score_table(alarms, models, ALARM_SCORES))
    blocks += _samples(evidence.get("samples", {}))
    return blocks


def _interval(entry: Mapping[str, Any]) -> dict[str, float]:
    return {key: entry[key] for key in ("value", "low", "high")}


def _rate_table(region: str, period: str, models: Mapping[str, Any]) -> Table:
    rows = [
        (
            name,
            scores["gain_over_baseline_nats_per_event"]["baseline_model"],
            *(_with_interval(scores[score]) for score in RATE_SCORES),
            scores["events"],
        )
        for name, scores in models.items()
    ]
    return Table(
        f"Rates, {region}, {period}, nats per earthquake",
        ("model", "baseline", *RATE_SCORES.values(), "earthquakes"),
        tuple(rows),
        "95 % intervals from half-year blocks. A nat per earthquake means a rate 2.7 times higher "
        "where and when earthquakes came.",
    )


def _score_table(
    caption: str, models: Mapping[str, Any], scores: Mapping[str, str] = PLACE_SCORES
) -> Table:
    rows = [
        (
            name,
            *(_beside_baseline(of[score]) for score in scores),
        )
        for name, of in models.items()
    ]
    losing = [
        name
        for name, of in models.items()
        if of.get("information_gain_mnat_per_sample", {}).get("high", 1) < 0
    ]
    note = "The gain is over the constant base rate of this region in these years."
    if losing:
        note += f" No skill in the region, worse than a constant: {', '.join(losing)}."
    return Table(caption, ("model", *scores.values()), tuple(rows), note)


def _beside_baseline(entry: Mapping[str, Any]) -> str:
    value, baseline = (
        "none" if entry[key] is None else f"{entry[key]:.4g}" for key in ("value", "baseline")
    )
    return f"{value} (baseline {baseline})"


def _samples(samples: Mapping[str, Any]) -> list[Any]:
    if not samples:
        return []
    rows = [
        (
            name,
            _with_interval(scores["information_gain_mnat_per_sample"]),
            _with_interval(scores["share_of_omori_gain"]),
            _with_interval(scores["gain_over_omori_mnat_per_sample"]),
            f"{scores['auc']['value']:.3f} (omori {scores['auc']['baseline']:.3f})",
        )
        for name, scores in samples["scores"].items()
    ]
    table = Table(
        f"All models on the same {samples['samples']} weighted samples of places and times",
        ("model", "gain, mnat per sample", "share of omori's gain", "over omori, mnat", "AUC"),
        tuple(rows),
        "Rows marked classic are trained as the textbook says: weights within 0.01, plain "
        "gradient descent, 1,000 steps.",
    )
    worse = [
        name
        for name, scores in samples["scores"].items()
        if scores["gain_over_omori_mnat_per_sample"]["high"] < 0
    ]
    text = f"Worse than the Omori model beyond chance: {', '.join(worse) or 'none'}."
    return [table, Text((text,))]


def _calibration(evidence: Mapping[str, Any]) -> list[Any]:
    blocks: list[Any] = []
    if "reliability" in evidence:
        blocks.append(
            Picture(
                reliability_figure(evidence["reliability"]),
                "Observed frequency against forecast probability, close to the diagonal.",
                "How often it happened where the forecast gave each probability.",
                "reliability",
            )
        )
        blocks.append(
            Picture(
                molchan_figure(evidence["molchan"]),
                "Share of misses against share of area and time under alarm, by model.",
                "Alarms where the probability is highest: what they would have missed.",
                "molchan",
            )
        )
    for region, rows in evidence.get("alarms", {}).items():
        table = tuple(
            (f"{r['area_share']:.0%}", f"{r['probability']:.2%}", f"{r['caught']:.0%}")
            for r in rows
        )
        columns = ("area and time under alarm", "probability from", "struck area and time caught")
        blocks.append(Table(f"Alarms, {region}", columns, table))
    return blocks


def _learning(evidence: Mapping[str, Any]) -> list[Any]:
    histories = {
        **evidence.get("histories", {}),
        **evidence.get("samples", {}).get("histories", {}),
    }
    if not histories:
        return []
    own = evidence.get("histories", {})
    rows = tuple(
        (name, len(of["train_loss"]), of["best_epoch"], of["steps"], of["seconds"])
        for name, of in histories.items()
    )
    blocks: list[Any] = [
        Table("Trainings", ("net", "epochs", "best epoch", "steps", "seconds"), rows)
    ]
    if own:
        picture = learning_figure(own)
        words = f"Training and validation curves of {len(own)} trainings; the best epoch is kept."
        blocks.insert(0, Picture(picture, words, words, "learning"))
    return blocks


def _channels(evidence: Mapping[str, Any]) -> list[Any]:
    found = evidence.get("explanation")
    if not found:
        return []
    rows = [
        {
            "channel": name,
            "value": of["value"],
            "low": of["value"] - 2 * of["sd"],
            "high": of["value"] + 2 * of["sd"],
        }
        for name, of in found["permutation"].items()
    ]
    table = tuple(
        (name, of["value"], found["attribution"][name], found["occlusion"][name])
        for name, of in found["permutation"].items()
    )
    columns = ("channel", "loss when shuffled, nats", "integrated gradients", "occlusion")
    tree = found["surrogate"]
    return [
        Picture(
            importance_figure(rows, "nats per event"),
            "Gain lost when each channel is shuffled, on validation data.",
            "Shuffling breaks what belongs together, so it overstates a channel; retraining "
            "without it is the fair measure.",
            "channels",
        ),
        Table(
            "Channels of the network, validation data",
            columns,
            table,
            "Attributions of a net with weights drawn anew correlate with these by "
            f"{found['randomisation_correlation']:.2f}; near 0 they explain the net, not the map.",
        ),
        Text(
            (
                "A tree of three questions imitates the network with a fidelity (R2) of "
                f"{tree['fidelity']:.2f} on cells that it was not grown on; below about 0.5 it is "
                "a sketch, not an explanation:",
                *tree["rules"].splitlines(),
            )
        ),
    ]


def _stability(evidence: Mapping[str, Any]) -> list[Any]:
    found = evidence.get("stability")
    if not found:
        return []
    rows = [
        (name, of["mean"], of["sd"], of["low"], of["high"], of["count"])
        for name, of in (
            ("single nets (seeds and kernel sizes)", found["over_seeds"]),
            ("the ensemble, year by year", found["over_years"]),
        )
    ]
    return [
        Table(
            f"Spread of the gain, {found['unit']}",
            ("over", "mean", "sd", "lowest", "highest", "count"),
            tuple(rows),
        )
    ]


def _hindsight(trained: Trained) -> list[Any]:
    shocks = trained.evidence.get("hindsight", [])
    if not shocks:
        return []
    latest = shocks[-SHOWN_SHOCKS:]
    table = tuple(
        (
            shock["label"],
            f"{shock['latitude']:.1f} {shock['longitude']:.1f}",
            f"{shock['probability']:.2%}",
            f"{shock['share_higher']:.1%}",
            "hindsight" if shock["hindsight"] else "unseen",
        )
        for shock in shocks[::-1]
    )
    return [
        Picture(
            hindsight_figure(latest),
            f"Probability one second before each of the last {len(latest)} large shocks.",
            "What stood at the place one second before; shocks that follow others stand high, "
            "those that begin a sequence do not.",
            "hindsight",
        ),
        Table(
            "The probability that stood at the place just before each large shock",
            ("shock", "lat lon", "probability", "share of region higher", "training"),
            table,
            "Hindsight: the shock lies before the end of training and validation.",
        ),
    ]


def _data(trained: Trained) -> list[Any]:
    texts = [f"Trained on: {trained.catalog['source']}, to {trained.catalog['end'][:10]}."]
    rows: list[tuple[object, ...]] = []
    if trained.region_name == "tile":
        for name in ("usgs-tile-m4", "globe-tile", "globe-anatolia", "natural-earth-land"):
            entry = about(name)
            rows += [(name, trap) for trap in entry.traps]
    blocks: list[Any] = [Text(tuple(texts))]
    if rows:
        blocks.append(Table("Traps of the data", ("data set", "trap"), tuple(rows)))
    return blocks


def _event_scores(trained: Trained) -> list[Any]:
    """Return how a point process scored event by event, and what its gates look at."""
    evidence = trained.evidence
    blocks: list[Any] = []
    gains = {
        name.removeprefix("gain_over_"): entry
        for name, entry in evidence.get("event_scores", {}).items()
        if name.startswith("gain_over_")
    }
    if gains:
        rows = [
            (name, f"{entry['baseline']:.3f}", _with_interval(entry))
            for name, entry in gains.items()
        ]
        blocks.append(
            Table(
                f"Event by event, {trained.training_end} to {trained.periods.test_end}, all of "
                f"{trained.region}, M >= {trained.source_magnitude:g}: nats per event",
                ("baseline", "its log-likelihood", "gain over it, 95 %"),
                tuple(rows),
                "Each event is scored given all before it, down to the minutes before: a forecast "
                "issued days ahead scores less. `graben quakes train --model hybrid-etas` scores "
                "maps of a whole window beside the other models.",
            )
        )
    losses = evidence.get("gate_importance", {}).get("permutation", {})
    if losses:
        first = sorted(losses.items(), key=lambda item: -item[1]["value"])[:8]
        blocks.append(
            Table(
                "What the gates look at: loss on validation data when a feature is shuffled",
                ("feature", "nats per event"),
                tuple((name, f"{loss['value']:.4f}") for name, loss in first),
            )
        )
    return blocks


def _limits(trained: Trained) -> list[Any]:
    box: Region = trained.region
    revised = (
        "The catalogue is the revised one, not what was known at the time: the scores are "
        "pseudo-prospective."
    )
    if isinstance(trained.model, SimulatedRates):
        return [Text((revised, *_limits_of_simulations(trained, trained.model)))]
    return [
        Text(
            (
                revised,
                "Earthquakes inside the window trigger others; this model does not simulate that, "
                "so the hottest places right after a large shock are under-forecast.",
                "The intervals on the map say how well training determines the probability "
                "(ensemble members, resampled training years). They do not cover what no model "
                "here knows: stress, slow slip, faults that have not moved since 1973.",
                f"The model learned from {box} until {trained.training_end}; elsewhere, and for "
                "other magnitudes or horizons, nothing has been shown.",
                "The intervals of the scores come from half-year blocks of one test decade. They "
                "do not cover the choice among designs, of which about twenty had been tried on "
                "these test years before this one was settled on validation data.",
            )
        )
    ]


def _limits_of_simulations(trained: Trained, model: SimulatedRates) -> list[str]:
    limits = [
        "The model simulates how earthquakes trigger others. The first large shock of a sequence "
        "is not foreseen."
    ]
    if isinstance(model, HybridEtasRates):
        limits.append(
            "Gates are held at what they were at the issue time, and simulated events trigger "
            "without them."
        )
    if not model.calibrations_:
        limits.append(
            "The probability is not calibrated on past windows of this horizon: it is what the "
            "simulations say."
        )
    learned = f"The model learned from {trained.region} until {trained.training_end}"
    return [*limits, f"{learned}; elsewhere nothing has been shown."]
