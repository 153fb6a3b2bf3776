"""Model folders: they come back as they went, and any flipped byte is noticed."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from graben.errors import InputError, ModelError
from graben.learning import load_model, save_model
from graben.learning.nets import ConvNet, ConvNetConfig, Convolution
from graben.learning.store import _seal

DESCRIPTION = {
    "model": "tiny",
    "what": "Probability of nothing",
    "training_end": "2010-01-01",
    "metrics": {"log_loss": {"value": np.float64(0.5), "low": 0.4, "high": np.nan}},
    "weights": np.arange(3),
    "seed": 4,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    net = ConvNet(ConvNetConfig(2, (Convolution(3),)))
    save_model(tmp_path / "model", {"a": net, "b": net}, DESCRIPTION)
    return tmp_path / "model"


def test_nets_and_description_come_back(tmp_path: Path) -> None:
    net = ConvNet(ConvNetConfig(2, (Convolution(3),)))
    save_model(tmp_path / "model", {"a": net}, DESCRIPTION)
    stored = load_model(tmp_path / "model")
    twin = ConvNet(ConvNetConfig(2, (Convolution(3),)))
    twin.load_state_dict({k: torch.from_numpy(v) for k, v in stored.state("a").items()})
    x = torch.randn(2, 2, 5, 5)
    assert torch.equal(twin(x), net(x))
    assert stored.description["metrics"]["log_loss"] == {"value": 0.5, "low": 0.4, "high": None}
    assert stored.description["weights"] == [0, 1, 2]


def test_arrays_come_back(tmp_path: Path) -> None:
    arrays = {"kernel": np.arange(6.0).reshape(2, 3).T, "one": np.array(3)}
    save_model(tmp_path / "model", arrays, {})
    for name, values in load_model(tmp_path / "model").tensors.items():
        np.testing.assert_array_equal(values, arrays[name])
        assert values.dtype == arrays[name].dtype


def test_the_card_says_what_is_known_and_what_is_not(folder: Path) -> None:
    card = (folder / "CARD.md").read_text()
    assert "# tiny" in card
    assert "| log_loss | 0.5 | 0.4 |" in card
    assert "## Licence\n\nNot stated." in card


@pytest.mark.parametrize("name", ["weights.safetensors", "model.json", "CARD.md"])
def test_any_flipped_byte_is_noticed(folder: Path, name: str) -> None:
    path = folder / name
    content = path.read_bytes()
    for position in {*range(0, len(content), 7), *range(len(content) - 80, len(content))}:
        for bit in (0, 5):
            damaged = bytearray(content)
            damaged[position] ^= 1 << bit
            path.write_bytes(damaged)
            with pytest.raises(ModelError, match="damaged"):
                load_model(folder)
    path.write_bytes(content[:-1])
    with pytest.raises(ModelError):
        load_model(folder)
    path.write_bytes(content)
    load_model(folder)
    path.unlink()
    with pytest.raises(ModelError, match=name):
        load_model(folder)


@pytest.mark.parametrize("change", [{"format": 2}, {"surprise": 1}])
def test_unknown_versions_and_keys_are_refused(folder: Path, change: dict[str, int]) -> None:
    facts = json.loads((folder / "model.json").read_text()) | change
    model = json.dumps(facts).encode()
    (folder / "model.json").write_bytes(model)
    (folder / "CARD.md").write_bytes(b"card\n" + _seal(b"card\n", model))
    with pytest.raises(ModelError, match="Use the graben that made it"):
        load_model(folder)


def test_a_description_that_is_no_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected text"):
        save_model(tmp_path / "model", {}, {"what": object()})
    assert not (tmp_path / "model").exists()
