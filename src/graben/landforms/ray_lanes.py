"""Lines of sight of 32 neighbouring cells at once, in the vector units (numba intrinsic).

The highest and the lowest ratio of height to distance stay in registers from the first step of a
line to its last. LLVM's own vectoriser does not find this form: it would write them to memory at
every step.
"""

import math
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

LANES = 32
DIRECTIONS = 8
_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_BYTES = ir.VectorType(ir.IntType(8), LANES)
_INDEX = ir.IntType(64)


def _data(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    return context.make_array(kind)(context, builder, value).data


def _same(lanes: ir.VectorType, number: float) -> ir.Constant:
    return ir.Constant(lanes, [ir.Constant(lanes.element, number)] * LANES)


def _spread(builder: Any, number: Any) -> Any:
    empty = ir.Constant(_FLOATS, ir.Undefined)
    first = builder.insert_element(empty, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(
        first, empty, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    )


def _load(builder: Any, heights: Any, index: Any) -> Any:
    place = builder.bitcast(builder.gep(heights, [index]), _FLOATS.as_pointer())
    loaded = builder.load(place)
    loaded.align = 4
    return loaded


def _store(builder: Any, lanes: Any, array: Any) -> None:
    builder.store(lanes, builder.bitcast(array, lanes.type.as_pointer())).align = 1


def _absolute(builder: Any, lanes: Any) -> Any:
    negative = builder.fcmp_ordered("<", lanes, _same(_FLOATS, 0.0))
    return builder.select(negative, builder.fneg(lanes), lanes)


def _extremes(builder: Any, heights: Any, center: Any, ray: tuple[Any, ...]) -> tuple[Any, Any]:
    """Emit the loop along one line; a comparison with NaN is false, so voids are transparent."""
    stride, first, last, inverse = ray
    own = _load(builder, heights, center)
    before = builder.block
    walk = builder.append_basic_block("walk")
    end = builder.append_basic_block("end")
    start = builder.add(center, builder.mul(first, stride))
    builder.cbranch(builder.icmp_signed("<=", first, last), walk, end)

    builder.position_at_end(walk)
    step, index = builder.phi(_INDEX), builder.phi(_INDEX)
    high, low = builder.phi(_FLOATS), builder.phi(_FLOATS)
    weight = _spread(builder, builder.load(builder.gep(inverse, [step])))
    ratio = builder.fmul(builder.fsub(_load(builder, heights, index), own), weight)
    higher = builder.select(builder.fcmp_ordered(">", ratio, high), ratio, high)
    lower = builder.select(builder.fcmp_ordered("<", ratio, low), ratio, low)
    next_step = builder.add(step, ir.Constant(_INDEX, 1))
    none_high, none_low = _same(_FLOATS, -math.inf), _same(_FLOATS, math.inf)
    for variable, initial, following in (
        (step, first, next_step),
        (index, start, builder.add(index, stride)),
        (high, none_high, higher),
        (low, none_low, lower),
    ):
        variable.add_incoming(initial, before)
        variable.add_incoming(following, walk)
    builder.cbranch(builder.icmp_signed("<=", next_step, last), walk, end)

    builder.position_at_end(end)
    highest, lowest = builder.phi(_FLOATS), builder.phi(_FLOATS)
    for variable, initial, following in ((highest, none_high, higher), (lowest, none_low, lower)):
        variable.add_incoming(initial, before)
        variable.add_incoming(following, walk)
    return highest, lowest


def _verdicts(builder: Any, extremes: tuple[Any, Any], limits: tuple[Any, ...]) -> tuple[Any, ...]:
    """Emit which lanes look up, which look down, and which single precision cannot tell."""
    threshold, tie_slack, slack = limits
    up, down = (_absolute(builder, lanes) for lanes in extremes)
    steepest = builder.select(builder.fcmp_ordered(">", up, down), up, down)
    margin = builder.fmul(slack, threshold)
    difference = _absolute(builder, builder.fsub(up, down))
    # a line on which nothing is seen gives infinity less infinity: unordered, hence a tie
    tie = builder.fcmp_unordered("<=", difference, builder.fmul(tie_slack, steepest))
    tie = builder.and_(tie, builder.fcmp_ordered(">", steepest, builder.fsub(threshold, margin)))
    beside = builder.fcmp_ordered(
        "<=", _absolute(builder, builder.fsub(steepest, threshold)), margin
    )
    doubt = builder.or_(tie, beside)
    sure = builder.and_(builder.fcmp_ordered(">", steepest, threshold), builder.not_(doubt))
    return (
        builder.and_(sure, builder.fcmp_ordered(">", up, down)),
        builder.and_(sure, builder.fcmp_ordered("<", up, down)),
        doubt,
    )


@intrinsic
def look_around(
    typing: Any,
    heights: Any,
    center: Any,
    strides: Any,
    first: Any,
    last: Any,
    inverse: Any,
    limits: Any,
    patterns: Any,
    extremes: Any,
) -> Any:
    """Judge the eight lines of sight of the 32 cells from `center` on.

    `heights` is a C-ordered float32 array with cells enough around; `strides`, `last` (int64 of
    8) and `inverse` (float32 of (8, steps): one over the distance) describe the lines, `limits`
    (float32 of 3) the threshold and the slacks within which ties and the threshold are in doubt.
    `patterns` (uint8 of (3, 32)) receives a bit for each line that looks up, that looks down, and
    that has to be judged in double precision; `extremes` (float32 of (8, 2, 32)) the greatest and
    the least ratio of height to distance, NaN for a line whose next cell is void.
    """
    signature = types.void(
        heights, center, strides, first, last, inverse, limits, patterns, extremes
    )

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        arrays = {
            n: _data(context, builder, signature.args[n], given[n]) for n in (0, 2, 4, 5, 6, 7, 8)
        }
        width = builder.extract_value(
            context.make_array(signature.args[5])(context, builder, given[5]).shape, 1
        )
        limits = tuple(
            _spread(builder, builder.load(builder.gep(arrays[6], [ir.Constant(_INDEX, n)])))
            for n in range(3)
        )
        patterns = [_same(_BYTES, 0)] * 3
        for number in range(DIRECTIONS):
            place = ir.Constant(_INDEX, number)
            stride = builder.load(builder.gep(arrays[2], [place]))
            steps = builder.load(builder.gep(arrays[4], [place]))
            weights = builder.gep(arrays[5], [builder.mul(place, width)])
            neighbour = _load(builder, arrays[0], builder.add(given[1], stride))
            counted = builder.fcmp_ordered("ord", neighbour, neighbour)
            ray = (stride, given[3], steps, weights)
            found = _extremes(builder, arrays[0], given[1], ray)
            for half, lanes in enumerate(found):
                kept = builder.select(counted, lanes, _same(_FLOATS, math.nan))
                at = ir.Constant(_INDEX, (2 * number + half) * LANES)
                _store(builder, kept, builder.gep(arrays[8], [at]))
            for kind, lanes in enumerate(_verdicts(builder, found, limits)):
                true = builder.zext(builder.and_(counted, lanes), _BYTES)
                bit = builder.shl(true, _same(_BYTES, number))
                patterns[kind] = builder.or_(patterns[kind], bit)
        for kind, lanes in enumerate(patterns):
            _store(builder, lanes, builder.gep(arrays[7], [ir.Constant(_INDEX, kind * LANES)]))
        return context.get_dummy_value()

    return signature, generate
