"""Updates the snapshot unless that would break clients."""

import sys

from tests.openapi import main

sys.exit(main())
