"""Drives one peer for `cargo xtask bench runs` and prints one line of JSON.

The same rules hold for every system: `concurrency` runs are kept in flight until the time is up or
`runs` have been started; those in flight are then finished and counted, and the clock stops with
the last of them. CPU is that of the whole process, threads included. A durable operation is one
thing the system may not lose: the submission, each of the ten step results, and the completion.
"""

import argparse
import json
import resource
import sqlite3
import threading
import time
from pathlib import Path

STEPS = 10
DURABLE_OPERATIONS_PER_RUN = STEPS + 2


def arguments():
    """The command line that every peer takes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="an empty folder on the disk to measure")
    parser.add_argument("--concurrency", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=5.0, help="no run is started after this time")
    parser.add_argument("--runs", type=int, default=1_000_000, help="no more runs than this are started")
    return parser.parse_args()


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def stored_bytes(database):
    """The size of the database once its write-ahead log, if it has one, has been folded in."""
    connection = sqlite3.connect(database, timeout=30)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return database.stat().st_size


def in_threads(options, one_run):
    """Keeps `options.concurrency` runs in flight, a thread each; answers (runs, seconds, CPU seconds)."""
    lock = threading.Lock()
    started = 0
    failures = []
    done = [0] * options.concurrency
    begin, cpu = time.monotonic(), cpu_seconds()

    def worker(slot):
        nonlocal started
        while True:
            with lock:
                if started >= options.runs or failures or time.monotonic() - begin >= options.seconds:
                    return
                number = started
                started += 1
            try:
                one_run(number)
            except Exception as error:  # Reported by `check` in the main thread, which then fails.
                failures.append(error)
                return
            done[slot] += 1

    threads = [threading.Thread(target=worker, args=(slot,)) for slot in range(options.concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sum(done), time.monotonic() - begin, cpu_seconds() - cpu


def report(system, durability, options, measured, bytes_before, bytes_after):
    """Prints the line that the bench reads."""
    runs, seconds, cpu = measured
    print(
        json.dumps(
            {
                "system": system,
                "concurrency": options.concurrency,
                "runs": runs,
                "seconds": round(seconds, 4),
                "cpu_seconds": round(cpu, 4),
                "bytes_stored": bytes_after - bytes_before,
                "durable_operations": runs * DURABLE_OPERATIONS_PER_RUN,
                "durability": durability,
            }
        ),
        flush=True,
    )
