"""node-postgres, pg-cursor and pg-query-stream in their own process."""

import json


def run_json(node, server, script):
    done = node(script, env=server.environment())
    assert done.code == 0, done
    return json.loads(done.out)


def test_basics(server, node):
    out = run_json(node, server, "pg_basics.cjs")
    assert out["inserted"] == ["INSERT", 1]
    found = [{"i": "1", "s": "it's é", "seen": "2024-01-02T03:04:05.678Z", "n": "12.50", "ok": True}]
    assert out["prepared"] == [found, [], found]
    assert out["several"] == [[{"a": 1}], [{"b": 2}]]
    assert out["arrays"] == [[1, 2]]
    assert out["duplicate"] == "23505"
    assert out["syntax"] == ["42601", "1"]
    assert out["after_rollback"] == 1
    assert out["types"] == {"list": [1, 2, None], "nothing": None, "f": 1.5, "d": "2024-02-29", "j": {"k": 1}}
    assert out["pooled"] == {"n": 100, "s": 14950}


def test_cursors_and_streams(server, node):
    out = run_json(node, server, "pg_streams.cjs")
    assert out == {
        "cursor": [[300, 1], [300, 301], [300, 601], [100, 901]],
        "early": 5,
        "after_close": 1,
        "stream": [50000, 50000 * 50001 // 2],
        "left": 250,
        "after_stream": 2,
    }
