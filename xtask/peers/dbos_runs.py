"""DBOS on its own SQLite store: a workflow of ten steps, each recorded before the next begins.

The settings are those DBOS ships with (a rollback journal, `synchronous` FULL, hence a flush for
every recorded step). Runs are started from as many threads as are to be in flight.
"""

import logging

from dbos import DBOS

import measure


@DBOS.step()
def add_one(count):
    return count + 1


@DBOS.workflow()
def ten_steps():
    count = 0
    for _ in range(measure.STEPS):
        count = add_one(count)
    return count


def main():
    options = measure.arguments()
    database = options.data / "dbos.sqlite"
    DBOS(
        config={
            "name": "ten-steps",
            "system_database_url": f"sqlite:///{database}",
            "log_level": "ERROR",
            "run_admin_server": False,
        }
    )
    logging.getLogger("dbos").setLevel(logging.ERROR)
    DBOS.launch()

    def one_run(_number):
        result = ten_steps()
        assert result == measure.STEPS, result

    one_run("warm-up")
    before = measure.stored_bytes(database)
    measured = measure.in_threads(options, one_run)
    after = measure.stored_bytes(database)
    measure.report("dbos", "sync-every-step", options, measured, before, after)
    DBOS.destroy()


if __name__ == "__main__":
    main()
