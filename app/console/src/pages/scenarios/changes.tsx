/** Differences of two versions, in words. */
import type { Difference } from "./settings";

export function Changes({ changes, verb }: { changes: readonly Difference[]; verb: "became" | "becomes" }) {
  return (
    <ul class="scenario-changes">
      {changes.map(({ name, before, after }) => (
        <li key={name}><strong>{name}: </strong><del>{before}</del> <span class="muted">{verb}</span> <ins>{after}</ins></li>
      ))}
    </ul>
  );
}
