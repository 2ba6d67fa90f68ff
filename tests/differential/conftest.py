import pytest

from harness.paths import Place
from harness.reference import ReferenceServer


@pytest.fixture(scope="module")
def postgres():
    """PostgreSQL 15, beside the owner under test."""
    place = Place()
    running = ReferenceServer(place)
    yield running
    try:
        running.stop()
    finally:
        place.remove()
