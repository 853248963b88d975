import httpx2


class TestUsers:
    def test_users_are_created_read_updated_and_deleted(self, client: httpx2.Client) -> None:
        assert client.put("/v1/users/ann", json={"properties": {"age": 30, "plan": "free"}}).status_code == 200
        assert client.patch("/v1/users/ann", json={"properties": {"plan": "paid"}}).status_code == 200
        assert client.get("/v1/users/ann").json()["properties"] == {"age": 30, "plan": "paid"}
        assert client.delete("/v1/users/ann").json()["removed"] == {"profile": 1, "events": 0}
        assert client.get("/v1/users/ann").status_code == 404
        assert client.patch("/v1/users/ann", json={}).status_code == 404

    def test_pages_list_every_user_once(self, client: httpx2.Client) -> None:
        users = [{"user_id": f"u{n}"} for n in range(23)]
        assert client.post("/v1/users:batch", json={"users": users}).json() == {"changed": 23}

        listed, params = [], {"limit": "5"}
        while True:
            page = client.get("/v1/users", params=params).json()
            listed += [user["user_id"] for user in page["users"]]
            if page["next_cursor"] is None:
                break
            params["cursor"] = page["next_cursor"]

        assert sorted(listed) == sorted(user["user_id"] for user in users)


class TestEvents:
    def test_a_users_events_come_newest_first_page_by_page(self, client: httpx2.Client) -> None:
        events = [
            {"user_id": "ann", "item_id": f"i{n}", "timestamp": f"2026-01-{n + 1:02d}T00:00:00Z"} for n in range(9)
        ]
        client.post("/v1/events", json={"events": events})

        first = client.get("/v1/users/ann/events?limit=5").json()
        second = client.get("/v1/users/ann/events", params={"limit": 5, "cursor": first["next_cursor"]}).json()

        listed = [event["item_id"] for page in (first, second) for event in page["events"]]
        assert listed == [f"i{n}" for n in range(8, -1, -1)]
        assert second["next_cursor"] is None
