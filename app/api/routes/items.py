"""/v1/items"""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api.http.dependencies import (
    BoostQuery,
    CategoryName,
    Cursor,
    Fields,
    FilterQuery,
    ItemFields,
    ItemId,
    Limit,
    PageLimit,
    ServicesDep,
    WithProperties,
)
from app.api.http.idempotency import RepeatableRoute
from app.api.http.preconditions import TAGGED, UNCHANGED, IfNoneMatch, ToChange, ToPut, tag, unchanged
from app.api.http.responses import listed, responses, selected
from app.api.http.security import PrincipalDep, ProjectForRecommending, ProjectForWriting
from app.api.schemas.items import ItemIn, ItemPage, ItemPatch, ItemSearchView, ItemsIn, ItemView
from app.api.schemas.recommendations import RecommendationListView
from app.api.schemas.records import Stored, selection, short_request
from app.domain.fields import ITEM_FIELDS
from app.domain.items import ItemOrder, ItemQuery, ItemStatus

router = APIRouter(prefix="/v1", tags=["items"], route_class=RepeatableRoute)

Text = Annotated[
    str,
    Query(
        max_length=100,
        description="The beginning of an id, or of a word of the title; letter case and accents do not matter.",
        examples=["copper ket"],
    ),
]
Status = Annotated[ItemStatus | None, Query(description="Only items of this status.", examples=["hidden"])]
Order = Annotated[
    ItemOrder, Query(description="By title, or the last created (`newest`) or `changed` first.", examples=["changed"])
]


@router.put("/items/{item_id}", responses={200: TAGGED})
def put_item(
    item_id: ItemId,
    body: ItemIn,
    project: ProjectForWriting,
    services: ServicesDep,
    expected: ToPut,
    response: Response,
) -> ItemView:
    """Create or replace an item. An identical item is left unchanged."""
    item = services.items.put(project, body.record(item_id), expected)
    tag(response, item)
    return ItemView.model_validate(item)


@router.get("/items/{item_id}", response_model=ItemView, responses=responses(404) | {200: TAGGED, 304: UNCHANGED})
def get_item(
    item_id: ItemId,
    project: ProjectForWriting,
    services: ServicesDep,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> ItemView | Response:
    """Get an item."""
    item = services.items.get(project, item_id)
    tag(response, item)
    return unchanged(item, if_none_match) or ItemView.model_validate(item)


@router.patch("/items/{item_id}", responses=responses(404) | {200: TAGGED})
def patch_item(
    item_id: ItemId,
    body: ItemPatch,
    project: ProjectForWriting,
    services: ServicesDep,
    expected: ToChange,
    response: Response,
) -> ItemView:
    """Change some fields of an item; properties are merged (RFC 7396)."""
    item = services.items.patch(project, item_id, body.changes(), expected)
    tag(response, item)
    return ItemView.model_validate(item)


@router.delete("/items/{item_id}", status_code=204, responses=responses(404))
def delete_item(item_id: ItemId, project: ProjectForWriting, services: ServicesDep, expected: ToChange) -> None:
    """Delete an item. It is no longer recommended; its events stay."""
    services.items.delete(project, item_id, expected)


@router.get("/items", response_model=ItemPage)
def list_items(
    project: ProjectForWriting,
    services: ServicesDep,
    cursor: Cursor = None,
    category: CategoryName = None,
    limit: PageLimit = 50,
    fields: ItemFields = None,
) -> ItemPage | Response:
    """List items, or the items of a category, in no particular order. A short page can have a next page."""
    listing, chosen = (project, "items", category or ""), selection(fields)
    page = services.items.list_page(project, category, services.tokens.start(cursor, *listing), limit, chosen)
    items = [ItemView.of(item, chosen) for item in page.records]
    view = ItemPage(items=items, next_cursor=services.tokens.cursor(page.next_start, *listing))
    return selected(view, chosen, ITEM_FIELDS)


@router.get("/items:search", response_model=ItemSearchView)
def search_items(
    project: ProjectForWriting,
    services: ServicesDep,
    text: Text = "",
    category: CategoryName = None,
    status: Status = None,
    order: Order = ItemOrder.TITLE,
    cursor: Cursor = None,
    limit: PageLimit = 50,
    fields: ItemFields = None,
) -> ItemSearchView | Response:
    """Find items by the beginning of an id or of a word of the title, and count them by category.

    For people who look after a catalog, not for the search of a shop. Each instance searches the items that it keeps in
    memory for filters, up to 20 seconds old; without `complete`, only the items that changed last.
    """
    listing = (project, "items:search", text, category or "", status or "", order)
    query = ItemQuery(text, category, status, order)
    matches = services.item_search.search(project, query, services.tokens.start(cursor, *listing), limit)
    chosen = selection(fields)
    view = ItemSearchView.of(matches, services.tokens.cursor(matches.next_start, *listing), chosen)
    return selected(view, chosen, ITEM_FIELDS)


@router.post("/items:batch")
def put_items(body: ItemsIn, project: ProjectForWriting, services: ServicesDep) -> Stored:
    """Create or replace 1 to 100 items, or none of them if some are invalid."""
    changed = services.items.put_many(project, [item.record(item.item_id) for item in body.items])
    return Stored(changed=changed)


@router.get("/items/{item_id}/similar", response_model=RecommendationListView, responses=responses(404))
def similar_items(
    item_id: ItemId,
    project: ProjectForRecommending,
    principal: PrincipalDep,
    services: ServicesDep,
    limit: Limit = 10,
    filter: FilterQuery = None,  # noqa: A002 - the parameter's name
    boost: BoostQuery = None,
    properties: WithProperties = False,
    fields: Fields = None,
) -> Response:
    """Get items that interest the same users."""
    request = short_request(limit, filter, boost, fields, properties=properties)
    services.access.check_rules(principal, request)
    response = services.recommendations.similar(project, item_id, request, principal.owner)
    return listed(response)


@router.get("/items/{item_id}/bought-together", response_model=RecommendationListView, responses=responses(404))
def bought_together(
    item_id: ItemId,
    project: ProjectForRecommending,
    principal: PrincipalDep,
    services: ServicesDep,
    limit: Limit = 10,
    filter: FilterQuery = None,  # noqa: A002 - the parameter's name
    boost: BoostQuery = None,
    properties: WithProperties = False,
    fields: Fields = None,
) -> Response:
    """Get items that are bought in the same baskets, then similar items if those are too few: see `source`."""
    request = short_request(limit, filter, boost, fields, properties=properties)
    services.access.check_rules(principal, request)
    response = services.recommendations.bought_together(project, item_id, request, principal.owner)
    return listed(response)
