"""Killed at random moments: trainings of several processes and of graph networks, and tools that
write files.
"""

import sys

import pytest
from kill_commands import COMMANDS, make_inputs
from kill_commands import campaign as command_campaign
from kill_training import campaign

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != 'linux', reason='finds processes in /proc'),
]


@pytest.mark.parametrize(
    ('network', 'processes'), [('graph', 1), ('heatmaps', 2), ('graph', 2), ('videos', 1)]
)
def test_killed_at_random_moments_a_run_still_ends_with_the_same_bits(tmp_path, network, processes):
    struck, wrong = campaign(tmp_path, 5, network=network, processes=processes)
    assert len(struck) == 5 and not wrong


@pytest.fixture(scope='module')
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp('inputs')
    make_inputs(folder)
    return folder


@pytest.mark.parametrize('name', COMMANDS)
def test_a_killed_command_leaves_nothing_half_and_the_next_one_nothing_else(inputs, name):
    struck, wrong = command_campaign(name, inputs, 5)
    assert len(struck) == 5 and not wrong
