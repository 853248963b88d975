/** What is stored about a user who was not erased. */
import { useState } from "preact/hooks";
import type { Schemas } from "../../api";
import { Button, Card, type Column, DataTable, Empty, ErrorNote, toast } from "../../components";
import { saveJson } from "../../download";
import { count, time } from "../../format";
import { useAction } from "../../hooks";
import { EraseDialog } from "./erase_dialog";
import { copyOf, type Receipt, type StoredData } from "./owner";

const SHOWN = 10;
const COLUMNS: readonly Column<Schemas["EventView"]>[] = [
  { header: "Time", cell: (event) => time(event.timestamp) },
  { header: "Type", cell: (event) => event.event_type },
  { header: "Item", cell: (event) => event.item_id },
];

export function Stored({ stored, onErased }: { stored: StoredData; onErased: (receipt: Receipt) => void }) {
  const { user, profile, events, hasMore } = stored;
  const [isErasing, setErasing] = useState(false);
  const saving = useAction(async () => {
    const copy = await copyOf(user);
    saveJson(`${user}.json`, copy);
    toast(`Saved the profile and ${count(copy.events.length)} events.`);
  });
  const isUnknown = !profile && !events.length;
  const properties = Object.entries(profile?.properties ?? {});
  const actions = (
    <>
      <Button icon="copy" disabled={isUnknown} busy={saving.isRunning} onClick={() => void saving.run()}>Download a copy</Button>
      <Button kind="danger" icon="trash" onClick={() => setErasing(true)}>Erase…</Button>
    </>
  );
  return (
    <Card
      title={<>Data of <code>{user}</code></>}
      note={isUnknown ? undefined : `${profile ? "A profile" : "No profile"} and ${hasMore ? "more than " : ""}${count(events.length)} ${events.length === 1 ? "event" : "events"}`}
      actions={actions}
    >
      <ErrorNote error={saving.error} />
      {isUnknown && <Empty icon="users" title="Nothing is stored about this user">Check the id. If you erase it anyway, later events are refused.</Empty>}
      {properties.length > 0 && (
        <dl class="facts">
          {properties.flatMap(([name, value]) => [
            <dt key={`${name}-name`}>{name}</dt>,
            <dd key={name}>{typeof value === "string" ? value : JSON.stringify(value)}</dd>,
          ])}
        </dl>
      )}
      {events.length > 0 && (
        <div class="stack tight">
          {events.length > SHOWN && <p class="small muted">The newest {SHOWN} events</p>}
          <DataTable label="Events" columns={COLUMNS} rows={events.slice(0, SHOWN)} rowKey={(event) => `${event.event_id} ${event.timestamp} ${event.item_id} ${event.event_type}`} />
        </div>
      )}
      {isErasing && <EraseDialog owner={{ kind: "user", id: user }} onErased={onErased} onClose={() => setErasing(false)} />}
    </Card>
  );
}
