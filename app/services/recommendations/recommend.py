"""What should this user see next: the answers. `gathering` fetches what they need, `choosing` fills their places."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from app import telemetry
from app.domain.events import Event
from app.domain.recommendations import (
    CATALOG,
    GIVEN,
    NEIGHBORS,
    RECOMMENDERS,
    SIMILAR,
    Recommendation,
    RecommendationList,
    RecommendationQuery,
)
from app.domain.scenarios import PageRow, RowSettings
from app.errors import NotFound, Unavailable
from app.recommender import ranking, weights
from app.services.recommendations.candidate_filter import CandidateFilter, Excluded, Rules
from app.services.recommendations.context import ContextLoader, RequestContext
from app.services.recommendations.slate import Choosing

MAX_COUNTERFACTUALS = 20
"""Events of which an explained answer says what it would be without them."""
FALLBACKS = frozenset(RECOMMENDERS) - {NEIGHBORS} | {CATALOG}
"""Sources that fill up an answer."""
RECOMMENDATIONS, BECAUSE = "recommendations", "because"
"""Kinds of rows besides the lists."""


class Recommend:
    def __init__(self, gathering: ContextLoader, clock: Callable[[], datetime]) -> None:
        self._gathering, self._clock = gathering, clock
        self._choosing = Choosing(gathering)

    def for_user(self, project: str, user_id: str, wish: RecommendationQuery) -> RecommendationList:
        """The user's recommendations; when the database is gone, the last popular list in memory.

        Raises:
            InvalidInput: a filter or boost is wrong, or costs too much.
        """
        read = partial(self._gathering.newest, project, user_id, consistent=wish.consistent)
        return self._for_history(project, user_id, wish, read)

    def for_session(self, project: str, events: Sequence[Event], wish: RecommendationQuery) -> RecommendationList:
        """The same for somebody unknown, from the events that he sends along."""
        return self._for_history(project, "", wish, lambda: events)

    def similar(self, project: str, item_id: str, wish: RecommendationQuery) -> RecommendationList:
        """Neighbors of one item.

        Raises:
            NotFound: no model and no item knows this id.
        """
        wish = replace(wish, exclude=wish.exclude | {item_id})
        applied = Rules.of(wish, self._clock())
        try:
            asked, _ = self._gathering.gathered(project, "", wish, applied)
            row = self._gathering.row(asked, item_id)
            if not row and self._unknown(asked, item_id):
                raise NotFound("There is no such item.")
            selection = CandidateFilter(wish, applied, Excluded(wish.exclude), self._gathering.look(asked))
            best = ranking.ranked(row, wish.exclude)
            selection.take((Recommendation(name, score, SIMILAR) for name, score in best), wish.limit)
            self._choosing.fill(asked, selection, {}, wish.limit)
            return RecommendationList(tuple(selection.kept), asked.active)
        except Unavailable:
            return self._degraded(project, wish, applied)

    def rank(
        self, project: str, user_id: str, item_ids: Sequence[str], wish: RecommendationQuery
    ) -> RecommendationList:
        """The given items, best for the user first; those that nothing is known of keep their order at the end.

        What he disliked comes last.
        """
        read = partial(self._gathering.newest, project, user_id, consistent=wish.consistent)
        asked, events = self._gathering.gathered(project, user_id, wish, Rules.of(wish, self._clock()), read)
        evidence = self._gathering.evidence(asked, events)
        scores = evidence.scores()
        disliked = weights.disliked(events)
        order = sorted(dict.fromkeys(item_ids), key=lambda item_id: (item_id in disliked, -scores.get(item_id, 0.0)))
        known = self._gathering.items(asked, order)
        ranked = [
            Recommendation(
                item_id,
                scores.get(item_id, 0.0),
                NEIGHBORS if item_id in scores else GIVEN,
                item=known[item_id].item if item_id in known else None,
            )
            for item_id in order
        ]
        return RecommendationList(tuple(evidence.explained(one, fully=wish.explain) for one in ranked), asked.active)

    def listed(self, project: str, kind: str, category: str | None, wish: RecommendationQuery) -> RecommendationList:
        """The items of one of the lists: popular, trending or latest."""
        applied = Rules.of(wish, self._clock())
        asked, _ = self._gathering.gathered(project, "", wish, applied)
        selection = CandidateFilter(wish, applied, Excluded(wish.exclude), self._gathering.look(asked))
        selection.take(self._gathering.listed(asked, kind, category), wish.limit)
        return RecommendationList(tuple(selection.kept), asked.active)

    def rows(
        self, project: str, user_id: str, wish: RecommendationQuery, settings: Sequence[RowSettings]
    ) -> list[PageRow]:
        """Several lists for one page, no item twice; rows that nothing fills are left out.

        Raises:
            InvalidInput: a filter or boost is wrong, or costs too much.
        """
        applied = Rules.of(wish, self._clock())
        read = partial(self._gathering.newest, project, user_id, consistent=wish.consistent)
        asked, events = self._gathering.gathered(project, user_id, replace(wish, explain=False), applied, read)
        excluded = self._choosing.excluded(asked, events)
        made: list[PageRow] = []
        for one in settings:
            for row in self._rows_of(asked, events, excluded, one):
                excluded = excluded | (shown.item_id for shown in row.answer.recommendations)
                made.append(row)
        return made

    def _rows_of(
        self, asked: RequestContext, events: Sequence[Event], excluded: Excluded, settings: RowSettings
    ) -> list[PageRow]:
        wish = replace(asked.wish, limit=settings.limit)
        asked = replace(asked, wish=wish)
        if settings.kind == RECOMMENDATIONS:
            answer = self._explained(asked, events, excluded)
            return [PageRow(settings.kind, settings.title, answer)] if answer.recommendations else []
        if settings.kind == BECAUSE:
            return self._because(asked, events, excluded, settings)
        selection = CandidateFilter(wish, asked.rules, excluded, self._gathering.look(asked))
        selection.take(self._gathering.listed(asked, settings.kind, settings.category), wish.limit)
        answer = RecommendationList(tuple(selection.kept), asked.active)
        return [PageRow(settings.kind, settings.title, answer)] if selection.kept else []

    def _because(
        self, asked: RequestContext, events: Sequence[Event], excluded: Excluded, settings: RowSettings
    ) -> list[PageRow]:
        """What resembles each of the user's items that speak loudest, of those that resemble anything."""
        evidence = self._gathering.evidence(asked, events)
        loudest = sorted(evidence.weighted, key=lambda entry: -entry[1])
        made: list[PageRow] = []
        for item_id, weight in loudest:
            if len(made) == settings.repeat or weight <= 0:
                break
            selection = CandidateFilter(asked.wish, asked.rules, excluded, self._gathering.look(asked))
            best = ranking.ranked(evidence.rows.get(item_id, {}), excluded)
            selection.take((Recommendation(name, score, SIMILAR) for name, score in best), settings.limit)
            if not selection.kept:
                continue
            known = self._gathering.items(asked, [item_id]).get(item_id)
            title = settings.title.replace("{item}", (known.item.title if known else None) or item_id)
            answer = RecommendationList(tuple(selection.kept), asked.active)
            made.append(PageRow(settings.kind, title, answer, item_id))
            excluded = excluded | (one.item_id for one in selection.kept)
        return made

    def _for_history(
        self, project: str, user_id: str, wish: RecommendationQuery, read: Callable[[], Sequence[Event]]
    ) -> RecommendationList:
        applied = Rules.of(wish, self._clock())
        try:
            asked, events = self._gathering.gathered(project, user_id, wish, applied, read)
            excluded = self._choosing.excluded(asked, events)
            answer = self._explained(asked, events, excluded)
        except Unavailable:
            return self._degraded(project, wish, applied)
        if asked.shadow is not None:
            self._compare(replace(asked, active=asked.shadow), events, excluded, answer)
        return answer

    def _explained(self, asked: RequestContext, events: Sequence[Event], excluded: Excluded) -> RecommendationList:
        """The answer, with the reasons of its items."""
        wish = asked.wish
        explained = self._choosing.chosen(asked, events, excluded).explained(fully=wish.explain)
        if wish.explain:
            explained = self._with_counterfactuals(asked, events, explained)
        named = {reason.item_id for one in explained for reason in one.reasons}
        titles = {item_id: known.item.title for item_id, known in self._gathering.items(asked, sorted(named)).items()}
        other = asked.other.version if asked.other else None
        return RecommendationList(tuple(_titled(one, titles) for one in explained), asked.active, other=other)

    def _compare(
        self, asked: RequestContext, events: Sequence[Event], excluded: Excluded, answer: RecommendationList
    ) -> None:
        """Tell how much of an answer a shadow version would have shown too; its trouble is not the answer's."""
        try:
            kept = self._choosing.selected(asked, events, excluded).kept
        except Exception as error:  # noqa: BLE001 - nobody waits for it
            telemetry.tell_failure(telemetry.current(), error)
            return
        shown = {one.item_id for one in answer.recommendations}
        work = telemetry.current()
        work.shadow_version = asked.active.version if asked.active else None
        work.shadow_overlap = len(shown & {one.item_id for one in kept}) / max(len(shown), len(kept), 1)

    def _with_counterfactuals(
        self, asked: RequestContext, events: Sequence[Event], explained: Sequence[Recommendation]
    ) -> list[Recommendation]:
        """Whether each item would still be there without each event that speaks for it: answered by trying."""
        shares: dict[str, float] = {}
        for one in explained:
            for reason in one.reasons:
                if reason.event_id:
                    shares[reason.event_id] = shares.get(reason.event_id, 0.0) + abs(reason.share)
        kept_without = {}
        for event_id in sorted(shares, key=lambda event_id: -shares[event_id])[:MAX_COUNTERFACTUALS]:
            others = [event for event in events if event.event_id != event_id]
            chosen = self._choosing.chosen(asked, others, self._choosing.excluded(asked, others))
            kept_without[event_id] = {one.item_id for one in chosen.kept}

        def tried(one: Recommendation) -> Recommendation:
            reasons = tuple(
                replace(reason, kept_without=one.item_id in kept_without[reason.event_id])
                if reason.event_id in kept_without
                else reason
                for reason in one.reasons
            )
            return replace(one, reasons=reasons)

        return [tried(one) for one in explained]

    def _unknown(self, asked: RequestContext, item_id: str) -> bool:
        known = self._gathering.items(asked, [item_id]).get(item_id)
        return known is None or known.item.deleted

    def _degraded(self, project: str, wish: RecommendationQuery, applied: Rules) -> RecommendationList:
        """The last popular list in memory; raises Unavailable where there is none."""
        active, listed, known = self._gathering.degraded(project)
        selection = CandidateFilter(wish, applied, Excluded(wish.exclude, wish.shown), lambda _: known)
        selection.take(listed, wish.limit)
        return RecommendationList(tuple(selection.kept), active, degraded=True)


def _titled(one: Recommendation, titles: Mapping[str, str | None]) -> Recommendation:
    return replace(one, reasons=tuple(replace(reason, title=titles.get(reason.item_id)) for reason in one.reasons))
