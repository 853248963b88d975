/** The keys of a project. */
import type { ComponentChildren } from "preact";
import { Badge, Button, type Column, DataTable } from "../../components";
import { today } from "../../days";
import { ago, day } from "../../format";
import { inWords } from "../access/limits_fields";
import { endsSoon, hasEnded, isOwn, type Key, scopeInWords } from "./key";

interface KeyTableProps {
  keys: readonly Key[] | undefined;
  isLoading: boolean;
  error: unknown;
  reload: () => void;
  empty: ComponentChildren;
  onEdit: (key: Key) => void;
  onRotate: (key: Key) => void;
  onRevoke: (key: Key) => void;
}

export function KeyTable({ keys, onEdit, onRotate, onRevoke, ...table }: KeyTableProps) {
  const columns: readonly Column<Key>[] = [
    { header: "Name", sort: (key) => key.name.toLowerCase(), cell: (key) => <Name of={key} /> },
    { header: "May", cell: (key) => <Rights of={key} /> },
    { header: "Last used", sort: (key) => key.last_used ?? "", cell: (key) => (key.last_used ? lastUsed(key.last_used) : <span class="muted">never</span>) },
    { header: "Ends", sort: (key) => key.revoked_at ?? key.expires_at ?? "9", cell: (key) => <End of={key} /> },
    { header: "Limits", cell: (key) => <Limits of={key} /> },
    {
      header: "",
      align: "right",
      cell: (key) => (hasEnded(key) ? null : (
        <div class="row access-actions">
          <Button small kind="quiet" icon="edit" label={`Edit ${key.name}`} onClick={() => onEdit(key)} />
          <Button small kind="quiet" icon="refresh" label={`Rotate ${key.name}`} onClick={() => onRotate(key)} />
          <Button small kind="quiet" icon="trash" label={`Revoke ${key.name}`} onClick={() => onRevoke(key)} />
        </div>
      )),
    },
  ];
  return <DataTable label="Keys" columns={columns} rows={keys} rowKey={(key) => key.key_id} {...table} />;
}

function Name({ of }: { of: Key }) {
  return (
    <div class="access-name">
      <span class="row"><strong>{of.name}</strong>{isOwn(of) && <Badge tone="accent">this console</Badge>}</span>
      <code class="small muted">sk_{of.key_id}…</code>
      {of.origins.length > 0 && <span class="small muted">{of.origins.join(", ")}</span>}
    </div>
  );
}

function Rights({ of }: { of: Key }) {
  return (
    <div class="access-scopes">
      {of.scopes.map((scope) => <Badge key={scope} tone={scope === "admin" ? "warn" : "neutral"}>{scopeInWords(scope)}</Badge>)}
      {of.needs_user_token && <Badge>only with a token</Badge>}
    </div>
  );
}

function Limits({ of }: { of: Key }) {
  const ofUsers = of.scopes.includes("events:own") ? inWords(of.user_limits) : undefined;
  return (
    <div class="access-name small">
      <span>{inWords(of.limits)}</span>
      {ofUsers && <span class="muted">each user's events: {ofUsers}</span>}
    </div>
  );
}

function End({ of }: { of: Key }) {
  if (of.revoked_at) return <Badge tone="bad">revoked {ago(of.revoked_at)}</Badge>;
  if (!of.expires_at) return <span class="muted">never</span>;
  if (hasEnded(of)) return <Badge tone="bad">expired {ago(of.expires_at)}</Badge>;
  return endsSoon(of) ? <Badge tone="warn">{ago(of.expires_at)}</Badge> : <>{day(of.expires_at)}</>;
}

function lastUsed(used: string): string {
  return used === today() ? "today" : day(used);
}
