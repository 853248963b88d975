"""The slate: which items a list holds and in which order.

retrieve -> filter -> rank -> diversify, source after source; then exploration, and a challenger's items in between.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from app.domain.fields import REASONS
from app.domain.recommendations import CATALOG, EXPLORATION, LATEST, NEIGHBORS, Recommendation
from app.recommender import experiments, exploration, ranking
from app.recommender.diversity import Caps
from app.services.recommendations.candidate_filter import CandidateFilter, Excluded
from app.services.recommendations.context import RequestContext
from app.services.recommendations.evidence import Evidence

PARTLY_TRIED = (
    "The list is short: the filter was tried on the {:,} items of the catalog that were changed last, and there are "
    "more. SERENDIP_CATALOG_ITEMS is the number of items that an instance keeps in memory."
)


@dataclass(frozen=True, slots=True)
class Slate:
    """The items of a list in their order, and the evidence behind them."""

    recommendations: Sequence[Recommendation]
    evidence: Evidence
    challenger_evidence: Evidence | None = None


def excluded_items(context: RequestContext) -> Excluded:
    """Returns the items a list must not hold: excluded, seen, disliked, context, in the cart or on earlier pages."""
    query = context.query
    seen = set() if query.include_seen else context.seen
    return Excluded(query.left_out.union(seen, context.disliked), query.shown)


def build(context: RequestContext, excluded: Excluded) -> Slate:
    """Builds the slate of the active version, interleaved with the challenger's if there is one."""
    slate = build_for_version(context, excluded)
    if context.challenger is None:
        return slate
    other = build_for_version(replace(context, active=context.challenger), excluded)
    marked = [recommendation._replace(from_challenger=True) for recommendation in other.recommendations]
    caps, limit = Caps(context.query.diversity), context.query.limit
    seed = f"{context.user_id}\n{context.challenger.version}"
    drafted = experiments.team_draft(
        slate.recommendations, marked, limit, seed, lambda recommendation: caps.admits(recommendation.item)
    )
    return Slate(drafted, slate.evidence, other.evidence)


def build_for_version(context: RequestContext, excluded: Excluded) -> Slate:
    """Builds the slate of the active version alone."""
    evidence = context.evidence
    scores = evidence.scores()
    explored = _explore(context, excluded, scores)
    excluded = excluded | (recommendation.item_id for recommendation in explored)
    candidates = context.candidates(excluded, with_reasons=context.query.wants(REASONS, "title"))
    neighbors = (
        Recommendation(item_id, score, NEIGHBORS) for item_id, score in ranking.ranked(scores, excluded.among(scores))
    )
    fill(context, candidates, context.query.limit - len(explored), neighbors, evidence.factors)
    return Slate(exploration.spread(candidates.kept, explored), evidence)


def fill(
    context: RequestContext,
    candidates: CandidateFilter,
    limit: int,
    neighbors: Iterable[Recommendation] = (),
    factors: Mapping[str, float] | None = None,
) -> None:
    """Adds candidates of each recommender, then the catalog, until the list has `limit` items."""
    for source in context.query.recommenders:
        if candidates.missing(limit):
            candidates.add(neighbors if source == NEIGHBORS else context.from_list(source, factors=factors), limit)
    if not context.query.filters or context.catalog is None or not candidates.missing(limit):
        return
    catalog = sorted(context.catalog.values(), key=lambda cached: cached.item.item_id)
    catalog.sort(key=lambda cached: cached.item.created_at, reverse=True)
    candidates.add((Recommendation(cached.item.item_id, 0.0, CATALOG) for cached in catalog), limit)
    if candidates.missing(limit) and not context.is_complete:
        context.rules.notes[:] = [PARTLY_TRIED.format(len(catalog))]


def _explore(context: RequestContext, excluded: Excluded, scores: Mapping[str, float]) -> list[Recommendation]:
    """Returns new items for their share of the positions, those with the best scores first."""
    query, now = context.query, context.rules.now
    count = exploration.positions(query.limit, query.exploration, f"{context.project}\n{context.user_id}", now)
    if not count:
        return []
    latest = [recommendation.item_id for recommendation in context.from_list(LATEST)]
    items = context.items(latest)
    new = [
        item_id for item_id in latest if item_id in items and exploration.is_new(items[item_id].item.created_at, now)
    ]
    order = exploration.shuffled(new, f"{context.user_id}\n{now.date()}")
    relevance = {item_id: max(scores.get(item_id, 0.0), 0.0) for item_id in order}
    order.sort(key=lambda item_id: -relevance[item_id])
    candidates = context.candidates(excluded)
    candidates.add((Recommendation(item_id, relevance[item_id], EXPLORATION) for item_id in order), count)
    return candidates.kept
