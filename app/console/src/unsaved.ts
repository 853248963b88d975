/** Changes that are not saved yet. They outlive their page in this tab, until they are saved or discarded. */
import { computed, signal } from "@preact/signals";
import { session } from "./session";

interface Kept {
  credential: string;
  /** The path of the page, such as `/scenarios/home`. */
  path: string;
  changes: object;
}

const kept = signal<readonly Kept[]>([]);

/** The paths of pages with changes that the signed-in key has not saved. */
export const unsaved = computed(() => kept.value.filter(({ credential }) => credential === session.value?.credential).map(({ path }) => path));

/** What was kept for a page: the fields that differ from the stored ones. */
export function changesOf<Fields extends object>(path: string): Partial<Fields> {
  return kept.value.find((each) => isOf(each, path))?.changes ?? {};
}

/** Keeps the fields that differ; none differ after saving. */
export function keep(path: string, changes: object): void {
  const credential = session.value?.credential;
  const others = kept.value.filter((each) => !isOf(each, path));
  kept.value = credential && Object.keys(changes).length ? [...others, { credential, path, changes }] : others;
}

function isOf(each: Kept, path: string): boolean {
  return each.credential === session.value?.credential && each.path === path;
}

addEventListener("beforeunload", (event) => {
  if (unsaved.value.length) event.preventDefault();
});
