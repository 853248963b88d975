"""Which items an answer holds, in their order: of one version or of two, from recommender after recommender."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.domain.events import Event
from app.domain.recommendations import CATALOG, EXPLORATION, LATEST, NEIGHBORS, Recommendation
from app.recommender import experiments, exploration, ranking, weights
from app.recommender.diversity import Caps
from app.services.recommendations.candidate_filter import CandidateFilter, Excluded
from app.services.recommendations.context import ContextLoader, Evidence, RequestContext


@dataclass(frozen=True, slots=True)
class Chosen:
    """The items of an answer in their order, and what they come from."""

    kept: Sequence[Recommendation]
    evidence: Evidence
    of_other: Evidence | None = None
    """Of the version that it is interleaved with."""

    def explained(self, *, fully: bool) -> list[Recommendation]:
        return [self._explained(one, fully=fully) for one in self.kept]

    def _explained(self, one: Recommendation, *, fully: bool) -> Recommendation:
        if one.source not in {NEIGHBORS, EXPLORATION}:
            return one
        evidence = self.of_other if one.of_other and self.of_other else self.evidence
        return evidence.explained(one, fully=fully)


class Choosing:
    def __init__(self, gathering: ContextLoader) -> None:
        self._gathering = gathering

    def excluded(self, asked: RequestContext, events: Sequence[Event]) -> Excluded:
        """What an answer must not hold: what is known to the user, disliked, at hand, or was on earlier pages."""
        wish = asked.wish
        seen = set() if wish.include_seen else weights.seen(events)
        context = {wish.context_item} if wish.context_item is not None else set()
        return Excluded(wish.exclude.union(seen, weights.disliked(events), context), wish.shown)

    def chosen(self, asked: RequestContext, events: Sequence[Event], excluded: Excluded) -> Chosen:
        """What the active version shows, mixed with the other one's list where two are interleaved."""
        ours = self.selected(asked, events, excluded)
        if asked.other is None:
            return ours
        theirs = self.selected(replace(asked, active=asked.other), events, excluded)
        marked = [replace(one, of_other=True) for one in theirs.kept]
        caps = Caps(asked.wish.diversity)
        seed = f"{asked.user_id}\n{asked.other.version}"
        kept = experiments.team_draft(ours.kept, marked, asked.wish.limit, seed, lambda one: caps.admits(one.item))
        return Chosen(kept, ours.evidence, theirs.evidence)

    def selected(self, asked: RequestContext, events: Sequence[Event], excluded: Excluded) -> Chosen:
        """What one version shows."""
        wish = asked.wish
        evidence = self._gathering.evidence(asked, events)
        scores = evidence.scores()
        explored = self._explored(asked, excluded, scores)
        excluded = excluded | (one.item_id for one in explored)
        selection = CandidateFilter(wish, asked.rules, excluded, self._gathering.look(asked, evidence))
        room = wish.limit - len(explored)
        best = ranking.ranked(scores, excluded)
        neighbors = [Recommendation(item_id, score, NEIGHBORS) for item_id, score in best]
        self.fill(asked, selection, evidence.factors, room, neighbors)
        return Chosen(exploration.spread(selection.kept, explored), evidence)

    def fill(
        self,
        asked: RequestContext,
        selection: CandidateFilter,
        factors: Mapping[str, float],
        limit: int,
        neighbors: Sequence[Recommendation] = (),
    ) -> None:
        """The recommenders in their order, then the catalog, until there are enough."""
        for source in asked.wish.recommenders:
            if selection.missing(limit):
                listed = neighbors if source == NEIGHBORS else self._gathering.listed(asked, source, factors=factors)
                selection.take(listed, limit)
        if not asked.wish.filters or asked.catalog is None or not selection.missing(limit):
            return
        everything = sorted(asked.catalog.values(), key=lambda known: known.item.item_id)
        everything.sort(key=lambda known: known.item.created_at, reverse=True)
        selection.take((Recommendation(known.item.item_id, 0.0, CATALOG) for known in everything), limit)

    def _explored(self, asked: RequestContext, excluded: Excluded, scores: Mapping[str, float]) -> list[Recommendation]:
        """New items for their share of the places, those first that suit the user."""
        wish, now = asked.wish, asked.rules.now
        places = exploration.places(wish.limit, wish.exploration, f"{asked.project}\n{asked.user_id}", now)
        if not places:
            return []
        latest = [one.item_id for one in self._gathering.listed(asked, LATEST)]
        known = self._gathering.items(asked, latest)
        new = [one for one in latest if one in known and exploration.is_new(known[one].item.created_at, now)]
        order = exploration.shuffled(new, f"{asked.user_id}\n{now.date()}")
        suits = {item_id: max(scores.get(item_id, 0.0), 0.0) for item_id in order}
        order.sort(key=lambda item_id: -suits[item_id])
        selection = CandidateFilter(wish, asked.rules, excluded, self._gathering.look(asked))
        selection.take((Recommendation(one, suits[one], EXPLORATION) for one in order), places)
        return selection.kept
