"""A project sees only its own data, and deleting it leaves only a receipt."""

from datetime import timedelta
from typing import Any

import pytest

from app.config import Settings
from app.deadline import within
from app.domain.access import ADMINISTRATION, Limits, Project, ProjectState, Scope
from app.entry import schedule
from app.errors import NotFound
from app.wiring import Wired
from tests.support import tables
from tests.support.builders import a_key, a_project, an_event, an_item, client_of, two_tastes, wired_on
from tests.support.personal_data import connected, fill


def longest_use(settings: Settings) -> timedelta:
    """The longest time that a request can use a key after its deletion: cached, and then a slow request."""
    return timedelta(seconds=settings.key_ttl_seconds + settings.request_deadline_seconds)


def names(row: dict[str, Any], project: str) -> bool:
    """Whether a row belongs to the project."""
    values = [value["S"] for value in row.values() if "S" in value]
    return any(
        value == project or value.startswith(project + "#") or f"#{project}" in value
        for value in values
        if not value.endswith("-2")
    )


class TestCreate:
    def test_a_new_project_has_a_key_and_sees_its_own_data(self, wired: Wired, settings: Settings) -> None:
        administrator = client_of(wired, a_key(wired, ADMINISTRATION, Scope.ADMIN))
        limits = {"requests_per_second": 50.0, "burst": None, "requests_per_day": 1000}
        clients = []
        for letter in "ab":
            body = {"project_id": f"{settings.project}-{letter}", "name": letter.upper(), "limits": limits}
            made = administrator.post("/v1/projects", json=body)
            assert made.status_code == 201
            assert made.json()["key"]["limits"] == limits
            clients.append(client_of(wired, made.json()["key"]["key"]))
            assert administrator.post("/v1/projects", json=body).status_code == 409

        clients[0].put("/v1/items/tea", json={})

        assert [len(client.get("/v1/items").json()["items"]) for client in clients] == [1, 0]
        assert administrator.get(f"/v1/projects/{settings.project}-a").json()["name"] == "A"
        url = f"/v1/projects/{settings.project}-a"
        assert administrator.patch(url, json={"name": "Shop"}).json()["limits"] == limits
        assert administrator.patch(url, json={"limits": {}}).json()["name"] == "Shop"
        assert administrator.get("/v1/projects/unknown").status_code == 404
        listed, cursor = [], None
        while True:
            page = administrator.get("/v1/projects", params={"cursor": cursor} if cursor else {}).json()
            listed += [project["project_id"] for project in page["projects"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert {f"{settings.project}-a", f"{settings.project}-b"} <= set(listed)
        assert len(listed) == len(set(listed))

    def test_the_administration_cannot_be_created_or_deleted(self, wired: Wired) -> None:
        administrator = client_of(wired, a_key(wired, ADMINISTRATION, Scope.ADMIN))

        assert administrator.post("/v1/projects", json={"project_id": ".."}).status_code == 422
        assert administrator.post("/v1/projects", json={"project_id": ADMINISTRATION}).status_code == 409
        assert administrator.delete(f"/v1/projects/{ADMINISTRATION}").status_code == 404


class TestDelete:
    @pytest.fixture
    def quick(self, settings: Settings) -> Settings:
        return settings.model_copy(
            update={"key_ttl_seconds": 0.0, "request_deadline_seconds": 10.0, "project": settings.project + "-p"}
        )

    def test_deleting_a_project_leaves_only_the_receipt(self, quick: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.services.privacy.erasure.CLOCK_SKEW", -longest_use(quick))
        wired = wired_on(quick)
        key = a_project(wired, quick.project)
        services, client = wired.services, client_of(wired, key)
        services.items.put_many(quick.project, [an_item(f"i{n}", "all") for n in range(12)])
        services.items.delete(quick.project, "i11")
        services.events.accept(quick.project, two_tastes())
        services.train.run(quick.project, services.train.queue(quick.project))
        fill(client, 30)
        client.delete("/v1/users/u1")
        limited = a_key(wired, quick.project, Scope.WRITE, limits=Limits(1.0))
        client_of(wired, limited).get("/v1/items")
        services.usage.write()
        connected(wired, quick.project, key)
        services.lists._counters.schedule(quick.project, [0], 0)  # noqa: SLF001
        bystander = a_project(wired, quick.project + "-2")
        client_of(wired, bystander).put("/v1/items/tea", json={})
        administrator = client_of(wired, a_key(wired, ADMINISTRATION, Scope.ADMIN))
        url = f"/v1/projects/{quick.project}"

        answer = administrator.delete(url)
        while answer.status_code == 202:
            answer = administrator.delete(url)

        assert answer.json()["state"] == "deleted"
        removed = answer.json()["deletion"]["removed"]
        filled = (
            "items",
            "users",
            "events",
            "neighbors",
            "lists",
            "versions",
            "keys",
            "buckets",
            "idempotency",
            "usage",
            "counters",
            "connections",
            "failures",
        )
        assert {name for name in filled if not removed.get(name)} == set()
        left = [row for row in tables.rows(wired) if names(row, quick.project)]
        assert [row["key"]["S"] for row in left] == [f"project#{quick.project}"]
        assert client.get("/v1/items").status_code == 401
        assert client_of(wired, bystander).get("/v1/items/tea").status_code == 200
        assert administrator.delete(url).json() == answer.json()
        assert administrator.post("/v1/projects", json={"project_id": quick.project}).status_code == 409
        wired.close()

    def test_a_deletion_is_incomplete_while_keys_may_still_be_cached(self, wired: Wired, settings: Settings) -> None:
        project = settings.project + "-s"
        a_project(wired, project)

        first = wired.services.erasure.delete_project(project)
        second = wired.services.erasure.delete_project(project)

        assert [project.state for project in (first, second)] == [ProjectState.DELETING] * 2
        with pytest.raises(NotFound):
            wired.services.events.accept(project, [an_event()])

    def test_an_interrupted_deletion_is_resumed(
        self, wired: Wired, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(wired.services.erasure, "_settled", timedelta(0))
        project = settings.project + "-r"
        a_project(wired, project)
        wired.services.items.put_many(project, [an_item("tea")])

        with within(1.0):  # enough for one page of one table
            first = wired.services.erasure.delete_project(project)

        assert first.resume_at
        assert first.resume_at.purge
        assert first.resume_at.purge["step"] <= 1
        assert project in wired.services.erasure.unfinished_deletions()
        while project in wired.services.erasure.unfinished_deletions():  # once, unless the machine is busy
            schedule.continue_deletions(wired.services)
        assert [row for row in tables.rows(wired) if names(row, project) and "project#" not in str(row)] == []

    def test_one_process_at_a_time_works_on_a_deletion(self, wired: Wired, settings: Settings) -> None:
        project, erasure = settings.project + "-l", wired.services.erasure
        a_project(wired, project)
        purge, seen = erasure._purge.run, list[Project]()  # noqa: SLF001 - to look on in the middle of it

        def run(*arguments: Any, **more: Any) -> dict[str, Any] | None:
            seen.append(erasure.delete_project(project))
            return purge(*arguments, **more)

        erasure._purge.run = run  # type: ignore[method-assign]  # noqa: SLF001
        deleted = erasure.delete_project(project)

        assert [(seen_project.state, bool(seen_project.resume_at)) for seen_project in seen] == [("deleting", True)]
        assert deleted.deletion
        assert deleted.deletion.removed["keys"] == 1
