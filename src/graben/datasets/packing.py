"""How arrays are packed into the files that ship: small whole numbers by byte planes, then xz."""

import lzma
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

Table = dict[str, NDArray[Any]]


def pack(arrays: Table) -> bytes:
    """Compress arrays; the settings of xz suit byte planes."""
    plain = BytesIO()
    np.savez(plain, **arrays)  # type: ignore[arg-type]
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "pb": 0, "lc": 4}]
    return lzma.compress(plain.getvalue(), filters=filters)


def unpack(packed: bytes) -> Table:
    """Undo `pack`."""
    with np.load(BytesIO(lzma.decompress(packed)), allow_pickle=False) as arrays:
        return dict(arrays)


def to_planes(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Signed integers as one plane per byte, the highest byte first.

    They are folded before (0, -1, 1, -2 ... become 0, 1, 2, 3 ...), so that small numbers of
    both signs leave the high planes empty.

    Examples
    --------
    >>> to_planes(np.array([0, -1, 1, 300], np.int16)).tolist()
    [[0, 0, 0, 2], [0, 1, 2, 88]]
    """
    folded = (values << 1) ^ (values >> (8 * values.itemsize - 1))
    planes = folded.astype(values.dtype.newbyteorder(">")).view(np.uint8)
    return np.moveaxis(planes.reshape(*values.shape, values.itemsize), -1, 0).copy()


def from_planes(planes: NDArray[np.uint8]) -> NDArray[Any]:
    """Undo `to_planes`: an integer array of as many bytes as there are planes."""
    folded = planes[0].astype(f"u{len(planes)}")
    for plane in planes[1:]:
        folded = folded << 8 | plane
    signed = np.dtype(f"i{len(planes)}")
    values: NDArray[Any] = (folded >> 1).view(signed) ^ -(folded & 1).view(signed)
    return values


def pack_numbers(name: str, values: NDArray[np.float64], scale: float) -> Table:
    """Numbers as whole multiples of 1/scale; any other value (NaN too) is kept apart, exactly."""
    whole = np.rint(np.nan_to_num(values) * scale).astype(np.int32)
    rows = np.flatnonzero(whole / scale != values).astype(np.int32)
    return {
        name: to_planes(whole),
        f"{name}_scale": np.array(scale),
        f"{name}_rows": rows,
        f"{name}_values": values[rows],
    }


def unpack_numbers(arrays: Table, name: str) -> NDArray[np.float64]:
    """Undo `pack_numbers`."""
    values = from_planes(arrays[name]) / float(arrays[f"{name}_scale"])
    values[arrays[f"{name}_rows"]] = arrays[f"{name}_values"]
    return values


def pack_texts(values: NDArray[np.str_]) -> NDArray[np.uint8]:
    """Texts without line breaks as the bytes of one text."""
    return np.frombuffer("\n".join(values).encode(), np.uint8)


def unpack_texts(packed: NDArray[np.uint8]) -> NDArray[np.str_]:
    """Undo `pack_texts`."""
    return np.array(packed.tobytes().decode().split("\n"))


def pack_heights(heights: NDArray[np.int16]) -> NDArray[np.uint8]:
    """A grid as its differences along both axes, modulo 2**16."""
    steps = np.diff(heights, axis=1, prepend=np.int16(0))
    return to_planes(np.diff(steps, axis=0, prepend=np.int16(0)))


def unpack_heights(packed: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Undo `pack_heights`."""
    steps = from_planes(packed)
    np.cumsum(steps, axis=0, dtype=np.int16, out=steps)
    np.cumsum(steps, axis=1, dtype=np.int16, out=steps)
    return steps
