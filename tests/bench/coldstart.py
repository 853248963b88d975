"""Import time of the Lambda entry beside a bare FastAPI + Mangum + PynamoDB hello world, each in fresh processes."""

import os
import statistics
import subprocess
import sys
import time

from tests.data import ROOT

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
OURS = "import app.entry.aws"


def run() -> None:
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
    print(f"  hello world {bare * 1000:.0f} ms, Serendip {ours * 1000:.0f} ms: ratio {ours / bare:.2f} (goal 1.5)")
