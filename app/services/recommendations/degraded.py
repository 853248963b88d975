"""Lists without the database, from what an instance has in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.domain.models import ActiveModel
from app.domain.recommendations import POPULAR, REQUESTED, Recommendation, RecommendationList, RecommendationQuery
from app.domain.scenarios import SIMILAR_TO_RECENT, PageRow, RowSettings
from app.recommender.cel.work import Work
from app.services.catalog.item_cache import ItemCache
from app.services.catalog.snapshot import CachedItem
from app.services.models.cache import ModelCache
from app.services.recommendations.candidate_filter import STEPS, CandidateFilter, Excluded, Rules


class Degraded:
    def __init__(self, models: ModelCache, items: ItemCache) -> None:
        self._models, self._items = models, items

    def popular(
        self, project: str, query: RecommendationQuery, rules: Rules, category: str | None = None
    ) -> RecommendationList:
        """Returns the popular list that was loaded last, or its items of a category.

        Raises:
            Unavailable: no list is in memory.
            InvalidInput: a filter or boost takes too many steps.
        """
        active, popular, items = self._popular(project, category)
        return _listed(active, popular, items, query, rules, Excluded(query.left_out, query.shown))

    def ranked(
        self, project: str, item_ids: Sequence[str], rules: Rules, *, include_hidden: bool = False
    ) -> RecommendationList:
        """Returns the requested items in the requested order, as for an unknown user."""
        items = self._items.get_stale(project, item_ids)
        shown = [
            Recommendation(item_id, 0.0, REQUESTED, item=items.get(item_id))
            for item_id in dict.fromkeys(item_ids)
            if include_hidden or item_id not in items or items[item_id].is_shown(rules.now)
        ]
        return RecommendationList(tuple(shown), None, degraded=True)

    def rows(
        self, project: str, query: RecommendationQuery, rules: Rules, settings: Sequence[RowSettings]
    ) -> list[PageRow]:
        """Returns the rows of a page, filled with the popular list that was loaded last. Raises as `popular`."""
        excluded, rows = Excluded(query.left_out, query.shown), []
        for each in settings:
            if each.kind == SIMILAR_TO_RECENT:  # nothing in memory replaces the items of the user
                continue
            active, popular, items = self._popular(project, each.category)
            listed = _listed(active, popular, items, replace(query, limit=each.limit), rules, excluded)
            if listed.recommendations:
                rows.append(PageRow(each.kind, each.title, listed))
                excluded = excluded | (recommendation.item_id for recommendation in listed.recommendations)
        return rows

    def _popular(
        self, project: str, category: str | None
    ) -> tuple[ActiveModel, list[Recommendation], Mapping[str, CachedItem]]:
        active, scores = self._models.last_popular(project)
        items = self._items.get_stale(project, scores)
        unknown = self._items.unknown(project, scores) if items else set()
        popular = [
            Recommendation(item_id, score, POPULAR)
            for item_id, score in scores.items()
            if item_id not in unknown
            and (category is None or (item_id in items and category in items[item_id].categories))
        ]
        return active, popular, {item_id: CachedItem(item) for item_id, item in items.items()}


def _listed(
    active: ActiveModel,
    popular: Sequence[Recommendation],
    items: Mapping[str, CachedItem],
    query: RecommendationQuery,
    rules: Rules,
    excluded: Excluded,
) -> RecommendationList:
    rules = replace(rules, work=Work(STEPS, lambda: None))  # a list is short, and the time may be up already
    candidates = CandidateFilter(query, rules, excluded, lambda _: items, lambda: True)
    candidates.add(popular, query.limit)
    return RecommendationList(tuple(candidates.kept), active, degraded=True, warnings=rules.warnings)
