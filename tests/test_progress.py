import pytest

from graben.progress import shown_by, track


@pytest.fixture
def seen():
    return []


@pytest.fixture
def display(seen):
    def show(items, description, total):
        seen.append((description, total))
        yield from items

    return show


def test_nobody_watches():
    assert list(track([1, 2, 3], "counting")) == [1, 2, 3]


def test_a_display_sees_the_words_and_the_length(display, seen):
    with shown_by(display):
        assert list(track([1, 2, 3], "counting")) == [1, 2, 3]
        assert list(track((k for k in "ab"), "letters", total=2)) == ["a", "b"]
        assert list(track(iter("ab"), "unknown")) == ["a", "b"]
    assert seen == [("counting", 3), ("letters", 2), ("unknown", None)]


def test_the_display_ends_with_its_block_even_after_an_error(display, seen):
    with pytest.raises(ZeroDivisionError), shown_by(display):
        raise ZeroDivisionError
    list(track([1], "unseen"))
    assert seen == []


def test_items_are_taken_one_at_a_time(display):
    taken = []

    def source():
        for k in range(3):
            taken.append(k)
            yield k

    with shown_by(display):
        next(track(source(), "lazy"))
    assert taken == [0]
