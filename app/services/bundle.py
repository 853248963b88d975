"""The services of one process, as routes, sockets, the stream and jobs get them."""

from dataclasses import dataclass
from typing import Protocol

from app.clock import Clock
from app.config import Settings
from app.domain.jobs import Job
from app.services.access.authentication import Authentication
from app.services.access.idempotency import Idempotency
from app.services.access.keys import Keys
from app.services.access.own_events import OwnEvents
from app.services.access.projects import Projects
from app.services.access.rate_limits import Limiter
from app.services.catalog.feed import Feed
from app.services.catalog.packer import CatalogPacker
from app.services.catalog.search import ItemSearch
from app.services.counters.counting import Counting
from app.services.counters.lists import Lists
from app.services.event_types import EventTypes
from app.services.events import Events
from app.services.failures import Failures, Refusals
from app.services.items import Items
from app.services.jobs import Jobs
from app.services.models.begin_training import TrainingJobs
from app.services.models.outcomes import Outcomes
from app.services.models.retraining import Retraining
from app.services.models.rollout import Rollout
from app.services.models.train import Train
from app.services.privacy.erasure import Erasure
from app.services.privacy.sessions import Sessions
from app.services.readiness import Readiness
from app.services.recommendations.decision_log import DecisionLog
from app.services.recommendations.recommend import Recommend
from app.services.recommendations.recommendations import Recommendations
from app.services.recommendations.scenarios import Scenarios
from app.services.sockets import Sockets
from app.services.tokens.signed import SignedTokens
from app.services.tuning import Tuning
from app.services.usage import Usage
from app.services.users import Users
from app.services.verdicts import Verdicts


class Launcher(Protocol):
    """Starts a job in another process or function."""

    def launch(self, project: str, job: Job) -> None:
        """Raises WorkerUnavailable."""


@dataclass(frozen=True)
class Services:
    settings: Settings
    access: Authentication
    keys: Keys
    projects: Projects
    limiter: Limiter
    idempotency: Idempotency
    jobs: Jobs
    items: Items
    item_search: ItemSearch
    packer: CatalogPacker
    users: Users
    events: Events
    own_events: OwnEvents
    feed: Feed
    recommend: Recommend
    recommendations: Recommendations
    train: Train
    rollout: Rollout
    outcomes: Outcomes
    counting: Counting
    verdicts: Verdicts
    tuning: Tuning
    event_types: EventTypes
    lists: Lists
    failures: Failures
    refusals: Refusals
    scenarios: Scenarios
    decisions: DecisionLog
    sessions: Sessions
    sockets: Sockets
    erasure: Erasure
    usage: Usage
    tokens: SignedTokens
    training_jobs: TrainingJobs
    retraining: Retraining
    clock: Clock
    readiness: Readiness
