"""The terminal gets a short line for each request, and for each unexpected error."""

import logging
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app import telemetry
from app.entry.local.request_lines import RequestLines, print_failures
from app.errors import Unavailable
from app.telemetry import RequestLog


def respond(request: Request) -> PlainTextResponse:
    if request.path_params["status"] == 0:
        raise KeyError("item_id")
    return PlainTextResponse("", request.path_params["status"])


def lines_of(*statuses: int, colors: bool = False) -> list[str]:
    lines: list[str] = []
    application = Starlette(routes=[Route("/answer/{status:int}", respond)])
    client = TestClient(RequestLines(application, lines.append, colors=colors), raise_server_exceptions=False)
    for status in statuses:
        client.get(f"/answer/{status}?token=secret")
    return lines


@pytest.fixture
def _logger_is_restored() -> Iterator[None]:
    logger = telemetry.logger
    before = logger.handlers, logger.level, logger.propagate
    yield
    logger.handlers, logger.level, logger.propagate = before


class TestRequestLines:
    def test_a_line_has_method_path_status_and_milliseconds_but_no_query(self) -> None:
        (line,) = lines_of(200)

        method, path, status, milliseconds, unit = line.split()
        assert (method, path, status, unit) == ("GET", "/answer/200", "200", "ms")
        assert float(milliseconds) >= 0

    def test_the_color_shows_the_kind_of_status(self) -> None:
        colors = [line.split("\033[")[1].split("m")[0] for line in lines_of(200, 404, 503, colors=True)]

        assert colors == ["32", "33", "31"]

    def test_a_request_that_fails_has_a_line(self) -> None:
        (line,) = lines_of(0)

        assert line.split()[:3] == ["GET", "/answer/0", "500"]

    def test_a_problem_of_the_server_says_why(self) -> None:
        def fail(_: Request) -> JSONResponse:
            return JSONResponse({"detail": "The disk that holds x is full."}, 503)

        lines: list[str] = []
        TestClient(RequestLines(Starlette(routes=[Route("/x", fail)]), lines.append, colors=False)).get("/x")

        assert lines[0].endswith(" ms The disk that holds x is full.")

    def test_control_characters_of_a_path_do_not_reach_the_terminal(self) -> None:
        lines: list[str] = []
        TestClient(RequestLines(Starlette(), lines.append, colors=False)).get("/%1b[31mred")

        assert "\033" not in lines[0]
        assert "%1B" in lines[0]


@pytest.mark.usefixtures("_logger_is_restored")
class TestPrintFailures:
    def test_an_error_of_the_log_is_one_line_and_other_lines_are_left_out(self) -> None:
        lines: list[str] = []
        print_failures(lines.append)

        telemetry.log_fields({"route": "stream", "records": 3})
        telemetry.log_failure(RequestLog(), KeyError("item_id"))

        assert logging.getLogger("serendip").handlers
        assert lines == ["builtins.KeyError at an unknown place (details: --json-logs)"]

    def test_an_unavailable_database_is_one_sentence_however_often_it_is_noticed(self) -> None:
        lines: list[str] = []
        print_failures(lines.append)

        for _ in range(3):
            telemetry.log_failure(RequestLog(), Unavailable("The database cannot be reached. Try again later."))

        assert lines == ["The database is unavailable. The work that it interrupts is tried again."]
