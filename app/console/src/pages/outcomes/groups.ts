/** The groups that outcomes are divided into. */
import type { Schemas } from "../../api";
import { versionName } from "../../versions";

export type Outcome = Schemas["OutcomeView"];

export const DIMENSIONS = { version: "By version", scenario: "By scenario", source: "By recommender" } as const;
export type Dimension = keyof typeof DIMENSIONS;

/** The name of an outcome's group as the API knows it; a scenario can be empty. */
export function groupName(by: Dimension, outcome: Outcome): string | undefined {
  return outcome[by] ?? undefined;
}

/** The same as people read it. */
export function label(by: Dimension, name: string): string {
  if (by === "version") return name ? versionName(name) : "no model";
  if (by === "scenario") return name || "no scenario";
  return name.replaceAll("_", " ");
}

export function mostShown(groups: readonly Outcome[]): Outcome[] {
  return groups.toSorted((one, other) => other.impressions - one.impressions);
}
