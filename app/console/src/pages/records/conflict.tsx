/** Shows what someone else changed while a record was being edited, and asks whose changes to keep. */
import { useEffect, useRef } from "preact/hooks";
import { Button, Note } from "../../components";
import { combined, differences, type Fields } from "./versions";

interface ConflictProps {
  /** The record as it was opened, as it is stored now, and as it would be saved. */
  base: Fields;
  theirs: Fields;
  mine: Fields;
  busy: boolean;
  onSave: (fields: Fields) => void;
  onDiscard: () => void;
}

export function Conflict({ base, theirs, mine, busy, onSave, onDiscard }: ConflictProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => place.current?.scrollIntoView({ block: "nearest" }), []);
  const own = new Set(differences(base, mine));
  const changed = differences(base, theirs);
  const isDisputed = changed.some((name) => own.has(name));
  return (
    <Note tone="warn">
      <div ref={place} class="stack tight" role="alert">
        <p><strong>Someone else changed this while you were editing it.</strong> Nothing was saved. These are their changes:</p>
        <div class="table changes" role="region" aria-label="Changes" tabIndex={0}>
          <table aria-label="Changes by others">
            <thead><tr><th scope="col">Field</th><th scope="col">Was</th><th scope="col">Is now</th><th scope="col">Yours</th></tr></thead>
            <tbody>
              {changed.map((name) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{written(base[name])}</td>
                  <td>{written(theirs[name])}</td>
                  <td>{own.has(name) ? <strong>{written(mine[name])}</strong> : <span class="muted">unchanged</span>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <div class="row">
          <Button kind="primary" small busy={busy} onClick={() => onSave(combined(base, theirs, mine))}>
            {isDisputed ? "Save mine, keep their other changes" : "Save both"}
          </Button>
          <Button small disabled={busy} onClick={onDiscard}>Discard mine</Button>
        </div>
      </div>
    </Note>
  );
}

function written(value: unknown): string {
  if (value === undefined || value === null || value === "") return "–";
  return typeof value === "string" ? value : Array.isArray(value) ? value.join(", ") || "–" : JSON.stringify(value);
}
