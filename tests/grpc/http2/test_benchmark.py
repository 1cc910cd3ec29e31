"""The benchmark that compares rxpump with h2 runs without errors."""

from __future__ import annotations

from click.testing import CliRunner

from benchmarks.http2 import H2, RxPump, main, response


def test_both_contestants_do_the_same_work() -> None:
    chunks = response(1000)
    assert RxPump().read(chunks) == H2().read(chunks) == 1000
    assert RxPump().call(10) == H2().call(10) == 10
    assert min(RxPump().write(10), H2().write(10)) >= 10 * (9 + 225)


def test_a_table_is_printed() -> None:
    result = CliRunner().invoke(main, ["--messages", "100", "--calls", "5", "--rounds", "1"])
    assert result.exit_code == 0, result.output
    assert "unary call" in result.output
