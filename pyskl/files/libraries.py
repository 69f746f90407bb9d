"""OpenCV and decord, imported when pictures are read or drawn and not before."""

from __future__ import annotations

import importlib
from types import ModuleType

from ..errors import UserError


def opencv() -> ModuleType:
    """Return the module cv2.

    Raises:
        UserError: it is missing, or a system library that it needs; says what to install.
    """
    return imported(
        'cv2',
        'Pictures need opencv-python (pip install -c constraints.txt -e .), and that needs a few '
        'libraries of the system. On Debian and Ubuntu: apt-get install libgl1 libglib2.0-0',
    )


def decord() -> ModuleType:
    """Return the module decord, with its log silenced.

    Raises:
        UserError: it is missing; says what to install.
    """
    module = imported(
        'decord',
        'Reading a video needs decord (pip install decord; on ARM processors pip install decord2).',
    )
    module.logging.set_level(module.logging.QUIET)
    return module


def imported(name: str, advice: str) -> ModuleType:
    """Import a module.

    Args:
        name: of the module.
        advice: what to install, for the message.

    Raises:
        UserError: it is missing.
    """
    try:
        return importlib.import_module(name)
    except (ImportError, OSError) as error:  # OSError: a shared library that decord can't load
        raise UserError(f'{name} cannot be imported ({error}). {advice}') from error
