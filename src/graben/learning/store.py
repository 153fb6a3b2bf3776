"""Models on disk: a folder with weights, a description and a readable card; no pickle."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

import graben
from graben.errors import ModelError
from graben.output import plain, written_folder

if TYPE_CHECKING:
    from torch import nn

_FORMAT = 1
_KEYS = {"format", "graben", "weights_sha256", "description"}
_SEAL = b"sha256: "
_CARD = {
    "what": "What it gives",
    "training_data": "Training data",
    "training_end": "End of the training data",
    "metrics": "Measured skill",
    "calibration": "Calibration",
    "licence": "Licence",
    "cost": "Cost",
    "seed": "Seed",
}


@dataclass(frozen=True)
class Stored:
    """A model folder that was read and found undamaged.

    Attributes
    ----------
    tensors
        Arrays by name; those of a net are called ``net.parameter``.
    description
        As given to `save_model`.
    """

    tensors: dict[str, np.ndarray]
    description: dict[str, Any]

    def state(self, net: str) -> dict[str, np.ndarray]:
        """Give the arrays of one net, without its name in front."""
        prefix = f"{net}."
        return {
            name.removeprefix(prefix): values
            for name, values in self.tensors.items()
            if name.startswith(prefix)
        }


def save_model(
    folder: str | Path,
    nets: Mapping[str, "nn.Module"] | Mapping[str, np.ndarray],
    description: Mapping[str, Any],
) -> None:
    """Write a model folder: weights.safetensors, model.json and CARD.md.

    Parameters
    ----------
    folder
        New, empty or an earlier model.
    nets
        Nets, or arrays, by name.
    description
        What can be said in JSON (numpy numbers and arrays too; NaN becomes null). The card puts
        forward "what", "training_data", "training_end", "metrics", "calibration", "licence",
        "cost" and "seed", and says where one of them is missing. A metric is best given as
        ``{"value": .., "low": .., "high": .., "baseline": ..}``.

    Raises
    ------
    InputError
        The description holds something that JSON cannot; the folder holds other files.
    OutputError
        Writing failed; what stood there is unchanged.
    """
    weights = save(_tensors(nets))
    facts = {
        "format": _FORMAT,
        "graben": graben.__version__,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "description": plain(description),
    }
    model = (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode()
    card = _card(facts["description"]).encode()
    with written_folder(folder) as temporary:
        (temporary / "weights.safetensors").write_bytes(weights)
        (temporary / "model.json").write_bytes(model)
        (temporary / "CARD.md").write_bytes(card + _seal(card, model))


def load_model(folder: str | Path) -> Stored:
    """Read a model folder and check every byte of it.

    Parameters
    ----------
    folder
        Made by `save_model`.

    Raises
    ------
    ModelError
        A file is missing or was changed, or another version of graben made the folder.
    """
    folder = Path(folder)
    remedy = "Train the model again, or copy the folder anew from where it came."
    try:
        weights, model, card = (
            (folder / name).read_bytes()
            for name in ("weights.safetensors", "model.json", "CARD.md")
        )
    except OSError as error:
        raise ModelError(
            f"expected weights.safetensors, model.json and CARD.md in {folder}: "
            f"{error.strerror}: {error.filename}. {remedy}"
        ) from error
    # the card seals model.json and itself; model.json seals the weights
    start = card.rfind(_SEAL)
    if start < 0 or card[start:] != _seal(card[:start], model):
        raise ModelError(f"CARD.md or model.json in {folder} is damaged or was edited. {remedy}")
    facts = json.loads(model)
    if facts.get("format") != _FORMAT or set(facts) != _KEYS:
        raise ModelError(
            f"expected a model folder of format {_FORMAT} with {sorted(_KEYS)} in {folder}, got "
            f"format {facts.get('format')} with {sorted(facts)}. Use the graben that made it "
            f"({facts.get('graben')}), or train the model again."
        )
    if hashlib.sha256(weights).hexdigest() != facts["weights_sha256"]:
        raise ModelError(f"weights.safetensors in {folder} is damaged. {remedy}")
    try:
        return Stored(load(weights), facts["description"])
    except SafetensorError as error:
        raise ModelError(f"cannot read the weights in {folder}: {error}. {remedy}") from error


def _tensors(nets: Mapping[str, "nn.Module"] | Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    tensors = {}
    for name, net in nets.items():
        if not isinstance(net, np.ndarray):
            for key, value in net.state_dict().items():
                tensors[f"{name}.{key}"] = np.ascontiguousarray(value.numpy())
        else:
            tensors[name] = np.ascontiguousarray(net)
    return tensors


def _seal(card: bytes, model: bytes) -> bytes:
    return _SEAL + hashlib.sha256(card + model).hexdigest().encode() + b"\n"


def _card(description: dict[str, Any]) -> str:
    parts = [f"# {description.get('model', 'A model made by graben')}\n"]
    for key, title in _CARD.items():
        parts.append(f"## {title}\n\n{_paragraph(description.get(key, 'Not stated.'))}\n")
    parts.append(
        f"Made by graben {graben.__version__}. All else that is known stands in model.json; "
        "the line below seals it and this card.\n"
    )
    return "\n".join(parts) + "\n"


def _paragraph(value: Any) -> str:
    if isinstance(value, dict) and value and all(isinstance(v, dict) for v in value.values()):
        columns = list(dict.fromkeys(column for row in value.values() for column in row))
        rows = [["", *columns], ["---"] * (len(columns) + 1)]
        rows += [[key, *(_cell(row.get(c)) for c in columns)] for key, row in value.items()]
        return "\n".join("| " + " | ".join(row) + " |" for row in rows)
    if isinstance(value, dict):
        return "\n".join(f"- {key}: {_cell(item)}" for key, item in value.items())
    return _cell(value)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
