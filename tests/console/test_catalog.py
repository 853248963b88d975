"""Catalog: finding items, changing them without losing what others change, and what goes with them."""

from typing import Any

from playwright.sync_api import expect

from tests.console.conftest import Shop
from tests.console.visitor import Visitor, card
from tests.support.chromium import needs_chromium

pytestmark = needs_chromium
ITEM = "sku-003"


def put(shop: Shop, item_id: str, **body: Any) -> None:
    shop.api.put(f"/v1/items/{item_id}", json=body).raise_for_status()


def stored(shop: Shop, item_id: str) -> dict[str, Any]:
    item: dict[str, Any] = shop.api.get(f"/v1/items/{item_id}").raise_for_status().json()
    return item


class TestItems:
    def test_they_are_found_by_title_category_and_status(self, visitor: Visitor, shop: Shop) -> None:
        put(shop, "catalog-1", title="Zebra Lamp", categories=["Animals", "Zoo"], properties={"price": 12.5})
        put(shop, "catalog-2", title="Green Zebra", categories=["Animals"], hidden=True)
        page = visitor.open("/catalog")
        table = page.get_by_role("table", name="Items")
        expect(table.get_by_role("row")).to_have_count(26)
        page.get_by_role("button", name="Load more").click()
        expect(table.get_by_role("row")).to_have_count(51)

        page.get_by_label("Find").fill("zebr")
        expect(page.get_by_text("2 items", exact=True)).to_be_visible()
        expect(table.get_by_role("row").nth(1)).to_contain_text("Green Zebra")
        page.get_by_role("button", name="Zoo 1").click()
        expect(page.get_by_text("1 item", exact=True)).to_be_visible()
        page.get_by_role("button", name="Zoo 1").click()
        page.get_by_label("Status").select_option("Hidden")
        expect(table.get_by_role("row")).to_have_count(2)
        expect(table).to_contain_text("hidden")
        page.get_by_label("Find").fill("zebra x")
        expect(page.get_by_text("No item matches")).to_be_visible()
        visitor.check_accessible()
        page.get_by_role("button", name="Show all items").click()
        expect(table.get_by_role("row")).to_have_count(26)

    def test_an_empty_project_says_what_to_do(self, newcomer: Visitor) -> None:
        page = newcomer.open("/catalog")

        expect(page.get_by_text("No items yet")).to_be_visible()
        newcomer.photograph("catalog-empty")

    def test_what_was_typed_is_discarded_only_on_request(self, visitor: Visitor) -> None:
        page = visitor.open("/catalog")
        page.get_by_role("button", name="Add item").click()
        dialog = page.get_by_role("dialog", name="Add item")
        expect(dialog).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        page.get_by_role("button", name="Add item").click()
        dialog.get_by_label("Title").fill("Draft")
        dialog.get_by_role("button", name="Close", exact=True).click()
        expect(dialog.get_by_role("status")).to_have_text("Your changes are not saved.")
        dialog.get_by_role("button", name="Discard them").click()
        expect(dialog).to_be_hidden()

    def test_an_item_is_added_once(self, visitor: Visitor, shop: Shop) -> None:
        put(shop, "catalog-taken", title="Taken")
        visitor.expected = ["412", "422"]
        page = visitor.open("/catalog")
        page.get_by_role("button", name="Add item").click()
        dialog = page.get_by_role("dialog", name="Add item")
        dialog.get_by_label("Id", exact=True).fill("catalog-taken")
        dialog.get_by_label("Title").fill("New thing")
        dialog.get_by_label("Categories").fill("Tools")
        dialog.get_by_label("Categories").press("Enter")
        for name, kind, value in (("price", "Number", "4.50"), ("code", "Text", "007"), ("colors", "JSON", '["red"]')):
            dialog.get_by_role("button", name="Add property").click()
            dialog.get_by_label("Name of the property").last.fill(name)
            dialog.get_by_label(f"Type of {name}").select_option(kind)
            dialog.get_by_label(f"Value of {name}").fill(value)
        page.keyboard.press("Escape")  # does not lose what was typed
        visitor.photograph("catalog-add")
        page.keyboard.press("Escape")
        dialog.get_by_role("button", name="Keep editing").click()
        dialog.get_by_role("button", name="Add item").click()
        expect(dialog.get_by_text("There is an item with this id already.")).to_be_visible()
        assert stored(shop, "catalog-taken")["title"] == "Taken"

        dialog.get_by_label("Id", exact=True).fill("catalog-new")
        dialog.get_by_label("Value of price").fill("cheap")
        dialog.get_by_role("button", name="Add item").click()
        expect(dialog.get_by_text("price is not a number such as 24.5.")).to_be_visible()
        dialog.get_by_label("Value of price").fill("4.50")
        dialog.get_by_role("button", name="Add item").click()

        expect(page.get_by_role("heading", name="New thing")).to_be_visible()
        item = stored(shop, "catalog-new")
        assert (item["title"], item["categories"]) == ("New thing", ["Tools"])
        assert item["properties"] == {"price": 4.5, "code": "007", "colors": ["red"]}


class TestItem:
    def test_it_shows_facts_events_and_what_goes_with_it(self, visitor: Visitor, shop: Shop) -> None:
        title = stored(shop, ITEM)["title"]
        shop.api.post("/v1/events", json={"events": [{"user_id": "viewer", "item_id": ITEM}]}).raise_for_status()
        page = visitor.open(f"/catalog/{ITEM}")

        expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
        expect(page.get_by_role("table", name="Events of the item")).to_contain_text("viewer")
        expect(card(page, "Similar items").locator("article")).to_have_count(6)
        together = shop.api.get(f"/v1/items/{ITEM}/bought-together", params={"limit": 6}).json()["items"]
        bought = [item for item in together if item["source"] == "bought_together"]
        expect(card(page, "Bought together").locator("article")).to_have_count(len(bought))

        card(page, "Similar items").locator("article").first.get_by_role("button").click()
        expect(page.get_by_role("heading", name=title, level=1)).not_to_be_visible()

    def test_its_events_are_searched_for_as_far_back_as_wanted(self, visitor: Visitor, shop: Shop) -> None:
        put(shop, "catalog-quiet", title="Quiet")
        page = visitor.open("/catalog/catalog-quiet")
        expect(page.get_by_text("No events since")).to_be_visible()
        visitor.photograph("catalog-quiet")

        page.get_by_role("button", name="Look further back").click()

        expect(page.get_by_text("No events yet")).to_be_visible()

    def test_a_change_by_somebody_else_is_explained_and_kept(self, visitor: Visitor, shop: Shop) -> None:
        put(shop, "catalog-both", title="Old", properties={"price": 1, "color": "red", "extra": 1})
        visitor.expected = ["412"]
        page = visitor.open("/catalog/catalog-both")
        page.get_by_role("button", name="Edit").click()
        dialog = page.get_by_role("dialog", name="Edit item")
        dialog.get_by_label("Title").fill("Mine")
        dialog.get_by_role("button", name="Remove extra").click()
        put(shop, "catalog-both", title="Old", properties={"price": 2, "color": "red", "extra": 1})

        dialog.get_by_role("button", name="Save item").click()
        changes = dialog.get_by_role("table", name="Changes by others")
        expect(changes.get_by_role("row")).to_have_count(2)
        expect(changes).to_contain_text("property price")
        visitor.photograph("catalog-conflict")
        assert stored(shop, "catalog-both")["title"] == "Old"
        dialog.get_by_role("button", name="Save both").click()

        expect(page.get_by_role("heading", name="Mine")).to_be_visible()
        item = stored(shop, "catalog-both")
        assert (item["title"], item["properties"]) == ("Mine", {"price": 2, "color": "red"})

    def test_it_is_hidden_shown_and_deleted(self, visitor: Visitor, shop: Shop) -> None:
        put(shop, "catalog-gone", title="Going")
        page = visitor.open("/catalog/catalog-gone")
        page.get_by_role("button", name="Hide").click()
        expect(page.get_by_role("button", name="Show again")).to_be_visible()
        assert stored(shop, "catalog-gone")["hidden"]
        page.get_by_role("button", name="Show again").click()
        expect(page.get_by_role("button", name="Hide")).to_be_visible()
        assert not stored(shop, "catalog-gone")["hidden"]

        page.get_by_role("button", name="Delete").click()
        dialog = page.get_by_role("dialog", name="Delete Going?")
        dialog.get_by_role("button", name="Cancel").click()
        assert stored(shop, "catalog-gone")
        page.get_by_role("button", name="Delete").click()
        dialog.get_by_role("button", name="Delete item").click()

        expect(page.get_by_role("heading", name="Catalog")).to_be_visible()
        assert shop.api.get("/v1/items/catalog-gone").status_code == 404

    def test_an_item_that_only_events_name_can_be_added(self, visitor: Visitor, shop: Shop) -> None:
        shop.api.post("/v1/events", json={"events": [{"user_id": "ann", "item_id": "catalog-unknown"}]})
        visitor.expected = ["404"]
        page = visitor.open("/catalog/catalog-unknown")
        expect(page.get_by_text("There is no item with this id in the catalog.")).to_be_visible()
        expect(page.get_by_role("table", name="Events of the item")).to_contain_text("ann")

        page.get_by_role("button", name="Add it").click()
        page.get_by_role("dialog").get_by_label("Title").fill("Known now")
        page.get_by_role("dialog").get_by_role("button", name="Add item").click()

        expect(page.get_by_role("heading", name="Known now")).to_be_visible()
