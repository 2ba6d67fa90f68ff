"""What both differential tests share: the server that does not coalesce, and the proof that the other does."""

import functools

from harness.paths import PROGRAM
from harness.process import run


@functools.cache
def has_coalescing():
    return "--coalescing" in run([PROGRAM, "serve", "--help"]).out


def COALESCING_OFF():
    return ("--coalescing=false",) if has_coalescing() else ()


def expect_coalescing(server):
    """A differential test must not pass because nothing ever ran together."""
    queue = server.status()["queue"]
    assert queue["grouped_units"] > 0, queue
    if has_coalescing():
        assert queue["coalesced_units"] > 0, queue
