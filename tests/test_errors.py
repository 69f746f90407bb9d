"""Errors reach the user as one message and exit status 2."""
import pytest

from pyskl.errors import CheckpointError, ConfigError, DataError, UserError, did_you_mean, run_script


@pytest.mark.parametrize('kind', [UserError, ConfigError, DataError, CheckpointError])
def test_a_user_error_is_one_message_and_status_2(kind, capsys):
    def main():
        raise kind('joint.py: seed = -1')

    with pytest.raises(SystemExit) as left:
        run_script(main)
    assert left.value.code == 2
    assert capsys.readouterr() == ('', 'error: joint.py: seed = -1\n')


@pytest.mark.parametrize(('status', 'code'), [(None, 0), (0, 0), (1, 1), (143, 143)])
def test_a_script_leaves_with_its_status(status, code):
    with pytest.raises(SystemExit) as left:
        run_script(lambda: status)
    assert left.value.code == code


def test_our_own_mistakes_keep_their_traceback():
    def main():
        raise AssertionError('ours')

    with pytest.raises(AssertionError):
        run_script(main)


@pytest.mark.parametrize(('name', 'suggestion'), [
    ('optimzer', ' Did you mean optimizer?'), ('OPTIMIZER', ' Did you mean optimizer?'), ('Flp', ' Did you mean Flip?'),
    ('xyz', ''), (5, ''), (None, ''), ('', '')])
def test_a_near_name_is_suggested_whatever_its_case(name, suggestion):
    assert did_you_mean(name, ['optimizer', 'Flip', 'data']) == suggestion


def test_nothing_is_suggested_where_nothing_is_known():
    assert did_you_mean('a', []) == ''
