"""The log of a run goes to the stderr of the moment, and its rows are plain lines."""

import io
import sys

from pyskl.engine.log import get_logger


def test_the_log_follows_a_stderr_that_is_replaced(monkeypatch):
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, 'stderr', first)
    logger = get_logger()
    logger.warning('one')
    first.close()  # as test runners and notebooks do
    monkeypatch.setattr(sys, 'stderr', second)
    logger.warning('two\x1b[2J')
    assert second.getvalue().endswith(' - WARNING - two\\x1b[2J\n')
