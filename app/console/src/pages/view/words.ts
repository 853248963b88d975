/** Reasons and factors in plain words. */
import { decimal, percent } from "../../format";
import type { Recommended } from "./lists";

const FILLERS: Readonly<Record<string, string>> = {
  exploration: "New, on a place kept for new items.",
  trending: "Trending: used more than before.",
  popular: "Popular with everyone.",
  latest: "New in the catalog.",
  catalog: "Fills the list: it passes the filter.",
};

export function whyWithoutEvents(source: string): string {
  return FILLERS[source] ?? "No past event leads here.";
}

/** What multiplies the score, such as "popular now (× 1.33)". */
export function factorsInWords({ boost = 1, impression_factor = 1, recent_factor = 1 }: Recommended): string[] {
  const factors: [string, number][] = [
    ["popular now", recent_factor],
    ["shown and ignored", impression_factor],
    ["boosted by a rule", boost],
  ];
  return factors.filter(([, factor]) => Math.abs(factor - 1) >= 0.005).map(([why, factor]) => `${why} (× ${decimal(factor, 2)})`);
}

/** What the model learned the reason from. */
export function learnedFrom(fromOrder: number | null | undefined): string {
  if (fromOrder == null || fromOrder < 0.005) return "similarity";
  return fromOrder > 0.995 ? "order" : `order ${percent(fromOrder, 0)}, similarity ${percent(1 - fromOrder, 0)}`;
}
