import pytest
import torch

from graben.learning.threads import torch_threads


def fail_with_one_more(count):
    with torch_threads(count):
        assert torch.get_num_threads() == count
        raise ZeroDivisionError


def test_the_number_of_threads_is_put_back_after_a_failure():
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError):
        fail_with_one_more(before + 1)
    assert torch.get_num_threads() == before
