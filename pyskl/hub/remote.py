"""The Hugging Face Hub: folders of networks from it, and to it."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from types import ModuleType

from ..errors import DataError, UserError
from ..files.libraries import imported
from ..wording import plain

# What a network's folder holds, and what is sent of it.
FILES = ('README.md', 'config.json', 'config.py', 'model.safetensors', 'label_embeddings.npy')
_NAME = re.compile(r'[A-Za-z0-9][\w.-]*/[\w.-]+')


def downloaded(
    name: str,
    needed: Collection[str],
    optional: Collection[str],
    limits: Mapping[str, int],
    revision: str | None = None,
) -> Path:
    """Download some files of a repository of the hub, all of one commit.

    What is here already is not downloaded again; with HF_HUB_OFFLINE=1 nothing is.

    Args:
        name: 'user/name'.
        needed: files that must be there.
        optional: files that may be there.
        limits: the most bytes of a file, asked before it is downloaded.
        revision: a branch, tag or commit; None: the newest.

    Returns:
        The folder that they are in.

    Raises:
        DataError: a name that no repository has, no such repository or file, or one that is too
            large.
        UserError: the hub cannot be reached, or the package huggingface_hub is missing.
    """
    if not _NAME.fullmatch(name):
        raise DataError(
            f'{plain(name)}: no such folder. Expected one, or the name of one on the hub, '
            "'user/name'."
        )
    library = _library()
    offline = library.constants.HF_HUB_OFFLINE
    try:
        if not offline:
            info = library.model_info(name, revision=revision, files_metadata=True)
            sizes = {file.rfilename: file.size for file in info.siblings or ()}
            _check(name, needed, sizes, limits)
        folder = library.snapshot_download(
            name,
            revision=revision,
            allow_patterns=[*needed, *optional],
            local_files_only=offline,
        )
    except DataError:
        raise
    except Exception as error:  # the network: errors of several packages
        raise UserError(
            f'{name}: is no folder here and cannot be fetched from the hub ({_said(error)}). Check '
            'the name, the network and, where it is not public, the login (hf auth login).'
        ) from error
    return Path(folder)


def _check(
    name: str,
    needed: Collection[str],
    sizes: Mapping[str, int | None],
    limits: Mapping[str, int],
) -> None:
    missing = sorted(set(needed) - set(sizes))
    if missing:
        raise DataError(
            f'{name}: the repository has no {missing[0]}. Expected what save_pretrained wrote.'
        )
    for file, limit in limits.items():
        if (sizes.get(file) or 0) > limit:
            raise DataError(f'{name}: its {file} is larger than {limit >> 20} MiB; not downloaded.')


def push_to_hub(
    folder: str | os.PathLike, name: str, private: bool = False, message: str = 'Add the network'
) -> str:
    """Send a folder to the Hugging Face Hub, into a repository that is made where there is none.

    Args:
        folder: what save_pretrained wrote.
        name: of the repository, 'user/name'.
        private: of a new repository, whether only its owner sees it.
        message: of the commit.

    Returns:
        The address of the commit.

    Raises:
        DataError: no such folder, or no name of a repository.
        UserError: the hub refuses or cannot be reached, or the package huggingface_hub is missing.
    """
    folder = Path(folder)
    if not (folder / 'config.json').is_file():
        raise DataError(
            f'{folder}: expected a folder that save_pretrained wrote, with config.json.'
        )
    if not _NAME.fullmatch(name):
        raise DataError(f"{plain(name)}: expected the name of a repository, 'user/name'.")
    library = _library()
    try:
        library.create_repo(name, private=private, exist_ok=True)
        done = library.upload_folder(
            repo_id=name, folder_path=folder, commit_message=message, allow_patterns=[*FILES]
        )
    except Exception as error:  # the network: errors of several packages
        raise UserError(
            f'{name}: cannot be sent to the hub ({_said(error)}). Log in (hf auth login) with a '
            'token that may write, and check the name.'
        ) from error
    return str(done.commit_url)


def _said(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f'{type(error).__name__}: {plain(lines[0]) if lines else "no reason given"}'


def _library() -> ModuleType:
    advice = "Install it: pip install -c constraints.txt -e '.[hub]'"
    library = imported('huggingface_hub', advice)
    imported('huggingface_hub.constants', advice)
    return library
