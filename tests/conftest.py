"""Settings of the whole test suite."""
import signal

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


def signals_as_in_a_terminal():
    """A shell's background jobs and nohup ignore signals, and what tests start would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ('SIGTERM', 'SIGHUP', 'SIGUSR1'):
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is signal.SIG_IGN:
            signal.signal(getattr(signal, name), signal.SIG_DFL)


def pytest_configure():
    signals_as_in_a_terminal()
