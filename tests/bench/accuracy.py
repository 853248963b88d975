"""Recall and NDCG on real data, measured by the command that users run."""

import subprocess
import sys
import tempfile
from pathlib import Path

import orjson

from tests.support import datasets


def run() -> None:
    print("\nAccuracy: `serendip evaluate`, random fifth held out, seed 0, full ranking of unseen items, k = 20")
    for name, rows in datasets.present():
        with tempfile.TemporaryDirectory() as folder:
            path = datasets.write(rows, Path(folder) / "interactions.csv")
            command = [
                sys.executable,
                "-m",
                "app.entry.cli.main",
                "evaluate",
                str(path),
                "--holdout",
                "random",
                "--json",
            ]
            report = orjson.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        model, popular = report["metrics"], report["popularity"]
        print(
            f"  {name}: recall {model['recall']:.4f}, NDCG {model['ndcg']:.4f}, MRR {model['mrr']:.4f}, "
            f"coverage {model['coverage']:.3f} (popularity: {popular['recall']:.4f}, {popular['ndcg']:.4f})"
        )
        print(f"    {report['parameters']}, {report['seconds']} s, {report['peak_memory_mb']} MB")
