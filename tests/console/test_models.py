"""Models: a real training, its quality, activation and rollback, and the division of users."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from app import clock
from app.domain.models import ModelVersion, VersionState
from app.storage.versions import VersionStore
from app.wiring import Wired
from tests.console.conftest import Shop
from tests.console.visitor import Visitor, card, visiting
from tests.support.builders import two_tastes, wired_on
from tests.support.chromium import needs_chromium

pytestmark = needs_chromium
PROJECT = "models"
TRAINED = 60_000
"""Milliseconds within which a small project is trained."""
LIKENESS = {
    "order_share": 0.0,
    "half_life_days": 1 / 24,
    "rating_threshold": 4.0,
    "solver": "local",
    "holdout": "random",
}
ORDER = {
    "user_exponent": 0.25,
    "item_exponent": 0.3,
    "ridge": 10.0,
    "order_ridge": 100.0,
    "order_share": 0.6,
    "discount": 0.3,
    "half_life_days": 30.0,
    "step_decay": 0.9,
    "recent_half_life_days": 7.0,
    "recent_exponent": 0.6,
    "open_step_decay": 0.4,
    "open_recent_exponent": 0.0,
    "open_seconds": 300.0,
    "content_weight": 0.1,
    "solver": "dense",
    "holdout": "next",
}
HISTORY = {
    f"v202611{day}T101500123456-a1{day}": ndcg for day, ndcg in ((10, 0.091), (14, 0.117), (18, 0.12), (22, 0.131))
}

IN_WORDS = [
    (
        "Order counts 60%: what people use after an item. What the same people like counts 40%. "
        "Pairs of items in one basket count half."
    ),
    "An event counts half after 30 days. Each later visit leaves 90% of what earlier ones count.",
    (
        "An item that is used ten times as much as another right now gets 4.0 times its score. "
        "Use counts half after 7 days."
    ),
    (
        "Until 5 min after the newest event, each later visit leaves 40% of what earlier ones count. "
        "What is popular right now makes no difference."
    ),
    (
        "An item with ten times the users of another keeps 50% of its score. "
        "When items are compared, a user of an item with ten times the users counts 50%."
    ),
    "Each event of a user with ten times as many counts 56%.",
    (
        "Pairs that few people share hardly count: they are damped by 10 times the weight of a typical item; "
        "for what comes next, 100 times."
    ),
    "Items with few users also follow items with a similar title, categories and texts.",
    "Each item was compared with all others at once.",
    "The newest visit of each user, which the judged model did not see.",
]
"""What ORDER means."""


@dataclass(frozen=True)
class Own:
    """A project that only this file changes, with a visitor who is signed in to it."""

    visitor: Visitor
    api: httpx2.Client

    def active(self) -> str:
        """The end of the active version's id."""
        return str(self.api.get("/v1/rollout").json()["active"])[-4:]


@pytest.fixture(scope="module")
def wired_shop(shop: Shop) -> Iterator[Wired]:
    """The services on the database of the server."""
    wired = wired_on(shop.settings)
    yield wired
    wired.close()


@pytest.fixture(scope="module")
def key(shop: Shop, wired_shop: Wired) -> str:
    """A key of a project with events of two tastes, and versions of past weeks that no test could train."""
    key = shop.new_project(PROJECT)
    wired_shop.services.events.accept(PROJECT, two_tastes())
    versions, now = VersionStore(wired_shop.database), clock.now()
    for number, (version, ndcg) in enumerate(HISTORY.items()):
        metrics = {
            **{name: ndcg * factor for name, factor in {"ndcg": 1, "recall": 1.6, "hit_rate": 1.7, "mrr": 0.8}.items()},
            **{
                f"popularity_{name}": 0.08 * factor
                for name, factor in {"ndcg": 1, "recall": 1.5, "hit_rate": 1.6}.items()
            },
            **dict.fromkeys(("ndcg_margin", "recall_margin", "popularity_ndcg_margin"), 0.009),
            "coverage": 0.7,
            "popularity_coverage": 0.03,
            "users": 900,
        }
        created = now - timedelta(days=4 * (len(HISTORY) - number))
        stored = ModelVersion(
            version,
            VersionState.READY,
            created,
            created,
            parameters=LIKENESS if number == 1 else ORDER,
            metrics=metrics,
            counts={"interactions": 4_100 + 300 * number, "users": 900, "items": 240, "bought_together": 31},
            seconds=41.0,
        )
        versions.create(PROJECT, stored)
    for version in list(HISTORY)[1:3]:
        wired_shop.services.rollout.activate(PROJECT, version, force=True)
    return key


@pytest.fixture
def own(chromium: Browser, shop: Shop, key: str) -> Iterator[Own]:
    with (
        visiting(chromium, shop.base, key) as visitor,
        shop.client(key) as api,
    ):
        yield Own(visitor, api)


class TestModels:
    def test_it_says_which_version_is_better_and_how_sure_that_is(self, own: Own) -> None:
        page = own.visitor.open("/models")
        answer = card(page, "Which version is better")

        expect(answer).to_contain_text("No clear difference between Nov 22 · a122 and Nov 18 · a118")
        expect(answer).to_contain_text("NDCG@20 is 0.131 for Nov 22 · a122 and 0.120 for Nov 18 · a118 (+9%)")
        expect(answer).to_contain_text("The 95% interval of the difference is -0.002 to +0.024")
        expect(answer).to_contain_text("No clicks can be compared yet")
        answer.get_by_label("Version", exact=True).select_option(label="Nov 10 · a110")
        expect(answer).to_contain_text("Nov 10 · a110 ranks the next items lower than Nov 18 · a118")
        answer.get_by_label("Version", exact=True).select_option(label="Nov 14 · a114")
        expect(answer).to_contain_text("They were judged on different kinds of events")
        answer.get_by_label("Against").select_option("Popular items")
        expect(answer).to_contain_text("Nov 14 · a114 ranks the next items higher than popular items")
        quality = card(page, "Quality by version")
        quality.get_by_text("Show as table").click()
        expect(quality.get_by_role("row", name="Nov 22 · a122")).to_contain_text(
            "0.131 (0.122 to 0.140)0.080 (0.071 to 0.089)"
        )
        quality.get_by_role("button", name="Recall@20").click()
        expect(quality.get_by_role("row", name="Nov 22 · a122")).to_contain_text("0.210 (0.201 to 0.219)")
        quality.get_by_text("Show as table").click()
        own.visitor.photograph("models")

    def test_it_puts_parameters_into_words(self, own: Own) -> None:
        page = own.visitor.open("/models")
        expect(card(page, "What Nov 18 · a118 has learned").locator("dd")).to_have_text(IN_WORDS)

        page.get_by_role("button", name="Nov 14 · a114").click()

        dialog = page.get_by_role("dialog")
        expect(dialog.locator("dd")).to_have_text(
            [
                "Only what the same people like counts, and not in which order they use it.",
                "An event counts half after 1 h.",
                "A rating of 4 or more means that a user likes the item.",
                "Each item was compared with the items that share users with it.",
                "A random fifth of the events, which the judged model did not see: there were no usable times.",
            ]
        )
        expect(dialog.get_by_role("row", name="NDCG@20")).to_contain_text("0.117 (0.108 to 0.126)")
        own.visitor.photograph("models-details")

    def test_it_divides_users_and_ends_the_test(self, own: Own) -> None:
        page = own.visitor.open("/models")
        page.get_by_role("button", name="Divide users").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Nov 22 · a122", exact=True).fill("10")
        expect(dialog.get_by_role("status")).to_have_text("Together 110 percent; it has to be 100.")
        expect(dialog.get_by_role("button", name="Divide users")).to_be_disabled()
        dialog.get_by_label("Nov 18 · a118 (active)").fill("90")
        page.keyboard.press("Escape")  # does not lose what was typed
        dialog.get_by_role("button", name="Keep editing").click()
        dialog.get_by_label("Shadow version").select_option("Nov 10 · a110")
        own.visitor.photograph("models-divide")
        dialog.get_by_role("button", name="Divide users").click()

        traffic = card(page, "Who sees which version")
        expect(traffic.get_by_role("img", name="Nov 18 · a118: 90%, Nov 22 · a122: 10%")).to_be_visible()
        rollout = own.api.get("/v1/rollout").json()
        versions = {version[-4:]: share for version, share in rollout["shares"].items()}
        assert versions == pytest.approx({"a118": 90, "a122": 10})
        assert [version[-4:] for version in rollout["shadows"]] == ["a110"]
        traffic.get_by_role("button", name="End the test").click()
        page.get_by_role("dialog").get_by_role("button", name="End the test").click()
        expect(traffic.get_by_role("img", name="Nov 18 · a118: 100%")).to_be_visible()
        assert len(own.api.get("/v1/rollout").json()["shares"]) == 1

    def test_it_activates_and_rolls_back(self, own: Own) -> None:
        own.visitor.expected = ["409"]
        page = own.visitor.open("/models")
        table, dialog = page.get_by_role("table", name="Versions"), page.get_by_role("dialog")
        table.get_by_role("row", name="a110").get_by_role("button", name="Activate").click()
        expect(dialog).to_contain_text(
            "All users get lists of Nov 10 · a110 within 5 seconds, instead of Nov 18 · a118."
        )
        dialog.get_by_role("button", name="Activate").click()
        expect(dialog.get_by_role("alert")).to_contain_text("clearly below the active version's")
        assert own.active() == "a118"
        dialog.get_by_text("Activate it anyway", exact=True).click()
        dialog.get_by_role("button", name="Activate").click()

        expect(table.get_by_role("row", name="a110")).to_contain_text("active")
        assert own.active() == "a110"
        table.get_by_role("row", name="a118").get_by_role("button", name="Roll back").click()
        expect(dialog).to_contain_text("Roll back to Nov 18 · a118?")
        dialog.get_by_role("button", name="Roll back").click()
        expect(table.get_by_role("row", name="a118")).to_contain_text("active")
        assert own.active() == "a118"

    def test_it_trains_a_version(self, own: Own) -> None:
        page = own.visitor.open("/models")
        page.get_by_role("button", name="Train now").click()
        page.get_by_role("dialog").get_by_text("Activate it anyway", exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name="Train", exact=True).click()

        expect(page.get_by_role("progressbar").first).to_be_visible()
        expect(page.get_by_role("status").filter(has_text="is trained and active")).to_be_visible(timeout=TRAINED)
        [trained] = [each for each in own.api.get("/v1/models").json()["versions"] if each["active"]]
        assert 0 < trained["metrics"]["ndcg_margin"] < trained["metrics"]["ndcg"]
        expect(card(page, "What ").first).to_contain_text(trained["version"][-4:])

    def test_it_cancels_a_training(self, own: Own, wired_shop: Wired) -> None:
        queued = wired_shop.services.train.queue(PROJECT).version  # no worker takes it, so that it is still there
        page = own.visitor.open("/models")
        expect(page.get_by_role("button", name="Train now")).to_be_disabled()
        expect(page.get_by_text("Step 1 of 8: queued")).to_be_visible()
        own.visitor.photograph("models-training")

        page.get_by_role("button", name="Cancel training").click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel training").click()

        row = page.get_by_role("table", name="Versions").get_by_role("row", name=queued[-4:])
        expect(row).to_contain_text("cancelled")
        assert own.api.get(f"/v1/models/{queued}").json()["state"] == "cancelled"
        expect(page.get_by_role("button", name="Train now")).to_be_enabled()

    def test_without_a_version_it_leads_to_the_first_training(self, newcomer: Visitor) -> None:
        page = newcomer.open("/models")

        expect(page.get_by_role("button", name="Train now")).to_be_enabled()
        expect(page.get_by_role("main")).to_contain_text("until then users see popular items")
        newcomer.photograph("models-empty")
