"""The one-time link signs in once, for a few minutes, and from a page of this machine only."""

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.api.http import problems
from app.entry.local.sign_in import MOST_SECONDS, PATH, SignIn, add_route
from tests.support.fake_clock import FakeClock

HOST = "127.0.0.1:8000"


class Door:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.sign_in = SignIn(lambda: "sk_key", self.clock)
        application = FastAPI()
        problems.add_handlers(application)
        add_route(application, self.sign_in.exchange)
        self._client = TestClient(application, base_url=f"http://{HOST}", raise_server_exceptions=False)

    def knock(self, code: str, **headers: str) -> httpx2.Response:
        return self._client.post(PATH, content=code, headers=headers)


@pytest.fixture
def door() -> Door:
    return Door()


class TestSignIn:
    def test_a_code_works_once(self, door: Door) -> None:
        code = door.sign_in.new_code()

        first, second = door.knock(code), door.knock(code)

        assert first.json() == {"key": "sk_key"}
        assert first.headers["cache-control"] == "no-store"
        assert second.status_code == 403

    def test_a_code_expires(self, door: Door) -> None:
        code = door.sign_in.new_code()
        door.clock.advance(MOST_SECONDS)

        assert door.knock(code).status_code == 403

    def test_an_older_or_a_wrong_or_no_code_is_refused(self, door: Door) -> None:
        assert door.knock("").status_code == 403
        older, newer = door.sign_in.new_code(), door.sign_in.new_code()

        assert door.knock(older).status_code == 403
        assert door.knock("guess").status_code == 403
        assert door.knock("").status_code == 403
        assert door.knock(newer).status_code == 200

    @pytest.mark.parametrize(
        "headers",
        [
            {"Host": "rebound.example:8000"},
            {"Host": "127.0.0.1.rebound.example"},
            {"Host": HOST, "Origin": "https://evil.example"},
            {"Host": HOST, "Origin": "null"},
            {"Host": HOST, "Origin": "http://127.0.0.1:9000"},
        ],
    )
    def test_other_sites_are_refused_and_do_not_use_it_up(self, door: Door, headers: dict[str, str]) -> None:
        code = door.sign_in.new_code()

        assert door.knock(code, **headers).status_code == 403
        assert door.knock(code, Host=HOST, Origin=f"http://{HOST}").status_code == 200
