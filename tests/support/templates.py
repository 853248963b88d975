"""The templates, parsed once for all tests of a process: a file takes a second."""

import json
from functools import cache

from infra import variants
from infra.variants import Template


@cache
def _text_of(name: str) -> str:
    return json.dumps(variants.load(name))


def load(name: str) -> Template:
    """Returns a copy of a template, as `infra.variants.load` does."""
    template: Template = json.loads(_text_of(name))
    return template
