"""Many runs in one command: receives configs, option grids and seeds; hands on trained and tested runs and a table of them."""
from .plan import Entry, Plan, from_command_line, read_plan
from .runner import Failure, Machine, run_tasks
from .table import gather, write_table
from .tasks import Task, make_tasks

__all__ = ['Entry', 'Failure', 'Machine', 'Plan', 'Task', 'from_command_line', 'gather', 'make_tasks', 'read_plan', 'run_tasks',
           'write_table']
