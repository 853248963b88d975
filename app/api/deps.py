"""What routes are given: the services, the project, checked ids and page bounds."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import Depends, Path, Query, Request

from app.api.schemas import MAX_LIMIT, MAX_RECORDS
from app.api.tokens import Tokens
from app.config import Settings
from app.domain import ID_PATTERN, Job
from app.secret_keys import KEY_ID_PATTERN
from app.services.access import Access
from app.services.catalog import Catalog
from app.services.counting import Counting
from app.services.decisions import Decisions
from app.services.erasure import Erasure
from app.services.events import Events
from app.services.failures import Failures
from app.services.idempotency import Idempotency
from app.services.jobs import Jobs
from app.services.keys import Keys
from app.services.limits import Limiter
from app.services.lists import Lists
from app.services.outcomes import Outcomes
from app.services.projects import Projects
from app.services.recommend import Recommend
from app.services.scenarios import Scenarios
from app.services.sessions import Sessions
from app.services.sockets import Sockets
from app.services.traffic import Traffic
from app.services.train import Train
from app.services.usage import Usage


class Launcher(Protocol):
    """Has a job done somewhere else than in this request."""

    def launch(self, project: str, job: Job) -> None:
        """Raises WorkerUnavailable."""


class BeginTraining(Protocol):
    """Has a new version trained by a job."""

    def __call__(self, project: str, *, force: bool = False, quickly: bool = False) -> Job:
        """Raises WorkerUnavailable; then no version is left."""


@dataclass(frozen=True)
class Services:
    settings: Settings
    access: Access
    keys: Keys
    projects: Projects
    limiter: Limiter
    idempotency: Idempotency
    jobs: Jobs
    catalog: Catalog
    events: Events
    recommend: Recommend
    train: Train
    traffic: Traffic
    outcomes: Outcomes
    counting: Counting
    lists: Lists
    failures: Failures
    scenarios: Scenarios
    decisions: Decisions
    sessions: Sessions
    sockets: Sockets
    erasure: Erasure
    usage: Usage
    tokens: Tokens
    begin_training: BeginTraining
    clock: Callable[[], datetime]
    missing_tables: Callable[[], list[str]]


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Given = Annotated[Services, Depends(_services)]


_ID = Path(pattern=ID_PATTERN, description="1 to 128 letters, digits or any of . _ : ~ | @ -")
ItemId = Annotated[str, _ID]
UserId = Annotated[str, _ID]
SessionId = Annotated[str, _ID]
ProjectId = Annotated[str, _ID]
ScenarioId = Annotated[str, _ID]
KeyId = Annotated[str, Path(pattern=KEY_ID_PATTERN, description="The 12 characters after `sk_`.")]
JobId = Annotated[str, Path(pattern=ID_PATTERN, examples=["j20261126T101500123456-a1b2"])]
VersionId = Annotated[str, Path(pattern=ID_PATTERN, examples=["v20261123T101500123456-a1b2"])]
Cursor = Annotated[str | None, Query(max_length=2_000, description="`next_cursor` of the page before.")]
PageLimit = Annotated[int, Query(ge=1, le=MAX_RECORDS, description="Most records of a page.")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items.")]
CategoryName = Annotated[str | None, Query(min_length=1, max_length=100, description="Only items of this category.")]
WithProperties = Annotated[bool, Query(alias="properties", description="Include the items' categories and properties.")]
