"""Real servers resume, or not, as written; and README.md says so."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from command import Missing
from interop import rows_refusals, rows_tls, rows_web, rows_world, table
from interop.phases import DECLINED, FIRST, NONE, PHASES, RECOVERED, REFUSED, YES, run
from interop.site_files import Site

from build import BuildError, ssl_server2


def _rows(config):
    return [
        *rows_web.ROWS,
        *rows_tls.ROWS,
        *rows_refusals.ROWS,
        *(rows_world.ROWS if config.getoption("--world") else ()),
    ]


def pytest_generate_tests(metafunc):
    if "row" in metafunc.fixturenames:
        metafunc.parametrize("row", _rows(metafunc.config), ids=str)


@pytest.fixture(scope="session")
def sites(tmp_path_factory, certs, micropython, micropython_tls12):
    folder = tmp_path_factory.mktemp("interop")
    try:
        mbedtls = ssl_server2()
    except BuildError as e:
        mbedtls = e
    return {
        key: Site(folder, certs, key, micropython, micropython_tls12, mbedtls)
        for key in ("ECDSA", "RSA")
    }


@pytest.fixture(scope="module")
def futures(request, sites):
    """A Future of each row's Result, if a test wants it. They run side by side: most of their
    time is waiting."""
    wanted = [item for item in request.session.items if item.module is request.module]
    rows = [item.callspec.params["row"] for item in wanted if hasattr(item, "callspec")]
    if len(rows) < len(wanted):
        rows = _rows(request.config)
    with ThreadPoolExecutor(12) as pool:
        yield {row: pool.submit(run, row, sites[row.key]) for row in rows}


def _result_or_reason(future):
    try:
        return future.result()
    except Missing as e:
        return str(e)


@pytest.fixture
def result(row, futures):
    result = _result_or_reason(futures[row])
    if isinstance(result, str):
        pytest.skip(f"not run: {result}")
    return result


def test_a_session_fares_as_written(row, result):
    assert {phase: result.outcome(phase) for phase in PHASES} == row.outcomes(result.version)


def test_client_server_and_wire_agree(result):
    for one in result.connections:
        if one.outcome != REFUSED:
            assert one.wire in (None, one.outcome == YES), one
            assert one.word in (None, one.outcome == YES), one


def test_a_first_connection_is_never_resumed(result):
    assert YES not in [one.outcome for one in result.connections if one.phase == FIRST]


def test_after_a_restart_it_resumes_as_before(row, result):
    resumes = row.recovers and row.expected[0].outcome not in (DECLINED, NONE, REFUSED)
    assert (result.outcome(RECOVERED) == YES) == resumes


def test_the_page_is_what_comes_out(futures, pytestconfig):
    results = {row: _result_or_reason(futures[row]) for row in _rows(pytestconfig)}
    page = table.render(results)
    if pytestconfig.getoption("--write-table"):
        table.README.write_text(page)
    there = iter(table.rows_of(table.README.read_text()))
    missing = {why for why in results.values() if isinstance(why, str)}
    if missing:
        pytest.skip("not run: " + "; ".join(sorted(missing)))
    assert [line for line in table.rows_of(page) if line not in there] == []
    if pytestconfig.getoption("--world"):
        assert list(there) == []
