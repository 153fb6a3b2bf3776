"""ONNX files answer as torch does, or are not written."""

import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from graben.errors import InputError, ModelError
from graben.learning import export
from graben.learning.export import export_onnx
from graben.learning.nets import ConvNet, ConvNetConfig, Convolution, UNet, UNetConfig

NETS = {
    "unet-2d": (UNet(UNetConfig(2, 3, 2, width=4, depth=2)), (1, 3, 16, 24)),
    "unet-3d": (UNet(UNetConfig(3, 1, 2, width=2, depth=1)), (1, 1, 8, 8, 8)),
    "unet-3d-stem": (UNet(UNetConfig(3, 1, 2, width=2, depth=1, stem=2)), (1, 1, 8, 8, 8)),
    "convnet": (
        ConvNet(ConvNetConfig(2, (Convolution(4, pool="max"),), (3,), size=8)),
        (2, 2, 8, 8),
    ),
}


@pytest.mark.parametrize("name", NETS)
def test_onnxruntime_answers_as_torch_does(name, tmp_path):
    net, shape = NETS[name]
    net.eval()
    example = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    path = tmp_path / "net.onnx"
    found = export_onnx(net, example, path, {"kind": "a test"})
    assert found <= 1e-4
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map == {"kind": "a test"}
    assert tuple(session.get_inputs()[0].shape) == shape
    other = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    [answer] = session.run(None, {"x": other.numpy()})
    np.testing.assert_allclose(answer, net(other).detach().numpy(), atol=1e-4)


def test_the_file_tells_nothing_of_the_machine_it_was_made_on(tmp_path):
    net, shape = NETS["unet-2d"]
    export_onnx(net.eval(), torch.zeros(shape), tmp_path / "net.onnx", {})
    onnx.checker.check_model(tmp_path / "net.onnx", full_check=True)
    assert b"stack_trace" not in (tmp_path / "net.onnx").read_bytes()
    assert b".py" not in (tmp_path / "net.onnx").read_bytes()


class _Drawn(nn.Module):
    """A net whose answer an export cannot keep."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x + self.calls


def test_a_file_that_would_answer_differently_is_not_written(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"old")
    with pytest.raises(ModelError, match=r"within 0\.0001, got a difference of"):
        export_onnx(_Drawn(), torch.zeros(1, 2), path, {})
    assert path.read_bytes() == b"old"


def test_nan_is_no_agreement(tmp_path):
    net = nn.Linear(2, 2)
    with pytest.raises(ModelError, match="difference of nan"):
        export_onnx(net, torch.full((1, 2), torch.nan), tmp_path / "net.onnx", {})


def test_missing_packages_are_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(InputError, match=r"onnxscript.*graben\[onnx\]"):
        export.export_onnx(nn.Linear(2, 2), torch.zeros(1, 2), tmp_path / "net.onnx", {})
