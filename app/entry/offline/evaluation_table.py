"""What `serendip evaluate` found, as a table: a column for each configuration."""

from collections.abc import Mapping, Sequence
from typing import Any

METRICS = ("recall", "ndcg", "hit_rate", "mrr", "coverage", "novelty", "diversity", "popularity_lift", "users")

Rows = list[list[str]]


def rows(report: Mapping[str, Any]) -> tuple[list[str], Rows]:
    """The heading and the rows: metrics with their 95 % intervals, differences to the first column, segments."""
    compared: Sequence[Mapping[str, Any]] = report["comparison"]
    body = [[name, *(_metric(one, name) for one in compared)] for name in METRICS]
    for name in compared[0]["intervals"]:
        differences = [_difference(one.get("difference", {}).get(name)) for one in compared]
        body.append([f"{name}, difference", *differences])
    for segment, found in compared[0]["segments"].items():
        label = f"ndcg, {segment} ({found['users']})"
        body.append([label, *(f"{one['segments'][segment]['ndcg']:.4f}" for one in compared)])
    return ["", *(str(one["name"]) for one in compared)], body


def markdown(report: Mapping[str, Any]) -> str:
    """A table of GitHub's Markdown, with what it says above."""
    heading, body = rows(report)
    lines = [heading, ["---", *["---:"] * (len(heading) - 1)], *body]
    table = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
    return f"{summary(report)}\n\n{table}\n"


def summary(report: Mapping[str, Any]) -> str:
    interactions = report["interactions"]
    return (
        f"{report['users']:,} users, {report['items']:,} items, {interactions['train']:,} interactions to learn from, "
        f"{interactions['test']:,} to judge by (holdout {report['holdout']}), k = {report['k']}"
    )


def _metric(one: Mapping[str, Any], name: str) -> str:
    value = one["metrics"][name]
    if name not in one["intervals"]:
        return f"{value:.4f}" if isinstance(value, float) else str(value)
    low, high = one["intervals"][name]
    return f"{value:.4f} ({low:.4f} to {high:.4f})"


def _difference(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    low, high = found["interval"]
    return f"{found['value']:+.4f} ({low:+.4f} to {high:+.4f})"
