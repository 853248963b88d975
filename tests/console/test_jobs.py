"""Jobs: what runs, what came out, what to do about it."""

import httpx2
from playwright.sync_api import expect

from tests.console.conftest import Shop
from tests.console.visitor import Visitor
from tests.support.chromium import needs_chromium

pytestmark = needs_chromium


def import_of(shop: Shop, text: str | None) -> str:
    """Creates an import of a file, and starts it unless there is no file; returns its id."""
    job = shop.api.post("/v1/jobs", json={"kind": "import", "records": "users"}).json()
    if text is not None:
        httpx2.put(job["upload_url"], content=text).raise_for_status()
        shop.api.post(f"/v1/jobs/{job['job_id']}:start").raise_for_status()
    return str(job["job_id"])


def preview_of(shop: Shop, import_id: str) -> str:
    """Starts a preview of an import's file; returns its id."""
    body = {"kind": "preview", "file_of": import_id}
    return str(shop.api.post("/v1/jobs", json=body).raise_for_status().json()["job_id"])


class TestJobs:
    def test_they_are_listed_with_their_results_in_words(self, visitor: Visitor, shop: Shop) -> None:
        done = import_of(shop, "user_id,plan\n" + "".join(f"jobs{n},free\n" for n in range(30)) + ",free\n")
        failed = import_of(shop, "nothing here\n")
        waiting = import_of(shop, None)
        page = visitor.open("/jobs")
        table = page.get_by_role("table", name="Jobs")

        expect(table.get_by_role("row").filter(has_text=done)).to_contain_text(
            "Loaded 30 users from 31 rows; 1 rejected.", timeout=30_000
        )
        expect(table.get_by_role("row").filter(has_text=failed)).to_contain_text("failed", timeout=30_000)
        expect(table.get_by_role("row").filter(has_text=failed)).to_contain_text(
            "no column user_id; it has nothing here. Name the column, for example another column as user."
        )
        visitor.photograph("jobs")
        table.get_by_role("row").filter(has_text=waiting).get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Cancel job").click()
        expect(table.get_by_role("row").filter(has_text=waiting)).to_contain_text("cancelled")

        shown = preview_of(shop, done)
        page.reload()
        expect(table.get_by_role("row").filter(has_text=done)).to_be_visible()
        expect(table.get_by_role("row").filter(has_text=shown)).to_have_count(0)
        page.get_by_label("Kind").select_option("All kinds")
        expect(table.get_by_role("row").filter(has_text=shown)).to_contain_text("Showed what", timeout=30_000)

        page.get_by_label("Kind").select_option("Export")
        expect(table.get_by_role("row").filter(has_text=done)).to_have_count(0)
        page.get_by_label("Kind").select_option("Import")
        table.get_by_role("button", name=done).click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("link", name="rejects")).to_be_visible()
        visitor.photograph("jobs-details")
        with page.expect_download() as download:
            dialog.get_by_role("link", name="rejects").click()
        assert "user_id" in download.value.path().read_text()

    def test_erasures_and_deletions_say_what_they_did(self, visitor: Visitor, shop: Shop) -> None:
        events = [{"user_id": user, "item_id": "sku-001"} for user in ("jobs-bob", "jobs-eve")]
        shop.api.post("/v1/events", json={"events": events}).raise_for_status()
        shop.api.post("/v1/jobs", json={"kind": "erasure", "user_id": "jobs-bob"}).raise_for_status()
        shop.api.delete("/v1/events", params={"user_id": "jobs-eve"}).raise_for_status()
        page = visitor.open("/jobs")
        rows = page.get_by_role("table", name="Jobs").get_by_role("row")

        expect(rows.filter(has_text="Erasure")).to_contain_text("Erased 1 event.", timeout=30_000)
        expect(rows.filter(has_text="Deletion of events")).to_contain_text("Deleted 1 event.", timeout=30_000)

    def test_an_export_shows_its_progress_and_files_and_runs_again(self, visitor: Visitor) -> None:
        page = visitor.open("/jobs")
        page.get_by_role("button", name="Export all data").click()
        page.get_by_role("button", name="Export data").click()
        newest = page.get_by_role("table", name="Jobs").get_by_role("row").nth(1)

        expect(newest).to_contain_text("Wrote", timeout=30_000)
        newest.get_by_role("button", name="Export").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("link").first).to_be_visible()
        dialog.get_by_role("button", name="Run again").click()
        expect(dialog).to_be_hidden()
        expect(page.get_by_role("table", name="Jobs").get_by_text("Wrote")).to_have_count(2, timeout=30_000)
