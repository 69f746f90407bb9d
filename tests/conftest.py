"""Settings of the whole test suite."""
import pytest
from hypothesis import settings

from pyskl.engine import distributed

settings.register_profile('pyskl', deadline=None, print_blob=True)
settings.load_profile('pyskl')


@pytest.fixture(scope='session', autouse=True)
def on_the_cpu():
    """Where a test names no device it computes on the CPU, which the golden numbers are of; on a machine with a GPU too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distributed, 'default_device', lambda: 'cpu')
        yield
