"""Nets as ONNX files, which run without torch; none is written that answers differently."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from graben.errors import InputError, ModelError
from graben.output import written_file

if TYPE_CHECKING:
    from onnx import ModelProto

TOLERANCE = 1e-4


def export_onnx(
    net: nn.Module,
    example: Tensor,
    path: str | Path,
    metadata: Mapping[str, str],
    tolerance: float = TOLERANCE,
) -> float:
    """Write a net as an ONNX file, once onnxruntime gives the answers that torch gives.

    Parameters
    ----------
    net
        In evaluation mode, from one tensor to one tensor.
    example
        An input, of the shape that the file will take. The answers to it are compared, so it
        should look like what the net will see.
    path
        The file.
    metadata
        Stored in the file by key.
    tolerance
        Largest difference between any two answers.

    Returns
    -------
    float
        The largest difference that was found.

    Raises
    ------
    InputError
        The packages that write and run ONNX are not installed; or the place is not writable.
    ModelError
        The answers differ by more than `tolerance`; nothing is written.
    OutputError
        Writing failed half way; what stood there before is unchanged.
    """
    onnxruntime = _onnxruntime()
    with torch.inference_mode():
        expected = net(example).numpy()
    model = _exported(net, example)
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    [answer] = session.run(None, {"x": example.numpy()})
    difference = float(np.abs(answer - expected).max())
    if not difference <= tolerance:
        raise ModelError(
            f"expected onnxruntime to answer as torch does within {tolerance:g}, got a difference "
            f"of {difference:.3g}. Nothing was written; another version of onnxruntime or "
            "onnxscript may do better."
        )
    with written_file(path) as temporary:
        temporary.write_bytes(content)
    return difference


def _onnxruntime() -> Any:
    try:
        import onnx  # noqa: F401
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"expected the packages that write and check ONNX files, got: {error}. Install them: "
            "pip install 'graben[onnx]'"
        ) from error
    return onnxruntime


def _exported(net: nn.Module, example: Tensor) -> "ModelProto":
    with _quiet():
        program = torch.onnx.export(
            net,
            (example,),
            dynamo=True,
            input_names=["x"],
            output_names=["y"],
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    # torch notes for every node where in which file it stood on this machine
    for part in (*model.graph.node, *model.graph.value_info, *model.graph.initializer):
        del part.metadata_props[:]
    del model.graph.metadata_props[:], model.metadata_props[:]
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's advice to developers from the user."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)
