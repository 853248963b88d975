"""Import: a file is mapped on a preview, loaded with its rejects to download, and taken back."""

import csv
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.conftest import Shop
from tests.console.visitor import Visitor, visiting
from tests.support.chromium import needs_chromium

pytestmark = needs_chromium
BAD = {7, 11}
SALES = "CustomerID,StockCode,Description,InvoiceDate,UnitPrice,Warehouse\n" + "".join(
    f"c{n % 5},{'bad code' if n in BAD else f'S-{n % 8}'},Mug {n % 8},2026-11-{n % 27 + 1:02}T10:00Z,{n % 8}.5,B{n}\n"
    for n in range(40)
)
"""Events and facts of items in one, under names of its own; two rows are bad."""
SECONDS = 30_000


@pytest.fixture
def importer(chromium: Browser, shop: Shop) -> Iterator[tuple[Visitor, httpx2.Client]]:
    """Signed in to a project without data that no other test uses, and a client of its API."""
    key = shop.new_project("imports")
    with (
        visiting(chromium, shop.base, key) as visitor,
        shop.client(key) as api,
    ):
        yield visitor, api


def items(api: httpx2.Client) -> int:
    return len(api.get("/v1/items", params={"limit": 100}).json()["items"])


def map_column(page: Page, column: str, becomes: str) -> None:
    page.get_by_label(f"What {column} becomes", exact=True).select_option(becomes)
    row = page.get_by_role("table", name="Columns of the file").get_by_role("row").filter(has_text=column)
    expect(row.get_by_text("used", exact=True)).to_be_visible(timeout=SECONDS)


class TestImport:
    def test_a_sales_export_is_mapped_loaded_and_undone(
        self, importer: tuple[Visitor, httpx2.Client], tmp_path: Path
    ) -> None:
        visitor, api = importer
        (tmp_path / "sales.csv").write_text(SALES)
        page = visitor.open("/import")
        expect(page.get_by_text("No imports yet")).to_be_visible()
        visitor.photograph("import-empty")
        page.get_by_label("Drop a file here").set_input_files(tmp_path / "sales.csv")

        # what the import would ask is a choice
        expect(page.get_by_text("This is for you to decide.")).to_be_visible(timeout=SECONDS)
        assert len(api.get("/v1/jobs?kind=preview").json()["jobs"]) == 1
        page.get_by_role("button", name="Read “StockCode” as item").click(timeout=SECONDS)
        page.get_by_role("button", name="Read “CustomerID” as user").click(timeout=SECONDS)
        expect(page.get_by_text("The first 40 rows give 38 events.")).to_be_visible(timeout=SECONDS)
        expect(page.get_by_text("Ignored: Description, InvoiceDate, UnitPrice, Warehouse.")).to_be_visible()
        map_column(page, "Description", "title")
        map_column(page, "InvoiceDate", "timestamp")
        map_column(page, "UnitPrice", "properties.UnitPrice")
        page.get_by_text("How the file is read").click()
        page.get_by_label("Type of events that name none").fill("purchase")
        page.get_by_label("Type of events that name none").blur()
        stored = page.get_by_role("table", name="First rows as they would be stored")
        expect(stored.get_by_role("row").nth(1)).to_contain_text("event type purchase", timeout=SECONDS)
        expect(stored).to_contain_text("title Mug 0")
        expect(stored).to_contain_text("Rejected: item: 'bad code'")
        visitor.photograph("import-review")
        assert items(api) == 0

        page.get_by_role("button", name="Import this file").click()
        expect(page.get_by_text("Stored 38 events, with facts of items in 38 rows.")).to_be_visible(timeout=SECONDS)
        visitor.photograph("import-result")
        with page.expect_download() as download:
            page.get_by_role("button", name="Download rejected rows").click()
        assert download.value.suggested_filename == "sales.rejects.csv"
        rejects = list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
        assert [(reject["rejected line"], reject["StockCode"]) for reject in rejects] == [
            ("9", "bad code"),
            ("13", "bad code"),
        ]
        assert items(api) == 8
        assert len(api.get("/v1/users/c0/events").json()["events"]) == 8

        # the undo restores what was there
        page.get_by_role("button", name="Undo sales.csv").click()
        visitor.photograph("import-undo")
        page.get_by_role("button", name="Undo import", exact=True).click()
        expect(page.get_by_text("undone", exact=True)).to_be_visible(timeout=SECONDS)
        expect(page.get_by_text("This import was undone")).to_be_visible()
        expect(page.get_by_text("Train a model")).to_have_count(0)
        assert items(api) == 0
        assert api.get("/v1/users/c0/events").json()["events"] == []

    def test_a_file_that_cannot_be_read_says_why_and_what_helps(self, visitor: Visitor, tmp_path: Path) -> None:
        (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04" + b"x" * 100)
        page = visitor.open("/import")
        page.get_by_label("Drop a file here").set_input_files(tmp_path / "book.xlsx")

        expect(page.get_by_role("alert")).to_contain_text("Excel workbook", timeout=SECONDS)
        page.get_by_role("button", name="Choose another file").click()

        (tmp_path / "names.csv").write_bytes("item_id,title\n1,Café\n".encode("cp1252"))
        page.get_by_label("Drop a file here").set_input_files(tmp_path / "names.csv")
        expect(page.get_by_text("This file cannot be imported as it is.")).to_be_visible(timeout=SECONDS)
        expect(page.get_by_role("button", name="Import this file")).to_be_disabled()
        page.get_by_label("Encoding").fill("cp1252")
        page.get_by_label("Encoding").blur()
        expect(page.get_by_text("title Café")).to_be_visible(timeout=SECONDS)

    def test_a_question_names_the_buttons_that_answer_it(self, visitor: Visitor, tmp_path: Path) -> None:
        (tmp_path / "sold.csv").write_text("customer,item_id\nann,tea\n")
        page = visitor.open("/import")
        page.get_by_label("Drop a file here").set_input_files(tmp_path / "sold.csv")

        expect(page.get_by_role("button", name="Load items only")).to_be_visible(timeout=SECONDS)
        expect(page.get_by_text("or facts of the items: “Load items only”")).to_be_visible()

    def test_the_form_of_times_is_a_choice(self, visitor: Visitor, tmp_path: Path) -> None:
        (tmp_path / "days.csv").write_text("user_id,item_id,timestamp\nann,tea,03/04/2026\nbob,tea,05/04/2026\n")
        page = visitor.open("/import")
        page.get_by_label("Drop a file here").set_input_files(tmp_path / "days.csv")

        page.get_by_role("button", name="The day is first: 31/12").click(timeout=SECONDS)
        expect(page.get_by_text("time 2026-04-03")).to_be_visible(timeout=SECONDS)
        page.locator("summary", has_text="How the file is read").click()
        page.get_by_label("Form of times").fill("")
        page.get_by_label("Form of times").blur()
        expect(page.get_by_role("button", name="The month is first: 12/31")).to_be_visible(timeout=SECONDS)
        assert "--date-format" not in page.get_by_role("main").inner_text()
        visitor.photograph("import-times")
