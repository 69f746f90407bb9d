"""Notes group what was read, left out or changed by its kind, and name what it is true of."""

from pyskl.annotations.notes import MOST_DETAILS, Notes


def test_a_kind_is_one_line_with_its_names():
    notes = Notes()
    for name in 'ab':
        notes.add('holds NaN', name)
    notes.add('no splits')
    assert notes.lines() == ['holds NaN: 2 clips (a, b).', 'no splits.']
    assert len(notes) == 2 and dict(notes.items()) == {'holds NaN': ['a', 'b'], 'no splits': []}


def test_clips_and_videos_of_one_line_are_two_kinds():
    notes = Notes()
    notes.add('no label', 'a')
    notes.add('no label', 'b', 'video')
    assert notes.lines() == ['no label: 1 clip (a).', 'no label: 1 video (b).']


def test_details_are_shown_of_the_first_few_and_names_up_to_a_limit():
    notes = Notes()
    for i in range(MOST_DETAILS + 3):
        notes.add('cut', f'c{i}', detail=f'line {i}')
    assert notes.lines(most=4) == [
        'cut: 6 clips (c0: line 0, c1: line 1, c2: line 2, c3 and 2 more).'
    ]
    assert notes.lines(most=1) == ['cut: 6 clips (c0: line 0 and 5 more).']


def test_faults_leave_out_what_nobody_would_miss():
    notes = Notes()
    notes.add('a second copy', 'a', 'file', fault=False)
    notes.add('no label csv', 'b', 'video')
    notes.add('no label csv', 'c', 'video', fault=False)
    assert notes.faults().lines() == ['no label csv: 1 video (b).'] and len(notes) == 2
    assert not Notes().faults()


def test_notes_are_extended_and_told_as_an_error():
    first, second = Notes(), Notes()
    first.add('no frames', 'a')
    assert first.message('x.pkl: nothing was read') == (
        'x.pkl: nothing was read. no frames: 1 clip (a).'
    )
    second.add('no frames', 'b')
    second.add('no label', 'b')
    first.extend(second)
    assert first.message('x.pkl: nothing was read') == (
        'x.pkl: nothing was read:\n  no frames: 2 clips (a, b).\n  no label: 1 clip (b).'
    )
    assert second.lines()[0] == 'no frames: 1 clip (b).'  # unchanged


def test_control_characters_of_names_are_escaped():
    notes = Notes()
    notes.add('odd', 'a\x1b[2J')
    assert notes.lines() == ['odd: 1 clip (a\\x1b[2J).']
