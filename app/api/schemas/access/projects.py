"""The bodies of projects."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from app.api.schemas.access.keys import LimitedPatch, LimitsIn, LimitsView, NewKeyView
from app.api.schemas.fields import Body, Id, Title
from app.api.schemas.privacy import ReceiptView
from app.domain.access import Project, ProjectState

ProjectName = Annotated[Title | None, Field(description="A name for people.", examples=["Shop, production"])]


def _named(project_id: str) -> str:
    if not project_id.strip("."):
        raise ValueError("must not consist of dots, because paths cannot hold it")
    return project_id


class ProjectIn(Body):
    project_id: Annotated[
        Id,
        AfterValidator(_named),
        Field(description="The id of the project, which is never reused.", examples=["shop"]),
    ]
    name: ProjectName = None
    limits: Annotated[LimitsIn | None, Field(description="The limits of keys that are created without limits.")] = None


class ProjectPatch(LimitedPatch):
    """The fields to change; other fields keep their values."""

    name: ProjectName = None


class ProjectView(BaseModel):
    project_id: Annotated[str, Field(description="The id of the project.", examples=["shop"])]
    name: Annotated[str | None, Field(description="The name.", examples=["Shop, production"])]
    state: Annotated[ProjectState, Field(description="The state of the project.", examples=["active"])]
    created_at: Annotated[
        datetime, Field(description="The time when the project was created.", examples=["2026-11-24T10:15:00Z"])
    ]
    limits: Annotated[LimitsView, Field(description="The limits of keys without limits, and of JWTs.")]
    deletion: Annotated[ReceiptView | None, Field(description="The receipt of the deletion.")]

    @classmethod
    def of(cls, project: Project) -> "ProjectView":
        return cls(
            project_id=project.project_id,
            name=project.name,
            state=project.state,
            created_at=project.created_at,
            limits=LimitsView.model_validate(project.limits),
            deletion=ReceiptView.model_validate(project.deletion) if project.deletion else None,
        )


class NewProjectView(BaseModel):
    project: Annotated[ProjectView, Field(description="The project.")]
    key: Annotated[NewKeyView, Field(description="The first admin key of the project. It is not shown again.")]


class ProjectPage(BaseModel):
    projects: Annotated[list[ProjectView], Field(description="The projects.")]
    next_cursor: Annotated[str | None, Field(description="The cursor of the next page; null on the last page.")]
