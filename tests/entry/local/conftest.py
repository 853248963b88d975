"""A browser for tests of pages."""

from tests.support.chromium import browser

__all__ = ["browser"]
