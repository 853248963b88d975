"""/v1/scenarios"""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api.http.dependencies import Cursor, PageLimit, ScenarioId, ServicesDep
from app.api.http.preconditions import TAGGED, ToChange, ToPut, tag
from app.api.http.responses import responses
from app.api.http.routing.operations import Operation
from app.api.http.security import ProjectForAdmin
from app.api.schemas.fields import Id
from app.api.schemas.recommendations import RecommendationListView
from app.api.schemas.scenarios import PageRowView, ScenarioPage, ScenarioSettingsIn, ScenarioView, StoredScenarioView

router = APIRouter(prefix="/v1", tags=["scenarios"], route_class=Operation)

VersionNumber = Annotated[
    int | None, Query(ge=1, le=999_999, description="The number of an earlier version.", examples=[2])
]
DryRun = Annotated[bool, Query(description="Only check the settings; nothing is stored.", examples=[True])]
PreviewUser = Annotated[
    Id | None, Query(description="Also return the list and rows that this user would get.", examples=["ann"])
]


@router.put("/scenarios/{scenario_id}", responses={200: TAGGED})
def put_scenario(
    scenario_id: ScenarioId,
    body: ScenarioSettingsIn,
    project: ProjectForAdmin,
    services: ServicesDep,
    expected: ToPut,
    response: Response,
    dry_run: DryRun = False,
    preview_user: PreviewUser = None,
) -> StoredScenarioView:
    """Store settings as a new version of a scenario, unless the current version has the same settings."""
    settings = body.record()
    if dry_run:
        scenario = services.scenarios.draft(project, scenario_id, settings)
    else:
        scenario = services.scenarios.put(project, scenario_id, settings, expected)
        tag(response, scenario)
    view = StoredScenarioView.of(scenario)
    if preview_user is not None:
        preview, rows = services.recommendations.preview(project, preview_user, scenario)
        view.preview = RecommendationListView.model_validate(preview)
        view.preview_rows = [PageRowView.model_validate(row) for row in rows]
    return view


@router.get("/scenarios/{scenario_id}", responses=responses(404) | {200: TAGGED})
def get_scenario(
    scenario_id: ScenarioId,
    project: ProjectForAdmin,
    services: ServicesDep,
    response: Response,
    version: VersionNumber = None,
) -> ScenarioView:
    """Get the settings of a scenario."""
    if version is not None:
        return ScenarioView.of(services.scenarios.version(project, scenario_id, version))
    scenario = services.scenarios.get(project, scenario_id)
    tag(response, scenario)
    return ScenarioView.of(scenario)


@router.delete("/scenarios/{scenario_id}", status_code=204, responses=responses(404))
def delete_scenario(
    scenario_id: ScenarioId, project: ProjectForAdmin, services: ServicesDep, expected: ToChange
) -> None:
    """Delete a scenario; requests that name it get 404. Its versions remain readable."""
    services.scenarios.delete(project, scenario_id, expected)


@router.get("/scenarios")
def list_scenarios(
    project: ProjectForAdmin, services: ServicesDep, cursor: Cursor = None, limit: PageLimit = 50
) -> ScenarioPage:
    """List scenarios by id. A page can be shorter than `limit` and still have a next page."""
    listing = (project, "scenarios")
    page = services.scenarios.list_page(project, services.tokens.start(cursor, *listing), limit)
    scenarios = [ScenarioView.of(scenario) for scenario in page.records]
    return ScenarioPage(scenarios=scenarios, next_cursor=services.tokens.cursor(page.next_start, *listing))
