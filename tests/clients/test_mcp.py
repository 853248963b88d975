"""The MCP server: an assistant reads a project over standard input and output, and can change nothing."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import CallToolResult, TextContent, Tool
from serendip_client.mcp_server import MOST_BYTES, Reader, server_of

from app.domain.access import Scope
from tests import clients
from tests.clients.conftest import Place
from tests.clients.scripted_server import DROPPED, scripted
from tests.support.builders import a_key
from tests.support.command_line import command
from tests.support.datasets import ROOT

READER = {"scopes": ["read:all", "recommend"]}
REFUSAL = {"type": "about:blank", "title": "Unauthenticated", "status": 401, "detail": "This API key does not exist."}
QUESTIONS: dict[str, dict[str, Any]] = {
    "recommendations": {"user_id": "u1", "limit": 2},
    "explain": {"user_id": "u1", "item_id": "of the list"},
    "similar_items": {"item_id": "i4"},
    "bought_together": {"item_id": "i4"},
    "ranking": {"kind": "popular"},
    "search_items": {"text": "i", "limit": 3},
    "get_item": {"item_id": "i4"},
    "get_user": {"user_id": "u3"},
    "user_events": {"user_id": "u1"},
    "recent_events": {"item_id": "i4", "limit": 5},
    "model_versions": {},
    "rollout": {},
    "outcomes": {"by": ["version"]},
    "compare_outcomes": {"by": "scenario", "name": "home", "against": ""},
    "usage": {"days": 7},
    "scenarios": {},
    "jobs": {"kind": "import"},
}
"""Arguments for every tool, in the order of the tools."""


def text(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def answer_to(url: str, tool: str, **arguments: Any) -> CallToolResult:
    """Calls a tool of a server in this process."""

    async def call() -> CallToolResult:
        async with Reader(url, "sk_test") as reader, Client(server_of(reader, url)) as assistant:
            return await assistant.call_tool(tool, arguments)

    return asyncio.run(call())


class TestAssistant:
    def test_it_asks_every_question_over_standard_input(self, server: Place, tmp_path: Path) -> None:
        _, _, names = server.furnished()
        key = a_key(server.wired, names["{project}"], Scope.READ_ALL)
        program = StdioServerParameters(
            command=sys.executable,
            args=["-m", "app.entry.cli.main", "mcp", "--url", server.base],
            env={"SERENDIP_API_KEY": key, "PYTHONPATH": f"{ROOT}:{clients.PYTHON}"},
            cwd=tmp_path,
        )

        async def ask() -> tuple[list[Tool], dict[str, CallToolResult]]:
            answers: dict[str, CallToolResult] = {}
            with (tmp_path / "log").open("w") as log:
                async with Client(stdio_client(program, log)) as assistant:
                    tools = (await assistant.list_tools()).tools
                    for name, arguments in QUESTIONS.items():
                        if name == "explain":
                            arguments["item_id"] = answers["recommendations"].structured_content["items"][1]["item_id"]
                        answers[name] = await assistant.call_tool(name, arguments)
                    seen = answers["user_events"].structured_content["events"][0]["item_id"]
                    answers["seen"] = await assistant.call_tool("explain", {"user_id": "u1", "item_id": seen})
                    answers["no user"] = await assistant.call_tool("get_user", {"user_id": "u99"})
                    answers["too many"] = await assistant.call_tool("jobs", {"limit": 1_000})
            return tools, answers

        tools, answers = asyncio.run(ask())

        assert [tool.name for tool in tools] == list(QUESTIONS)
        assert all(tool.annotations is not None and tool.annotations.read_only_hint for tool in tools)
        assert all(tool.output_schema is not None and tool.description for tool in tools)
        assert {name: text(answers[name]) for name in QUESTIONS if answers[name].is_error} == {}
        assert text(answers["no user"]).endswith("404 Not found: There is no such user.")
        assert "less than or equal to 50" in text(answers["too many"])
        content = {name: answer.structured_content for name, answer in answers.items()}
        listed = content["recommendations"]["items"]
        assert len(listed) == 2
        assert content["explain"]["position"] is not None
        assert content["explain"]["recommendation"]["item_id"] == listed[1]["item_id"]
        assert content["explain"]["recommendation"]["reasons"][0]["share"] > 0
        assert content["explain"]["own_events"] == []
        assert content["seen"]["position"] is None
        assert content["seen"]["own_events"][0]["item_id"] == content["seen"]["recommendation"]["item_id"]
        assert content["model_versions"]["versions"][0]["active"]
        assert "ndcg" in content["model_versions"]["versions"][0]["metrics"]
        assert [job["upload_url"] for job in content["jobs"]["jobs"]] == [None]


class TestKey:
    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            ((200, {}, {"scopes": ["admin", "read:all", "recommend", "write"]}), "this one has admin, write"),
            ((200, {}, {"scopes": ["events:own", "recommend"]}), "this one has events:own"),
            ((200, {}, {"scopes": ["erase", "read:all", "recommend"]}), "this one has erase"),
            ((401, {}, REFUSAL), "refuses the key: This API key does not exist."),
        ],
        ids=["admin", "events of users", "newer", "unknown"],
    )
    def test_one_that_does_more_than_read_is_refused(
        self, answer: tuple[int, dict[str, str], Any], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with scripted(answer) as script:
            variables = {"SERENDIP_URL": script.base, "SERENDIP_API_KEY": "sk_test"}
            ended = command(capsys, tmp_path, variables, "mcp")
            later = answer_to(script.base, "usage")

            assert (ended.code, ended.out) == (1, "")
            assert message in ended.err
            assert "--scope read:all" in ended.err
            assert later.is_error
            assert message in text(later)
            assert {path for path, _, _ in script.requests} == {"/v1/principal"}

    def test_there_has_to_be_one(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        ended = command(capsys, tmp_path, {"SERENDIP_API_KEY": ""}, "mcp")

        assert (ended.code, ended.out) == (1, "")
        assert "serendip keys create" in ended.err


class TestErrors:
    def test_an_unreachable_server_is_named(self) -> None:
        with scripted((DROPPED, {}, b"")) as script:
            answer = answer_to(script.base, "usage")

            assert answer.is_error
            assert f"Serendip at {script.base} cannot be reached" in text(answer)

    def test_an_answer_that_is_too_large_is_refused(self) -> None:
        events = {"events": [], "next_cursor": "x" * MOST_BYTES}
        with scripted((200, {}, READER), (200, {}, events)) as script:
            answer = answer_to(script.base, "user_events", user_id="ann")

            assert answer.is_error
            assert "lower `limit`" in text(answer)

    def test_a_missing_package_is_named(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "serendip_client.mcp_server", None)
        monkeypatch.delattr("serendip_client.mcp_server", raising=False)

        ended = command(capsys, tmp_path, {}, "mcp")

        assert ended.code == 1
        assert "make mcp" in ended.err
