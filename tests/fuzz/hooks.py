"""What a schema cannot express: timestamps in the past, a new Idempotency-Key, a condition, and harder bodies.

A part of all bodies is sent as gzip. A part of those that are not valid gets numbers of hundreds of digits, and rules
that ask for much work.
"""

import atexit
import gzip
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4
from zlib import crc32

import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation

from app.api.schemas.fields import LATEST_SECONDS
from app.api.schemas.senders.ga4 import EARLIEST, MICROS
from app.domain.fields import ID_PATTERN
from tests.trial.attacks.rules import BOMBS

GZIP_PART, HARDER_PART = 4, 2
"""One body of this many."""
HUGE = (10**400, -(10**400), 2**64, -(2**63) - 1, 10**4_000)
RULES = ("filter", "boost")
PAGE_SCOPES = {"recommend", "rules", "events:own"}
"""Of keys that may need a user token."""
JSON = "application/json"
changed: Counter[str] = Counter()

IDEMPOTENCY_KEY = re.compile(r'"?[\x21\x23-\x5b\x5d-\x7e]{1,255}"?')
STARTED = datetime.now(UTC)
OWN_KEYS = {os.environ[name][3:15] for name in ("SERENDIP_FUZZ_KEY", "SERENDIP_FUZZ_ADMINISTRATOR_KEY")}
OWN_PROJECT = os.environ["SERENDIP_FUZZ_PROJECT"]

schemathesis.openapi.format(
    "date-time",
    st.datetimes(datetime(1970, 1, 1), STARTED.replace(tzinfo=None), timezones=st.just(UTC)).map(datetime.isoformat),  # noqa: DTZ001
)
FILTERS = ["true", "item.price < 20.0", '"a" in item.categories', "has(user.age) && item.age <= user.age", "item.x"]
BOOSTS = ["2", "item.margin", "has(item.price) ? 1.0 / item.price : 0.5", "now.getHours()"]
schemathesis.openapi.format("cel-filter", st.sampled_from(FILTERS))
schemathesis.openapi.format("cel-boost", st.sampled_from(BOOSTS))
schemathesis.openapi.format("encoding", st.sampled_from(["latin-1", "cp1251", "UTF-16", "shift_jis"]))
schemathesis.openapi.format("strptime", st.sampled_from(["%m/%d/%Y %H:%M", "%d.%m.%y", "%Y-%j", "%I:%M %p, %d %b %Y"]))


def _moved(body: Any) -> Any:
    """The body with future events moved into the past, the expiry of keys into the future, and keys for pages only."""
    if isinstance(body, list):
        return [_moved(element) for element in body]
    if not isinstance(body, dict):
        return body
    moved = {name: _moved(value) for name, value in body.items()}
    now = datetime.now(UTC)
    for name in ("timestamp", "originalTimestamp"):
        stamp: Any = moved.get(name)
        if isinstance(stamp, int | float) and now.timestamp() < stamp <= LATEST_SECONDS:
            moved[name] = stamp % now.timestamp()
        if isinstance(stamp, str) and _is_timestamp(stamp) and datetime.fromisoformat(stamp) > now:
            moved[name] = now.isoformat()  # it was taken from a response
    micros: Any = moved.get("timestamp_micros")
    if re.fullmatch(r"[1-9][0-9]{15}(\.0)?", str(micros)) and float(micros) / MICROS > now.timestamp():
        moved["timestamp_micros"] = EARLIEST
    ends: Any = moved.get("expires_at")
    if type(ends) in {int, float} and 0 <= ends <= now.timestamp() + 60:
        moved["expires_at"] = (now + timedelta(days=1)).timestamp()
    if isinstance(ends, str) and _is_timestamp(ends):
        moved["expires_at"] = (now + timedelta(days=1)).isoformat()
    scopes: Any = moved.get("scopes") or ()
    if "needs_user_token" in moved and not (isinstance(scopes, list | tuple) and set(map(str, scopes)) <= PAGE_SCOPES):
        del moved["needs_user_token"]
    return moved


def _is_timestamp(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _selecting(query: Mapping[str, Any]) -> dict[str, Any]:
    """The conditions on events, changed so that some may meet them."""
    conditions = dict(query)
    if all(re.fullmatch(ID_PATTERN, str(conditions.get(name, ""))) for name in ("user_id", "session_id")):
        del conditions["session_id"]
    times = [str(conditions.get(name)) for name in ("from_time", "to_time")]
    if all(map(_is_timestamp, times)) and datetime.fromisoformat(times[0]) >= datetime.fromisoformat(times[1]):
        del conditions["to_time"]
    return conditions


@schemathesis.hook
def before_call(_context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    headers, parameters = case.headers or {}, case.path_parameters or {}
    for name in list(headers):
        if name.lower() == "idempotency-key" and IDEMPOTENCY_KEY.fullmatch(str(headers[name])):
            headers[name] = uuid4().hex
        elif name.lower() in {"if-match", "if-none-match"} and headers[name] == "0":
            headers[name] = "*"  # the coverage phase calls "0" valid although the pattern excludes it
    if parameters.get("key_id") in OWN_KEYS:  # the run must not revoke the keys that it uses
        parameters["key_id"] = "000000000000"
    if parameters.get("project_id") == OWN_PROJECT and case.method == "DELETE":  # nor delete their project
        parameters["project_id"] = "another"
    if case.path == "/v1/events" and case.method in {"GET", "DELETE"}:
        case.query = _selecting(case.query or {})
        if case.method == "DELETE" and not case.query.keys() - {"debug"}:
            case.query["item_id"] = "i1"
    moved = _moved(case.body)
    if moved != case.body:
        case.body = moved
    if isinstance(case.body, dict | list) and case.media_type == JSON:
        _send_harder(case, kwargs)


def _send_harder(case: Any, kwargs: dict[str, Any]) -> None:
    """Replaces the body that is sent; which one is derived from the body, so that a case can be repeated."""
    body = json.dumps(case.body)
    choose = Random(crc32(body.encode()))
    component = case.meta.components.get(ParameterLocation.BODY) if case.meta else None
    is_invalid = component is not None and component.mode is GenerationMode.NEGATIVE
    if is_invalid and not choose.randrange(HARDER_PART):
        body = json.dumps(_harder(case.body, choose))
        kwargs["data"] = body.encode()
    if not choose.randrange(GZIP_PART):
        kwargs["data"] = gzip.compress(body.encode())
        case.headers["Content-Encoding"] = "gzip"
        changed["gzip bodies"] += 1


def _harder(value: Any, choose: Random, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _harder(inner, choose, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_harder(inner, choose) for inner in value]
    if name in RULES:
        changed["rules"] += 1
        return choose.choice(BOMBS)
    if isinstance(value, int | float) and not isinstance(value, bool):
        changed["huge numbers"] += 1
        return choose.choice(HUGE)
    return value


@atexit.register
def _report() -> None:
    sys.stderr.write(f"Sent harder: {dict(changed)}\n")
