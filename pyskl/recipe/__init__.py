"""What a config may say: reading, changing, checking and printing it."""

from .differences import differences
from .dump import dump_config
from .load import import_custom_modules, load_config
from .nested_datasets import dataset_configs, inner_datasets
from .read import SPLITS, Recipe, read_recipe
from .settings import AutoScaleLr, LrConfig

__all__ = [
    'SPLITS',
    'AutoScaleLr',
    'LrConfig',
    'Recipe',
    'dataset_configs',
    'differences',
    'dump_config',
    'import_custom_modules',
    'inner_datasets',
    'load_config',
    'read_recipe',
]
