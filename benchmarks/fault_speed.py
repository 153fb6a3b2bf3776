"""How fast the 3-D fault net is, beside a net of the shape of FaultSeg3D; memory of the command.

Nets have random weights: speed does not depend on them. CPU seconds of one thread, the least of
some rounds in which the nets alternate. FaultSeg3D's shape is a 3-D U-Net of
16-32-64-128 channels at full resolution (1.46 million parameters), here with batch normalisation.
"folded" is `graben.learning.nets.folded`, which both nets profit from; "plain" is the net as a
U-Net is usually written, with coarser maps repeated before they are convolved. bfloat16 is measured
where the CPU has it.

Then `graben imaging faults`, from SEG-Y of noise to SEG-Y, in a process of its own: million samples
a second, and the peak of memory (VmHWM). A net of random weights would see faults in half of the
samples, and the sticks would cost more than all else: its last bias is lowered, so that it sees
none; sticks of real faults come on top. Give --model a trained net to time these as well. The large
volumes need 24 bytes of disk a sample and a quiet machine:

    python benchmarks/fault_speed.py --out out/bench --millions 50 400
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import interpolate

from graben.imaging import Amplitudes, write_new_segy
from graben.imaging.models.fault_stream import stream_faults
from graben.imaging.models.fault_training import PLANS
from graben.imaging.models.faults import FaultNet
from graben.imaging.models.section_faults import net_logits
from graben.learning.nets import UNet, UNetConfig, folded, has_bfloat16
from graben.tiling import InMemory

OURS, THEIRS = PLANS["volume"].config, PLANS["faultseg-shaped"].config
CROSSLINES, SAMPLES = 600, 464
COMMAND = """
import atexit, sys
from pathlib import Path
from graben.cli import main
noted = Path(sys.argv.pop())
def note():
    [peak] = [line for line in Path("/proc/self/status").open() if line.startswith("VmHWM")]
    noted.write_text(peak.split()[1])
atexit.register(note)
main()
"""


@dataclass(frozen=True)
class Noise:
    """White noise of any size, the same wherever it is read, that holds nothing."""

    shape: tuple[int, int, int]

    def read(self, region: tuple[slice, ...]) -> np.ndarray:
        """Draw the lines of a region."""
        lines = [
            np.random.default_rng(line).standard_normal(self.shape[1:], np.float32)[region[1:]]
            for line in range(region[0].start, region[0].stop)
        ]
        return np.stack(lines)


class Repeated(nn.Module):
    """A join of a decoder that repeats the cells of the coarser map and convolves them then."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*block.children())

    def forward(self, deeper: torch.Tensor, skipped: torch.Tensor) -> torch.Tensor:
        """Join the maps."""
        grown = interpolate(deeper, scale_factor=2, mode="nearest")
        return self.layers(torch.cat([grown, skipped], 1))


def plain(net: UNet) -> UNet:
    """Copy a net with joins as they are usually written."""
    usual = deepcopy(net)
    usual.decoder = nn.ModuleList(Repeated(block) for block in usual.decoder)
    return usual


def random_net(config: UNetConfig) -> UNet:
    """Make a net of random weights."""
    torch.manual_seed(0)
    return UNet(config).eval()


def speeds(nets: dict[str, UNet], side: int, rounds: int) -> dict[str, float]:
    """Measure million samples a second of CPU time, the best of rounds in which nets alternate.

    A core's clock changes from one second to the next: so each net meets all of its paces.
    """
    cube, spent = torch.randn(1, 1, side, side, side), dict.fromkeys(nets, float("inf"))
    with torch.inference_mode():
        for number in range(rounds + 1):
            for name, net in nets.items():
                begin = time.process_time()
                net(cube)
                if number:  # the first makes the kernels of these sizes
                    spent[name] = min(spent[name], time.process_time() - begin)
    return {name: side**3 / 1e6 / seconds for name, seconds in spent.items()}


def kernels(side: int, rounds: int) -> dict[str, Any]:
    """Compare the nets on a cube."""
    nets: dict[str, UNet] = {}
    dtypes = [torch.float32, *([torch.bfloat16] if has_bfloat16() else [])]
    for name, config in (("ours", OURS), ("FaultSeg3D-shaped", THEIRS)):
        net = random_net(config)
        nets[f"{name}, plain float32"] = plain(net)
        for dtype in dtypes:
            nets[f"{name}, folded {str(dtype).removeprefix('torch.')}"] = folded(net, dtype)
    found = speeds(nets, side, rounds)
    best = max(value for row, value in found.items() if row.startswith("ours, folded"))
    ratios = {row: best / value for row, value in found.items() if row.startswith("Fault")}
    for row, value in found.items():
        ratio = f"{ratios[row]:8.1f} x" if row in ratios else ""
        print(f"{f'{side}^3, {row}':48s}{value:8.2f}{ratio}", flush=True)
    return {"million_samples_per_second": found, "our_best_over": ratios}


def streamed(shape: tuple[int, int, int]) -> dict[str, Any]:
    """Walk through a volume in memory, into files; compare with one look at the whole."""
    net, volume = random_net(OURS), Noise(shape).read(tuple(slice(0, side) for side in shape))
    amplitudes, spent = Amplitudes(0.0, 1.0, 8.0), []
    for _ in range(2):  # the first run makes the kernels of these sizes
        with tempfile.TemporaryDirectory() as scratch:
            begin = time.process_time()
            path = stream_faults(net, InMemory(volume), amplitudes, Path(scratch), {}, 1)
            spent.append(time.process_time() - begin)
            found = np.load(path)
    expected = 1 / (1 + np.exp(-net_logits(folded(net), amplitudes.normalise(volume)[None])[0]))
    row = {
        "million_samples_per_second": volume.size / 1e6 / min(spent),
        "largest_difference_from_the_whole": float(abs(found - expected).max()),
    }
    print(f"walk through {shape}: " + "   ".join(f"{key} {v:.3g}" for key, v in row.items()))
    return row


def command(millions: int, folder: Path, model: Path | None) -> dict[str, float]:
    """Map the faults of a SEG-Y file once; the time, the work and the peak of memory."""
    lines = max(round(millions * 1e6 / (CROSSLINES * SAMPLES)), 8)
    survey = folder / f"in-{millions}.sgy"
    peak, out = folder / "peak", folder / f"faults-{millions}.sgy"
    write_new_segy(survey, Noise((lines, CROSSLINES, SAMPLES)))
    if model is None:
        net, model = random_net(OURS), folder / "model"
        torch.nn.init.constant_(net.last.bias, -5.0)
        FaultNet({"volume": net}).save(model)
    given = ["imaging", "faults", survey, "--out", out, "--model", model, "--workers", 1, peak]
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    arguments = [sys.executable, "-c", COMMAND, *map(str, given)]
    alone = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, env=alone)
    seconds, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    samples = lines * CROSSLINES * SAMPLES / 1e6
    return {
        "million_samples": samples,
        "million_samples_per_second": samples / seconds,
        "million_samples_per_cpu_second": samples / cpu,
        "peak_mb": int(peak.read_text()) / 1e3,
    }


def main() -> None:
    """Measure, print tables and write fault_speed.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sides", type=int, nargs="+", default=[96, 128], help="of the cubes")
    parser.add_argument("--rounds", type=int, default=10, help="in which the nets are timed")
    parser.add_argument(
        "--millions", type=int, nargs="*", default=[10, 40], help="samples of the files"
    )
    parser.add_argument("--model", type=Path, help="folder of a trained net, for the command")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    print("million samples a second of one core; ours, at its best, over others")
    found: dict[str, Any] = {
        "bfloat16": has_bfloat16(),
        "cubes": {side: kernels(side, given.rounds) for side in given.sides},
        "walk": streamed((160, 200, 240)),
        "command": {},
    }
    for millions in given.millions:
        with tempfile.TemporaryDirectory(dir=given.out) as folder:
            row = command(millions, Path(folder), given.model)
        found["command"][millions] = row
        print("   ".join(f"{key} {value:,.2f}" for key, value in row.items()), flush=True)
    (given.out / "fault_speed.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
