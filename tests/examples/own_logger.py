"""A logger of one's own: the figures as a table that a spreadsheet opens."""

from pyskl.engine.loggers import LOGGERS, Logger


@LOGGERS.register_module()
class CsvLogger(Logger):
    """Write figures.csv into the work dir: a line for each figure.

    Args:
        only: beginning of the names that are written, 'val/'.
    """

    def __init__(self, only: str = ''):
        self.only = only

    def start(self, run, run_id):
        self.table = run.work_dir / 'figures.csv'
        if run.iteration == 0:  # a run that goes on finds its table there
            self.table.write_text('iteration,figure,value\n')

    def scalars(self, step, values):
        with open(self.table, 'a') as file:
            for name, value in values.items():
                if name.startswith(self.only):
                    file.write(f'{step},{name},{value}\n')

    def finish(self, whole):
        pass  # nothing is open
