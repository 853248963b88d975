"""Whether all deployment tests run (`make deploy-check`) or only the fast ones (`make test`)."""

import os

FULL = os.environ.get("DEPLOY_CHECK") == "full"
