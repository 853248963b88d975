"""/v1/scenarios"""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api import answers
from app.api.http.conditions import TAGGED, ToChange, ToPut, tag
from app.api.http.dependencies import Cursor, PageLimit, ScenarioId, ServicesDep
from app.api.http.problems import WITH_BODY, responses
from app.api.http.security import CanAdminister
from app.api.schemas.fields import Id
from app.api.schemas.scenarios import ScenarioPage, ScenarioSettingsIn, ScenarioView, StoredScenarioView
from app.services.recommendations.scenarios import wish_of

router = APIRouter(prefix="/v1", tags=["scenarios"])

DryRun = Annotated[bool, Query(description="Check the settings and store nothing.")]
PreviewUser = Annotated[Id | None, Query(description="Also answer with what this user would get.")]


@router.put(
    "/scenarios/{scenario_id}",
    operation_id="putScenario",
    summary="Put scenario",
    responses=responses(409, 412, 428, *WITH_BODY) | {200: TAGGED},
)
def put(
    scenario_id: ScenarioId,
    body: ScenarioSettingsIn,
    project: CanAdminister,
    services: ServicesDep,
    expected: ToPut,
    response: Response,
    dry_run: DryRun = False,
    preview_user: PreviewUser = None,
) -> StoredScenarioView:
    """Store the settings of a placement as a new version; those that are there already change nothing."""
    placement = body.record()
    if dry_run:
        scenario = services.scenarios.draft(project, scenario_id, placement)
    else:
        scenario = services.scenarios.put(project, scenario_id, placement, expected)
        tag(response, scenario)
    view = StoredScenarioView.of(scenario)
    if preview_user is not None:
        wish = wish_of(scenario, {})
        answer = services.recommend.for_user(project, preview_user, wish)
        rows = services.recommend.rows(project, preview_user, wish, placement.rows)
        view.preview = answers.view(services, project, answer, wish, preview_user)
        view.preview_rows = [answers.row(services, project, one, wish, preview_user, properties=False) for one in rows]
    return view


@router.get(
    "/scenarios/{scenario_id}",
    operation_id="getScenario",
    summary="Get scenario",
    responses=responses(404) | {200: TAGGED},
)
def get(
    scenario_id: ScenarioId,
    project: CanAdminister,
    services: ServicesDep,
    response: Response,
    version: Annotated[int | None, Query(ge=1, le=999_999, description="An earlier version.")] = None,
) -> ScenarioView:
    """The settings of a placement."""
    if version is not None:
        return ScenarioView.of(services.scenarios.version(project, scenario_id, version))
    scenario = services.scenarios.get(project, scenario_id)
    tag(response, scenario)
    return ScenarioView.of(scenario)


@router.delete(
    "/scenarios/{scenario_id}",
    operation_id="deleteScenario",
    summary="Delete scenario",
    status_code=204,
    responses=responses(404, 409, 412, 428),
)
def delete(scenario_id: ScenarioId, project: CanAdminister, services: ServicesDep, expected: ToChange) -> None:
    """Delete a scenario; requests that name it get 404. Its versions can still be read."""
    services.scenarios.delete(project, scenario_id, expected)


@router.get("/scenarios", operation_id="listScenarios", summary="List scenarios", responses=responses(400))
def list_(project: CanAdminister, services: ServicesDep, cursor: Cursor = None, limit: PageLimit = 50) -> ScenarioPage:
    """All scenarios by name. A page can be short and still have a next one."""
    listing = (project, "scenarios")
    page = services.scenarios.list_page(project, services.tokens.start(cursor, *listing), limit)
    scenarios = [ScenarioView.of(one) for one in page.records]
    return ScenarioPage(scenarios=scenarios, next_cursor=services.tokens.cursor(page.next_start, *listing))
