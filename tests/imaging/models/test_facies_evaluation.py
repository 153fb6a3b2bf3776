"""The measures of the F3 benchmark, and splits that share no window."""

import numpy as np
import pytest

from graben.errors import InputError
from graben.imaging.models import facies_evaluation
from graben.imaging.models.facies_evaluation import (
    MEASURES,
    LineBlocks,
    RunningScore,
    block_lines,
    check_split,
    confusion_of,
    evaluate_strokes,
    facies_measures,
    gain_interval,
    intervals,
)
from graben.imaging.strokes import Strokes


def slow_measures(truth, answer, classes):
    """The definitions, sample by sample."""
    pairs = [(t, a) for t, a in zip(truth.ravel(), answer.ravel(), strict=True) if t < classes]
    total = len(pairs)
    accuracy, overlap, share = [], [], []
    for c in range(classes):
        hit = sum(t == c and a == c for t, a in pairs)
        of = sum(t == c for t, a in pairs)
        either = sum(t == c or a == c for t, a in pairs)
        accuracy.append(hit / of if of else np.nan)
        overlap.append(hit / either if either else np.nan)
        share.append(of / total)
    return {
        "pixel accuracy": sum(t == a for t, a in pairs) / total,
        "mean class accuracy": np.nanmean(accuracy),
        "frequency-weighted IoU": sum(s * o for s, o in zip(share, overlap, strict=True) if s > 0),
        "mean IoU": np.nanmean(overlap),
    }


@pytest.fixture
def sections():
    generator = np.random.default_rng(3)
    truth = generator.integers(0, 3, (2, 20, 15)).astype(np.uint8)
    truth[0, :4] = 255
    answer = np.where(generator.random(truth.shape) < 0.6, truth, generator.integers(0, 4))
    answer[truth == 255] = generator.integers(0, 4, (truth == 255).sum())
    return truth, answer


def test_measures_are_their_definitions_and_padding_counts_nowhere(sections):
    truth, answer = sections
    score = RunningScore(4)  # class 3 never occurs, but is answered
    for one, other in zip(truth, answer, strict=True):
        score.update(one, other)
    expected = slow_measures(truth, answer, 4)
    assert score.measures() == pytest.approx(expected)
    assert np.isnan(score.class_accuracies()[3])
    answer[truth == 255] = 0
    again = RunningScore(4)
    again.update(truth, answer)
    assert (again.confusion == score.confusion).all()


def test_a_perfect_answer_scores_1_and_a_wrong_one_0():
    truth = np.arange(3).repeat(4)
    for answer, value in ((truth, 1), ((truth + 1) % 3, 0)):
        score = RunningScore(3)
        score.update(truth, answer)
        assert set(score.measures().values()) == {value}


def test_weighted_iou_of_a_known_matrix():
    found = facies_measures(np.array([[[3, 1], [2, 4]]]))
    assert found["frequency-weighted IoU"][0] == pytest.approx(0.4 * 3 / 6 + 0.6 * 4 / 7)
    assert found["mean class accuracy"][0] == pytest.approx((3 / 4 + 4 / 6) / 2)


def test_answers_that_are_no_class_are_refused():
    with pytest.raises(InputError, match="answers from 0 to 1"):
        confusion_of(np.array([0, 1]), np.array([0, 2]), 2)
    with pytest.raises(InputError, match="an answer for each sample"):
        RunningScore(2).update(np.zeros(3, int), np.zeros(2, int))


def test_intervals_hold_the_value_and_close_on_equal_blocks():
    generator = np.random.default_rng(0)
    counts = generator.integers(0, 9, (12, 3, 3))
    for one in intervals(counts).values():
        assert one.low < one.value < one.high
    same = np.repeat(counts[:1], 5, axis=0)
    for one in intervals(same).values():
        assert one.low == pytest.approx(one.value) == pytest.approx(one.high)
    assert all(np.isnan(one.low) for one in intervals(counts[:1]).values())
    better = counts + 5 * np.eye(3, dtype=int)
    assert gain_interval(better, counts, MEASURES[1]).low > 0
    none = gain_interval(counts, counts, MEASURES[1])
    assert (none.value, none.low, none.high) == (0, 0, 0)


def test_every_line_is_held_out_once_and_no_window_is_shared():
    line = np.arange(200).repeat(3)
    blocks, seen = LineBlocks(lines=10, folds=5, gap=7), np.zeros(len(line), int)
    for learned, held_out in blocks.split(line):
        seen[held_out] += 1
        assert len(learned)
        apart = np.abs(line[learned][:, None] - line[held_out]).min()
        assert apart == 8
        check_split(line[learned], line[held_out], 7)
        with pytest.raises(InputError, match="blocks of lines"):
            check_split(line[learned], line[held_out], 8)
    assert (seen == 1).all()


def test_a_split_by_samples_is_found_out():
    line = np.arange(100)
    with pytest.raises(InputError, match="more than 3 lines"):
        check_split(line[::2], line[1::2], 3)


@pytest.mark.parametrize(("extent", "lines"), [(951, 48), (400, 40), (150, 30)])
def test_blocks_leave_room_for_their_gap(extent, lines):
    assert block_lines(np.arange(extent), 50).lines == lines


def strokes_on(crossline, codes):
    none = np.zeros(len(codes), np.int64)
    return Strokes(("a", "b"), none, crossline, none, codes.astype(np.uint8), {})


def test_held_out_labels_are_answered_by_trees_that_never_saw_their_block(monkeypatch):
    monkeypatch.setattr(facies_evaluation, "CURVE", ())
    generator = np.random.default_rng(1)
    crossline = np.sort(generator.integers(0, 400, 120))
    codes = generator.integers(1, 3, 120)
    leaking = np.c_[crossline, generator.normal(size=120)].astype(np.float32)
    found = evaluate_strokes(leaking, strokes_on(crossline, codes), 10)
    # classes at random: what remembers its neighbours would be better than chance
    accuracy = facies_measures(found.confusions().sum(0)[None])["pixel accuracy"][0]
    assert 0.3 < accuracy < 0.7
    monkeypatch.setattr(facies_evaluation, "CURVE", (20, 100))
    told = np.c_[codes, generator.normal(size=120)].astype(np.float32)
    found = evaluate_strokes(told, strokes_on(crossline, codes), 10)
    assert found.metrics()["mean class accuracy"]["value"] > 0.95
    assert found.held.all()
    assert found.axis == "crossline"
    assert set(found.curve) == {20}


def test_strokes_that_lie_together_are_not_scored():
    crossline, codes = np.arange(20), np.tile([1, 2], 10)
    assert evaluate_strokes(np.zeros((20, 2), np.float32), strokes_on(crossline, codes), 50) is None
