"""Import time of the Lambda entry compared with a bare FastAPI + Mangum + PynamoDB program, and first requests."""

import json
import os
import statistics
import subprocess
import sys
import time

from tests.bench.latency import environment_of, loaded_shop
from tests.support.datasets import ROOT

ROUNDS = 15
HELLO = """
from fastapi import FastAPI
from mangum import Mangum
from pynamodb.attributes import UnicodeAttribute
from pynamodb.models import Model
class Thing(Model):
    class Meta:
        table_name = "things"
        region = "us-east-1"
        host = "http://127.0.0.1:9"
        aws_access_key_id = aws_secret_access_key = "local"
    key = UnicodeAttribute(hash_key=True)
Thing._get_connection().connection.client
app = FastAPI()
@app.get("/")
def hello():
    return {"hello": "world"}
handler = Mangum(app, lifespan="off")
event = {"version": "2.0", "rawPath": "/", "rawQueryString": "", "headers": {},
         "requestContext": {"http": {"method": "GET", "path": "/", "sourceIp": "127.0.0.1"}, "domainName": "x"}}
handler(event, None)
"""
OURS = "import app.entry.aws.handler"
FIRST = """
import json, sys, time
from app.entry.aws.handler import handler
from tests.support.payloads import http_api
method, target, key, body = sys.argv[1:]
event = http_api((method, target, {"x-api-key": key, "content-type": "application/json"}, body.encode() or None))
loaded, seconds = set(sys.modules), []
for _ in range(3):
    started = time.perf_counter()
    status = handler(event, None)["statusCode"]
    seconds.append(time.perf_counter() - started)
    modules = set(sys.modules) - loaded
assert status < 300, status
heads = {".".join(name.split(".")[:3]) if name.startswith("app.") else name.split(".")[0] for name in modules}
print(json.dumps([seconds[0] - min(seconds[1:]), sorted(heads)]))
"""
EVENT = '{"events": [{"user_id": "user-001", "item_id": "sku-001", "timestamp": "2026-01-01T00:00:00Z"}]}'
REQUESTS = (
    ("GET", "/v1/users/user-001/recommendations", ""),
    ("GET", "/v1/users/user-001/recommendations?filter=item.properties.price<30.0", ""),
    ("POST", "/v1/events", EVENT),
    ("PUT", "/v1/items/bench", '{"title": "Bench"}'),
    ("GET", "/v1/models", ""),
    ("GET", "/openapi.json", ""),
)
FIRST_ROUNDS = 5


def run() -> None:
    _import_times()
    print("  Extra time of an instance's first request over later ones, median of", FIRST_ROUNDS, "instances:")
    with loaded_shop() as (settings, key):
        _first_requests(environment_of(settings), key)


def _first_requests(environment: dict[str, str], key: str) -> None:
    for method, target, body in REQUESTS:
        extra, modules = [], []
        for _ in range(FIRST_ROUNDS):
            printed = subprocess.run(
                [sys.executable, "-c", FIRST, method, target, key, body],
                env=environment,
                check=True,
                capture_output=True,
                text=True,
                cwd=ROOT,
            ).stdout
            seconds, modules = json.loads(printed.splitlines()[-1])
            extra.append(seconds)
        added = statistics.median(extra) * 1000
        print(f"    {method} {target}: {added:.0f} ms; imports {', '.join(modules) or 'nothing'}")


def _import_times() -> None:
    print("\nCold start: import and first request, in a fresh process; median of", ROUNDS, "alternating rounds")
    environment = {
        **os.environ,
        "SERENDIP_SECRET": "benchmark only, benchmark only, b",
        "SERENDIP_ENDPOINT": "http://127.0.0.1:9",
    }
    programs = {"nothing": "pass", "hello world": HELLO, "Serendip": OURS}
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for round_number in range(ROUNDS + 1):
        for name, code in programs.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], env=environment, check=True, cwd=ROOT)
            if round_number:  # the first round fills the file cache and the .pyc files
                seconds[name].append(time.perf_counter() - started)
    median = {name: statistics.median(times) for name, times in seconds.items()}
    bare, ours = median["hello world"] - median["nothing"], median["Serendip"] - median["nothing"]
    print(f"  hello world {bare * 1000:.0f} ms, Serendip {ours * 1000:.0f} ms: ratio {ours / bare:.2f} (goal 1.3)")
