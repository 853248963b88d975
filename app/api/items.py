"""/v1/items"""

from fastapi import APIRouter

from app.api.answers import view
from app.api.deps import CategoryName, Cursor, Given, ItemId, Limit, PageLimit, Project, WithProperties
from app.api.problems import responses
from app.api.schemas import AnswerView, ItemIn, ItemPage, ItemPatch, ItemsIn, ItemView, Stored
from app.services.recommend import Wish

router = APIRouter(prefix="/v1", tags=["items"])


@router.put("/items/{item_id}", operation_id="putItem", summary="Put item", responses=responses(409, 413, 415))
def put(item_id: ItemId, body: ItemIn, project: Project, services: Given) -> ItemView:
    """Create or replace an item. Putting what is there already changes nothing."""
    return ItemView.model_validate(services.catalog.put_item(project, body.record(item_id)))


@router.get("/items/{item_id}", operation_id="getItem", summary="Get item", responses=responses(404))
def get(item_id: ItemId, project: Project, services: Given) -> ItemView:
    """One item."""
    return ItemView.model_validate(services.catalog.get_item(project, item_id))


@router.patch(
    "/items/{item_id}", operation_id="patchItem", summary="Patch item", responses=responses(404, 409, 413, 415)
)
def patch(item_id: ItemId, body: ItemPatch, project: Project, services: Given) -> ItemView:
    """Change parts of an item; properties are merged (RFC 7396)."""
    return ItemView.model_validate(services.catalog.patch_item(project, item_id, body.changes()))


@router.delete(
    "/items/{item_id}", operation_id="deleteItem", summary="Delete item", status_code=204, responses=responses(404, 409)
)
def delete(item_id: ItemId, project: Project, services: Given) -> None:
    """Delete an item. Its events stay; it is never recommended again."""
    services.catalog.delete_item(project, item_id)


@router.get("/items", operation_id="listItems", summary="List items", responses=responses())
def list_(
    project: Project, services: Given, cursor: Cursor = None, category: CategoryName = None, limit: PageLimit = 50
) -> ItemPage:
    """All items, or those of a category, in no particular order. A page can be short and still have a next one."""
    listing = (project, "items", category or "")
    page = services.catalog.list_items(project, category, services.tokens.start(cursor, *listing), limit)
    items = [ItemView.model_validate(item) for item in page.records]
    return ItemPage(items=items, next_cursor=services.tokens.cursor(page.next_start, *listing))


@router.post("/items:batch", operation_id="putItems", summary="Put items", responses=responses(413, 415))
def put_many(body: ItemsIn, project: Project, services: Given) -> Stored:
    """Create or replace up to 100 items: all are accepted, or all refused."""
    changed = services.catalog.put_items(project, [item.record(item.item_id) for item in body.items])
    return Stored(changed=changed)


@router.get("/items/{item_id}/similar", operation_id="similarItems", summary="Similar items", responses=responses(404))
def similar(
    item_id: ItemId, project: Project, services: Given, limit: Limit = 10, properties: WithProperties = False
) -> AnswerView:
    """Items that suit the same users."""
    return view(services, project, services.recommend.similar(project, item_id, Wish(limit=limit)), properties)
