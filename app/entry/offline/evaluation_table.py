"""The report of `serendip evaluate` as a table, with a column for each configuration."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.entry.offline.evaluator import COMPARED

METRICS = ("recall", "ndcg", "hit_rate", "mrr", "coverage", "novelty", "diversity", "popularity_lift", "users")

Rows = list[list[str]]


def rows(report: Mapping[str, Any]) -> tuple[list[str], Rows]:
    """The heading, and rows of metrics with 95 % intervals, differences from the first column, and segments."""
    results: Sequence[Mapping[str, Any]] = report["comparison"]
    body = [[name, *(_metric(result, name) for result in results)] for name in METRICS]
    for name in COMPARED:
        differences = [_difference(result.get("difference", {}).get(name)) for result in results]
        body.append([f"{name}, difference", *differences])
    for segment, values in results[0]["segments"].items():
        label = f"ndcg, {segment} ({values['users']})"
        body.append([label, *(f"{result['segments'][segment]['ndcg']:.4f}" for result in results)])
    return ["", *(str(result["name"]) for result in results)], body


def peer_rows(report: Mapping[str, Any]) -> tuple[list[str], Rows]:
    """The heading, and a row for each model and peer: metrics with 95 % intervals, seconds, and peak memory."""
    results: Sequence[Mapping[str, Any]] = report["comparison"]
    k, names = report["k"], ("ndcg", "recall", "coverage")
    body = [
        [
            str(result["name"]),
            *(_metric(result, name) for name in names),
            _difference(result.get("difference", {}).get("ndcg")),
            f"{result['seconds']:,.1f}" if "seconds" in result else "",
            f"{result['peak_memory_mb']:,}" if "seconds" in result else "",
        ]
        for result in results
    ]
    body += [[name, "failed", *[""] * 5] for name in report["failures"]]
    return ["", f"ndcg@{k}", f"recall@{k}", "coverage", "ndcg, difference", "seconds", "peak MB"], body


def markdown(report: Mapping[str, Any], *, with_peers: bool) -> str:
    """A GitHub Markdown table below the summary: of models and peers, or of all metrics of each configuration."""
    heading, body = peer_rows(report) if with_peers else rows(report)
    lines = [heading, ["---", *["---:"] * (len(heading) - 1)], *body]
    table = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
    return f"{summary(report)}\n\n{table}\n"


def summary(report: Mapping[str, Any]) -> str:
    interactions = report["interactions"]
    return (
        f"{report['users']:,} users, {report['items']:,} items, {interactions['train']:,} training interactions, "
        f"{interactions['test']:,} test interactions (holdout {report['holdout']}), k = {report['k']}"
    )


def _metric(result: Mapping[str, Any], name: str) -> str:
    value = result["metrics"][name]
    if name not in result["intervals"]:
        return f"{value:.4f}" if isinstance(value, float) else str(value)
    low, high = result["intervals"][name]
    return f"{value:.4f} ({low:.4f} to {high:.4f})"


def _difference(difference: Mapping[str, Any] | None) -> str:
    if difference is None:
        return ""
    low, high = difference["interval"]
    return f"{difference['value']:+.4f} ({low:+.4f} to {high:+.4f})"
