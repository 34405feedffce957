"""Per tutte le prove: un solo thread, e numeri che si ripetono."""

import pytest
import torch

pytest_plugins = ["eprint"]


@pytest.fixture(autouse=True)
def one_thread_one_seed():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)
