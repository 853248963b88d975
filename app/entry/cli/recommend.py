"""`serendip recommend`: recommendations for a user, with reasons."""

from typing import Annotated, Any

import typer

from app.domain.recommendations import RecommendationQuery
from app.entry.cli.mistakes import valid_id
from app.entry.cli.terminal import AsJson, connect_project, print_json, print_rows


def recommend(
    user_id: str,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many items.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Recommend items to a user, and say why."""
    valid_id(user_id)
    with connect_project() as (services, project):
        recommended = services.recommend.for_user(project, user_id, RecommendationQuery(limit=limit))
    rows: list[dict[str, Any]] = [
        {
            "item_id": recommendation.item_id,
            "title": recommendation.item.title if recommendation.item else None,
            "score": recommendation.score,
            "source": recommendation.source,
            "reasons": [
                {"item": reason.title or reason.item_id, "share": reason.share} for reason in recommendation.reasons
            ],
        }
        for recommendation in recommended.recommendations
    ]
    if as_json:
        print_json(rows)
        return
    model = recommended.active.version if recommended.active else "no model"
    table = []
    for row in rows:
        reasons = ", ".join(f"{reason['item']} {reason['share']:.0%}" for reason in row["reasons"])
        table.append((row["item_id"], row["title"] or "", f"{row['score']:.4f}", row["source"], reasons))
    heading = ("Item", "Title", "Score", "Source", "Because of")
    print_rows(heading, table, "There is nothing to recommend yet.", title=f"For {user_id}, {model}")
