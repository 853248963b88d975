/** Changes of scenarios that are not saved yet. They outlive the page in this tab, until they are saved or discarded. */
import { computed, signal } from "@preact/signals";
import { session } from "../../session";
import type { Settings } from "./settings";

/** The settings that differ from the stored ones. */
export type Draft = Partial<Settings>;

interface Kept {
  credential: string;
  scenarioId: string;
  draft: Draft;
}

const kept = signal<readonly Kept[]>([]);

/** The ids of scenarios with changes that the signed-in key has not saved. */
export const unsaved = computed(() => kept.value.filter(({ credential }) => credential === session.value?.credential).map(({ scenarioId }) => scenarioId));

export function draftOf(scenarioId: string): Draft {
  return kept.value.find((each) => isOf(each, scenarioId))?.draft ?? {};
}

/** Keeps what differs; nothing differs after saving. */
export function keepDraft(scenarioId: string, draft: Draft): void {
  const credential = session.value?.credential;
  const others = kept.value.filter((each) => !isOf(each, scenarioId));
  kept.value = credential && Object.keys(draft).length ? [...others, { credential, scenarioId, draft }] : others;
}

function isOf(each: Kept, scenarioId: string): boolean {
  return each.credential === session.value?.credential && each.scenarioId === scenarioId;
}

addEventListener("beforeunload", (event) => {
  if (unsaved.value.length) event.preventDefault();
});
