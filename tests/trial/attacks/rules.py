"""Rules of requests that ask for much time or memory."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count

from tests.trial.record import Record
from tests.trial.stage import Stage

LISTED, CHARACTERS = 2_000, 50_000
AT_ONCE = 4
ROUNDS = 4
MOST_MEMORY = 500 * 2**20
ONE_LETTER = "[" + ",".join("1" * 20) + "]"
BODY = {"limit": 50, "events": [{"item_id": "i1"}]}
BOMBS = (
    f"{ONE_LETTER}.all(a, {ONE_LETTER}.all(b, {ONE_LETTER}.all(c, {ONE_LETTER}.all(d, a + b + c + d > 0))))",
    f"[[item.s]]{'.map(a, [a[0] + a[0] + a[0] + a[0]])' * 9}.size() > 0",
    'item.l.all(a, item.l.all(b, !item.s.matches("(x+x+)+y")))',
    'item.l.all(a, item.s.matches("[a-q][^u-z]{200}x"))',
    "item.l.map(a, item.l.map(b, item.l)).size() > 0",
    "item.l.all(a, item.d == item.d)",
    "item.l.all(a, !(500.0 in item.l))",
    "item.l.all(a, item.s.lowerAscii() != item.s.upperAscii())",
    "item.l.map(a, item.l.map(b, item.s + item.s)).size() > 0",
    "item.l.map(a, item.s).map(t, t + t + t + t).size() > 0",
    'item.s.contains(item.s + "y") || item.l.exists(a, item.s.contains(item.s + "y"))',
    f"{'(' * 200}true{')' * 200}",
    " && ".join(["item.price < 20.0"] * 200),
    r'item.text.matches(r"(\pL|\pN){50}x")',
    "item.tags.all(a, item.tags.all(b, item.tags.all(c, item.tags.all(d, a + b + c + d != item.text))))",
    " || ".join(rf'item.text.matches(r"\pL{{{200 + number}}}")' for number in range(50)),
)


def bombs(stage: Stage, record: Record) -> None:
    """Filters and boosts that run for minutes or ask for gigabytes, four at a time."""
    long = [float(number % 100) for number in range(LISTED)]
    heavy = {"l": long, "s": "x" * CHARACTERS, "d": {str(number): long[:200] for number in range(20)}, "price": 1.0}
    numbers, rounds = count(), 1 if stage.is_short else ROUNDS
    stage.serve()
    with stage.client() as client:
        record.send(client, "PUT", "/v1/items/heavy", 200, json={"title": "Heavy", "properties": heavy})
        record.send(client, "POST", "/v1/recommendations", 200, json=BODY | {"filter": "item.price < 20.0"})
        before, cpu = stage.memory(), stage.cpu_seconds()

        def send(bomb: str) -> None:
            bomb += " " * next(numbers)  # it is not compiled yet
            record.send(client, "POST", "/v1/recommendations", 200, 422, 503, json=BODY | {"filter": bomb})
            boost = f"({bomb}) ? 2.0 : 1.0"
            record.send(client, "POST", "/v1/recommendations", 200, 422, 503, json=BODY | {"boost": boost})

        with stage.watched(record), ThreadPoolExecutor(AT_ONCE) as senders:
            list(senders.map(send, BOMBS * rounds))
        grown = stage.memory() - before
        record.expect(grown < MOST_MEMORY, f"the server's memory grew by {grown >> 20} MB")
        record.note(f"{(stage.cpu_seconds() - cpu) / (2 * len(BOMBS) * rounds) * 1_000:.0f} ms of CPU each")
