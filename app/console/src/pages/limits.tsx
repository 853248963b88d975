/** Limits: how much of the rate and the daily quota of each key is used. */
import { useState } from "preact/hooks";
import { api } from "../api";
import { ApiCall, Button, Card, type Column, DataTable, Empty, FormDialog, PageHead, toast } from "../components";
import { count } from "../format";
import { useAction, useRequest } from "../hooks";
import { LimitsFields, inWords, limitsOf, textOf } from "./access/limits_fields";
import { hasEnded, type Key } from "./keys/key";
import { Meter } from "./limits/meter";
import "./access/access.css";

const POLL_SECONDS = 5;

export default function Limits() {
  const keys = useRequest((client) => client.GET("/v1/keys"), [], { everySeconds: POLL_SECONDS });
  const [edited, setEdited] = useState<Key>();
  const columns: readonly Column<Key>[] = [
    { header: "Key", sort: (key) => key.name.toLowerCase(), cell: (key) => <div class="access-name"><strong>{key.name}</strong><code class="small muted">sk_{key.key_id}…</code></div> },
    { header: "Today", sort: (key) => -usedShare(key), cell: (key) => <Today of={key} /> },
    { header: "At once, now", cell: (key) => <AtOnce of={key} /> },
    { header: "Rate", cell: (key) => rate(key) },
    { header: "Events of each user", cell: (key) => (key.scopes.includes("events:own") ? <span class="small">{inWords(key.user_limits)}</span> : null) },
    { header: "", align: "right", cell: (key) => <Button small kind="quiet" icon="edit" label={`Edit the limits of ${key.name}`} onClick={() => setEdited(key)} /> },
  ];
  return (
    <>
      <PageHead title="Limits" about="How many requests each key may send, and how much of that is used.">
        <ApiCall of={keys.call} />
      </PageHead>
      <DataTable
        label="Limits"
        columns={columns}
        rows={keys.data?.keys.filter((key) => !hasEnded(key)).toSorted((one, other) => Number(other.use !== null) - Number(one.use !== null))}
        rowKey={(key) => key.key_id}
        empty={<Empty icon="shield" title="No keys">Limits belong to keys.</Empty>}
        isLoading={keys.isLoading}
        error={keys.error}
        reload={keys.reload}
      />
      <Card title="What limits do">
        <ul class="bullets">
          <li>A key's rate fills a bucket, which holds as many requests as may come at once. All servers share it.</li>
          <li>The daily quota starts over at midnight UTC. Keys without limits are not counted here; see Usage for them.</li>
          <li>Servers reserve a few requests at a time, so the numbers can be ahead of what was sent.</li>
          <li>A request over a limit gets status 429 and is told when to try again; none of it is stored.</li>
        </ul>
      </Card>
      {edited && <Edit of={edited} onChanged={() => { keys.reload(); setEdited(undefined); }} onClose={() => setEdited(undefined)} />}
    </>
  );
}

function Today({ of: { limits, use, name } }: { of: Key }) {
  if (!use) return <span class="muted">No limit</span>;
  if (limits.requests_per_day === null) return <>{count(use.requests_today)} requests</>;
  return <Meter label={`Today's requests of ${name}`} used={use.requests_today} most={limits.requests_per_day} />;
}

function AtOnce({ of: { use, name } }: { of: Key }) {
  if (use?.left_at_once == null || use.most_at_once === null) return <span class="muted">No limit</span>;
  return <Meter label={`Requests of ${name} at once`} used={use.most_at_once - use.left_at_once} most={use.most_at_once} />;
}

function rate({ limits }: Key): string {
  return limits.requests_per_second === null ? "No limit" : `${limits.requests_per_second.toLocaleString()} a second`;
}

function usedShare({ limits, use }: Key): number {
  return limits.requests_per_day === null ? -1 : (use?.requests_today ?? 0) / limits.requests_per_day;
}

function Edit({ of, onChanged, onClose }: { of: Key; onChanged: () => void; onClose: () => void }) {
  const [limits, setLimits] = useState(textOf(of.limits));
  const [userLimits, setUserLimits] = useState(textOf(of.user_limits));
  const hasOwnEvents = of.scopes.includes("events:own");
  const saving = useAction(async () => {
    const body = { limits: limitsOf(limits), ...(hasOwnEvents && { user_limits: limitsOf(userLimits) }) };
    await api.PATCH("/v1/keys/{key_id}", { params: { path: { key_id: of.key_id } }, body });
    toast(`Changed the limits of ${of.name}. They hold everywhere within a minute.`);
    onChanged();
  });
  return (
    <FormDialog title={`Limits of ${of.name}`} action="Save limits" wide onSubmit={() => void saving.run()} busy={saving.isRunning} error={saving.error} onClose={onClose}>
      <LimitsFields value={limits} onChange={setLimits} error={saving.error} />
      {hasOwnEvents && (
        <fieldset class="plain">
          <legend>Limits of each user's events</legend>
          <LimitsFields value={userLimits} onChange={setUserLimits} error={saving.error} pointer="/user_limits" />
        </fieldset>
      )}
    </FormDialog>
  );
}
