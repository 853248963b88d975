"""Which proofs of the deployment run: all of them in `make deploy-check`, in `make test` those of a minute."""

import os

FULL = os.environ.get("DEPLOY_CHECK") == "full"
