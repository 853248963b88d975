"""Expands SAM's resources of a template as CloudFormation does: JSON in, JSON out.

Run by `.venv/sam/bin/python`, whose libraries need other versions than ours.
"""

import json
import sys

from boto3.session import Session  # type: ignore[import-not-found]
from samtranslator.parser.parser import Parser  # type: ignore[import-not-found]
from samtranslator.translator.translator import Translator  # type: ignore[import-not-found]


def main() -> None:
    """Gives no values of parameters, which stay; the region only decides the partition in names, which is `aws`."""
    translator = Translator({}, Parser(), boto_session=Session(region_name="us-east-1"))
    json.dump(translator.translate(json.load(sys.stdin), {}), sys.stdout, separators=(",", ":"))


if __name__ == "__main__":
    main()
