"""Settings of the whole test suite."""

import signal
import sys

import pytest
from hypothesis import settings

from pyskl import registry
from pyskl.engine import distributed

# The same examples each time; the long searches, which are slow tests, look for new ones.
settings.register_profile('pyskl', deadline=None, print_blob=True, derandomize=True)
settings.load_profile('pyskl')


@pytest.fixture(scope='session', autouse=True)
def on_the_cpu():
    """Where a test names no device it computes on the CPU, which the golden numbers are of; on a
    machine with a GPU too.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distributed, 'default_device', lambda: 'cpu')
        yield


@pytest.fixture(autouse=True)
def components_as_before(tmp_path_factory):
    """What a test registers, and imports from pytest's temporary folders, is gone after it."""
    folders = str(tmp_path_factory.getbasetemp())
    registries = [
        value for value in vars(registry).values() if isinstance(value, registry.Registry)
    ]
    before = [
        (components, dict(components)) for components in (each.module_dict for each in registries)
    ]
    modules = set(sys.modules)
    yield
    for components, known in before:
        components.clear()
        components.update(known)
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], '__file__', None)).startswith(folders):
            del sys.modules[name]


def signals_as_in_a_terminal():
    """A shell's background jobs and nohup ignore signals; what tests start would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ('SIGTERM', 'SIGHUP', 'SIGUSR1'):
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is signal.SIG_IGN:
            signal.signal(getattr(signal, name), signal.SIG_DFL)


def pytest_configure():
    signals_as_in_a_terminal()
