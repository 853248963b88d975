"""Recommendation lists: load the context, build the slate, explain it; or degrade if the database is unavailable."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from app import telemetry
from app.clock import Clock
from app.domain.events import Event, History
from app.domain.fields import OF_ITEMS, REASONS
from app.domain.recommendations import (
    BOUGHT_TOGETHER,
    CONTEXT,
    NEIGHBORS,
    REQUESTED,
    SIMILAR,
    Recommendation,
    RecommendationList,
    RecommendationQuery,
)
from app.domain.scenarios import RECOMMENDATIONS, SIMILAR_TO_RECENT, PageRow, RowSettings
from app.errors import NotFound, Unavailable
from app.recommender import ranking
from app.recommender.packing import Row
from app.services.recommendations import slate as slates
from app.services.recommendations.candidate_filter import CandidateFilter, Excluded, Rules
from app.services.recommendations.context import ContextLoader, ReadHistory, RequestContext
from app.services.recommendations.degraded import Degraded
from app.services.recommendations.evidence import Evidence, Source
from app.services.recommendations.explain import EXPLAINED, explain
from app.services.recommendations.slate import Slate


class Recommend:
    def __init__(self, loader: ContextLoader, degraded: Degraded, clock: Clock) -> None:
        self._loader, self._degraded, self._clock = loader, degraded, clock

    def for_user(self, project: str, user_id: str, query: RecommendationQuery) -> RecommendationList:
        """Returns the user's recommendations; without the database, the last popular list in memory.

        Raises:
            InvalidInput: a filter or boost is invalid or too slow.
        """
        return self._for_history(project, user_id, query, self._history(project, user_id, query))

    def for_session(self, project: str, events: Sequence[Event], query: RecommendationQuery) -> RecommendationList:
        """Returns recommendations for an anonymous session from the events of the request."""
        return self._for_history(project, "", query, lambda: History(events))

    def similar(self, project: str, item_id: str, query: RecommendationQuery) -> RecommendationList:
        """Returns the neighbors of one item.

        Raises:
            NotFound: neither the model nor the catalog has the item.
        """
        return self._of_item(project, item_id, query, _similar)

    def bought_together(self, project: str, item_id: str, query: RecommendationQuery) -> RecommendationList:
        """Returns what is bought together with one item, then similar items if that is too little.

        Raises:
            NotFound: neither the model nor the catalog has the item.
        """
        return self._of_item(project, item_id, query, _bought_together)

    def _of_item(
        self,
        project: str,
        item_id: str,
        query: RecommendationQuery,
        recommended: Callable[[RequestContext, str], Sequence[Recommendation]],
    ) -> RecommendationList:
        query = replace(query, exclude=query.exclude | {item_id})
        rules = Rules.of(query, self._clock.now())
        try:
            context = self._loader.load(project, "", query, rules)
            return _listed(context, recommended(context, item_id))
        except Unavailable:
            return self._degraded.popular(project, query, rules)

    def rank(
        self,
        project: str,
        user_id: str,
        item_ids: Sequence[str],
        query: RecommendationQuery,
        *,
        include_hidden: bool = False,
    ) -> RecommendationList:
        """Returns the requested items, best for the user first; items without a score follow in the requested order.

        Disliked items come last. Hidden, expired and deleted items are left out, unless `include_hidden` is set.
        Without the database, the items keep the requested order.
        """
        rules = Rules.of(query, self._clock.now())
        try:
            history = self._history(project, user_id, query)
            context = self._loader.load(project, user_id, query, rules, history)
            return _ranked(context, item_ids, include_hidden=include_hidden)
        except Unavailable:
            return self._degraded.ranked(project, item_ids, rules, include_hidden=include_hidden)

    def from_list(
        self, project: str, kind: str, category: str | None, query: RecommendationQuery
    ) -> RecommendationList:
        """Returns the popular, trending or latest items; without the database, the last popular list in memory."""
        rules = Rules.of(query, self._clock.now())
        try:
            context = self._loader.load(project, "", query, rules)
            return _from_list(context, kind, category, Excluded(query.exclude))
        except Unavailable:
            return self._degraded.popular(project, query, rules, category)

    def page_rows(
        self, project: str, user_id: str, query: RecommendationQuery, settings: Sequence[RowSettings]
    ) -> list[PageRow]:
        """Returns the rows of a page; no item occurs twice, and rows without items are left out.

        Raises:
            InvalidInput: a filter or boost is invalid or too slow.
        """
        query, rules = replace(query, explain=False), Rules.of(query, self._clock.now())
        try:
            context = self._loader.load(project, user_id, query, rules, self._history(project, user_id, query))
            return _page_rows(context, settings)
        except Unavailable:
            return self._degraded.rows(project, query, rules, settings)

    def _history(self, project: str, user_id: str, query: RecommendationQuery) -> ReadHistory:
        return partial(self._loader.read_history, project, user_id, consistent=query.consistent)

    def _for_history(
        self, project: str, user_id: str, query: RecommendationQuery, history: ReadHistory
    ) -> RecommendationList:
        rules = Rules.of(query, self._clock.now())
        try:
            context = self._loader.load(project, user_id, query, rules, history)
            excluded = slates.excluded_items(context)
            recommendations = _explained(context, excluded)
        except Unavailable:
            return self._degraded.popular(project, query, rules)
        if context.shadow is not None:
            _compare_shadow(replace(context, active=context.shadow), excluded, recommendations)
        return recommendations


def _explained(context: RequestContext, excluded: Excluded) -> RecommendationList:
    explained = explain(context, slates.build(context, excluded))
    challenger = context.challenger.version if context.challenger else None
    return replace(_listed(context, explained), challenger=challenger)


def _listed(context: RequestContext, recommendations: Iterable[Recommendation]) -> RecommendationList:
    return RecommendationList(tuple(recommendations), context.active, warnings=context.rules.warnings)


def _ranked(context: RequestContext, item_ids: Sequence[str], *, include_hidden: bool) -> RecommendationList:
    query, scores, disliked = context.query, context.evidence.scores(), context.disliked
    order = sorted(dict.fromkeys(item_ids), key=lambda item_id: (item_id in disliked, -scores.get(item_id, 0.0)))
    items = context.items(order) if query.wants_any(OF_ITEMS) or not include_hidden else {}
    hidden = {item_id for item_id, cached in items.items() if not cached.item.is_shown(context.rules.now)}
    ranked = [
        Recommendation(
            item_id,
            scores.get(item_id, 0.0),
            NEIGHBORS if item_id in scores else REQUESTED,
            item=items[item_id].item if item_id in items else None,
        )
        for item_id in order
        if include_hidden or item_id not in hidden
    ]
    if not query.wants_any(EXPLAINED):
        return _listed(context, ranked)
    with_reasons = query.wants(REASONS)
    explained = (context.evidence.explain(each, fully=query.explain, with_reasons=with_reasons) for each in ranked)
    return _listed(context, explained)


def _similar(context: RequestContext, item_id: str) -> Sequence[Recommendation]:
    """Returns neighbors, then items of the fallback lists."""
    query, neighbors = context.query, context.neighbors([(item_id, 1.0)]).get(item_id, Row())
    _check_exists(context, item_id, neighbors)
    candidates = context.candidates(Excluded(query.exclude))
    _add(candidates, neighbors, SIMILAR, query)
    slates.fill(context, candidates, query.limit)
    return candidates.kept


def _bought_together(context: RequestContext, item_id: str) -> Sequence[Recommendation]:
    """Returns what is bought together with an item, with the counts as reasons, then its neighbors."""
    query, neighbors = context.query, context.neighbors([(item_id, 1.0)], [item_id]).get(item_id, Row())
    row = context.bought_together([item_id]).get(item_id, Row())
    _check_exists(context, item_id, row or neighbors)
    filling = list(neighbors)[: max(0, query.limit - len(row))]
    named = [item_id] if query.wants(REASONS, "title") else []
    candidates = context.candidates(Excluded(query.exclude), along=[*named, *filling])
    _add(candidates, row, BOUGHT_TOGETHER, query)
    _add(candidates, neighbors, SIMILAR, query)
    evidence = Evidence([Source(Event("", item_id, CONTEXT, context.rules.now, ""), 1.0, row)])
    return explain(context, Slate(candidates.kept, evidence))


def _add(candidates: CandidateFilter, row: Row, source: str, query: RecommendationQuery) -> None:
    ranked = ranking.ranked(row, query.exclude)
    candidates.add((Recommendation(item_id, score, source) for item_id, score in ranked), query.limit)


def _from_list(context: RequestContext, kind: str, category: str | None, excluded: Excluded) -> RecommendationList:
    candidates = context.candidates(excluded)
    candidates.add(context.from_list(kind, category), context.query.limit)
    return _listed(context, candidates.kept)


def _page_rows(context: RequestContext, settings: Sequence[RowSettings]) -> list[PageRow]:
    excluded = slates.excluded_items(context)
    rows: list[PageRow] = []
    for each in settings:
        for row in _rows(replace(context, query=replace(context.query, limit=each.limit)), excluded, each):
            excluded = excluded | _item_ids(row.list)
            rows.append(row)
    return rows


def _rows(context: RequestContext, excluded: Excluded, settings: RowSettings) -> list[PageRow]:
    if settings.kind == SIMILAR_TO_RECENT:
        return _similar_to_recent(context, excluded, settings)
    if settings.kind == RECOMMENDATIONS:
        recommendations = _explained(context, excluded)
    else:
        recommendations = _from_list(context, settings.kind, settings.category, excluded)
    if not recommendations.recommendations:
        return []
    return [PageRow(settings.kind, settings.title, recommendations)]


def _similar_to_recent(context: RequestContext, excluded: Excluded, settings: RowSettings) -> list[PageRow]:
    """Returns the neighbors of the user's items with the largest weights, one row for each that has neighbors."""
    evidence = context.evidence
    rows: list[PageRow] = []
    for source in sorted(evidence.sources, key=lambda source: -source.weight):
        if len(rows) == settings.count or source.weight <= 0:
            break
        item_id = source.event.item_id
        candidates = context.candidates(excluded)
        ranked = ranking.ranked(source.row, excluded.among(source.row))
        candidates.add((Recommendation(other_id, score, SIMILAR) for other_id, score in ranked), settings.limit)
        if not candidates.kept:
            continue
        cached = context.items([item_id]).get(item_id)
        title = settings.title.replace("{item}", (cached.item.title if cached else None) or item_id)
        recommendations = _listed(context, candidates.kept)
        rows.append(PageRow(settings.kind, title, recommendations, item_id))
        excluded = excluded | _item_ids(recommendations)
    return rows


def _compare_shadow(context: RequestContext, excluded: Excluded, recommendations: RecommendationList) -> None:
    """Logs which share of the list a shadow version would have shown too; its failures do not affect the response."""
    log = telemetry.current()
    try:
        slate = slates.build_for_version(context, excluded)
    except Exception as error:  # noqa: BLE001 - the list is complete without the comparison
        telemetry.log_failure(log, error)
        return
    shown, compared = _item_ids(recommendations), {each.item_id for each in slate.recommendations}
    log.shadow_version = context.active.version if context.active else None
    log.shadow_overlap = len(shown & compared) / max(len(shown), len(compared), 1)


def _item_ids(recommendations: RecommendationList) -> set[str]:
    return {recommendation.item_id for recommendation in recommendations.recommendations}


def _check_exists(context: RequestContext, item_id: str, row: Row) -> None:
    """Raises NotFound if the model has no row of an item, and the catalog no item."""
    cached = None if row else context.items([item_id]).get(item_id)
    if not row and (cached is None or cached.item.deleted):
        raise NotFound("There is no such item.")
