/** Changes that are not saved yet. They outlive their page in this tab, until they are saved or discarded. */
import { computed, signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
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

/**
 * The fields of a form: the stored ones with the changes that were kept for the path of its page.
 *
 *     const [fields, setFields, forget] = useUnsaved("/settings", stored, (fields) => changed(stored, fields));
 *
 * `changesIn` returns the fields to keep, none if nothing has changed. Call `forget` when they are saved.
 */
export function useUnsaved<Fields extends object>(path: string, stored: Fields, changesIn: (fields: Fields) => Partial<Fields>) {
  const [fields, setFields] = useState<Fields>(() => ({ ...stored, ...kept.value.find((each) => isOf(each, path))?.changes }));
  useEffect(() => keep(path, changesIn(fields)), [fields]);
  return [fields, setFields, () => keep(path, {})] as const;
}

function keep(path: string, changes: object): void {
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
