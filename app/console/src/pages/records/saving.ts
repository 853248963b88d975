/** Saves a record without overwriting what someone else has changed since it was opened. */
import { useState } from "preact/hooks";
import { isConflict } from "../../api";
import { useAction } from "../../hooks";
import type { Fields, Versioned } from "./versions";

interface SavingOptions<Data> {
  /** The record that the form started from; undefined for a new one. */
  opened: Versioned<Data> | undefined;
  put: (fields: Fields, header: { "If-Match": string } | { "If-None-Match": "*" }) => Promise<void>;
  /** Loads the record after a conflict; without it, a conflict is an error like any other. */
  load: (() => Promise<Versioned<Data>>) | undefined;
}

/** `run` saves fields over the version with the tag; after a conflict, `theirs` is the record as others changed it. */
export function useSaving<Data>({ opened, put, load }: SavingOptions<Data>) {
  const [base, setBase] = useState(opened);
  const [theirs, setTheirs] = useState<Versioned<Data>>();
  const { run, isRunning, error } = useAction(async (fields: Fields, tag: string | undefined) => {
    try {
      await put(fields, tag === undefined ? { "If-None-Match": "*" } : { "If-Match": tag });
    } catch (failure) {
      if (!load || !isConflict(failure)) throw failure;
      setTheirs(await load());
    }
  });

  function acceptTheirs(): void {
    setBase(theirs);
    setTheirs(undefined);
  }

  return { base, theirs, acceptTheirs, run, isRunning, error };
}
