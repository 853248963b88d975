"""Stored responses can be replayed."""

from collections import Counter

import httpx2

from app.config import Settings
from app.wiring import Wired
from tests.support.api_calls import ids, put, recommended
from tests.support.builders import a_project, client_of, wired_on
from tests.support.tables import naming


class TestReplay:
    def test_stored_responses_are_replayed_byte_for_byte_after_everything_changed(self, trained: httpx2.Client) -> None:
        put(trained, limit=5, log_sample_rate=1.0)
        response = trained.get("/v1/users/u2/recommendations?scenario=home&explain=true&properties=true")

        trained.delete("/v1/items/" + ids(response.json())[0])
        trained.patch("/v1/items/" + ids(response.json())[1], json={"title": "Another"})
        put(trained, limit=1, log_sample_rate=0.0)
        trained.post("/v1/events", json={"events": [{"user_id": "u2", "item_id": f"i{n}"} for n in range(12)]})
        assert trained.post("/v1/models").status_code == 202
        replayed = trained.get("/v1/recommendations/" + response.json()["recommendation_id"])

        assert replayed.content == response.content
        assert ids(recommended(trained, "u2", scenario="home")) != ids(response.json())

    def test_a_response_whose_boost_fails_for_its_items_is_stored_too(self, trained: httpx2.Client) -> None:
        put(trained, log_sample_rate=1.0, boost="item.margin * 2.0")

        response = trained.get("/v1/users/u2/recommendations?scenario=home")

        assert response.json()["items"][0]["boost"] == 1.0
        replayed = trained.get("/v1/recommendations/" + response.json()["recommendation_id"])
        assert replayed.content == response.content

    def test_responses_that_were_not_stored_are_not_found(self, trained: httpx2.Client) -> None:
        answer = recommended(trained, "u2")

        assert trained.get("/v1/recommendations/" + answer["recommendation_id"]).status_code == 404
        assert trained.get("/v1/recommendations/made.up").status_code == 400

    def test_a_sample_of_responses_is_stored(self, settings: Settings) -> None:
        sampling = wired_on(settings.model_copy(update={"decision_log_share": 0.5}))
        client = client_of(sampling, a_project(sampling, settings.project))
        responses = [recommended(client, f"u{n}") for n in range(60)]

        statuses = Counter(
            client.get("/v1/recommendations/" + each["recommendation_id"]).status_code for each in responses
        )

        assert set(statuses) == {200, 404}
        assert 10 <= statuses[200] <= 50
        sampling.database.close()

    def test_erased_users_leave_no_stored_response(
        self, trained: httpx2.Client, wired: Wired, settings: Settings
    ) -> None:
        put(trained, log_sample_rate=1.0)
        trained.post("/v1/events", json={"events": [{"user_id": "someone", "item_id": "i2"}]})
        first = recommended(trained, "someone", scenario="home")
        assert trained.get("/v1/recommendations/" + first["recommendation_id"]).status_code == 200

        receipt = trained.delete("/v1/users/someone").json()
        late = recommended(trained, "someone", scenario="home")

        assert receipt["removed"]["decisions"] == 1
        for each in (first, late):
            assert trained.get("/v1/recommendations/" + each["recommendation_id"]).status_code == 404
        assert naming(wired, wired.services.decisions.owner(settings.project, "someone")) == []
