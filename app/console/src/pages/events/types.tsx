/** The event types of a project: how often they came, what they mean, and how much they weigh. */
import { useState } from "preact/hooks";
import { api, type Schemas } from "../../api";
import { ApiCall, Badge, Button, Card, Chart, type Column, Confirm, DataTable, Empty, Field, fieldError, FormDialog, ID, Input, Select, toast } from "../../components";
import { count, decimal } from "../../format";
import { useAction, useRequest } from "../../hooks";

type EventType = Schemas["EventTypeView"];
const MEANINGS = { "": "What its name says", purchase: "A purchase", return: "A return" };
const WEIGHTS = { learning: "Learning", serving: "History", lists: "Lists" } as const;
const HINTS = { learning: "In trainings, 0 to 10", serving: "In a user's history, -10 to 10", lists: "In popular lists, 0 to 10" };
type Weight = keyof typeof WEIGHTS;

export function EventTypes() {
  const types = useRequest((client) => client.GET("/v1/event-types"), []);
  const [edited, setEdited] = useState<EventType>();
  const [isAdding, setAdding] = useState(false);
  const [reset, setReset] = useState<EventType>();
  const frequent = types.data?.event_types.filter((each) => each.count > 0).slice(0, 12) ?? [];

  const columns: Column<EventType>[] = [
    { header: "Type", sort: (each) => each.event_type, cell: (each) => <strong>{each.event_type}</strong> },
    { header: "Means", cell: ({ kind }) => (kind ? <Badge>{kind}</Badge> : <Badge tone="warn">unknown</Badge>) },
    { header: "Events", align: "right", sort: (each) => each.count, cell: (each) => count(each.count) },
    ...(Object.keys(WEIGHTS) as Weight[]).map((name) => ({ header: WEIGHTS[name], align: "right" as const, sort: (each: EventType) => each.weights[name], cell: (each: EventType) => decimal(each.weights[name], 1) })),
    { header: "Weights", cell: ({ is_default }) => (is_default ? <span class="muted">default</span> : <Badge tone="accent">own</Badge>) },
    {
      header: "",
      align: "right",
      cell: (each) => (
        <span class="row">
          {!each.is_default && <Button kind="quiet" small icon="undo" label={`Reset ${each.event_type}`} onClick={() => setReset(each)} />}
          <Button kind="quiet" small icon="edit" label={`Edit ${each.event_type}`} onClick={() => setEdited(each)} />
        </span>
      ),
    },
  ];
  return (
    <>
      {frequent.length > 0 && (
        <Card title="Events by type" note="Those in the window of popular lists.">
          <Chart label="Events by type" x={frequent.map((each) => each.event_type)} series={[{ label: "Events", values: frequent.map((each) => each.count), kind: "bars" }]} format={count} height={150} />
        </Card>
      )}
      <Card title="Types and weights" note="How much an event counts: when models learn, in a user's own history, and in popular lists." actions={<><ApiCall of={types.call} /><Button small icon="plus" onClick={() => setAdding(true)}>Add type</Button></>}>
        <DataTable label="Event types" columns={columns} rows={types.data?.event_types} rowKey={(each) => each.event_type} isLoading={types.isLoading} error={types.error} reload={types.reload} empty={<Empty icon="activity" title="No events yet">Types appear here with their first event.</Empty>} />
      </Card>
      {(edited || isAdding) && <TypeForm type={edited} onClose={() => { setEdited(undefined); setAdding(false); }} onSaved={types.reload} />}
      {reset && (
        <Confirm
          title={`Reset ${reset.event_type}?`}
          action="Reset weights"
          onClose={() => setReset(undefined)}
          act={async () => {
            await api.DELETE("/v1/event-types/{event_type}", { params: { path: { event_type: reset.event_type } } });
            toast(`${reset.event_type} has its default weights again.`);
            types.reload();
          }}
        >
          Its weights and meaning become those of its name again. Lists use them for later events, models from the next training.
        </Confirm>
      )}
    </>
  );
}

function TypeForm({ type, onClose, onSaved }: { type: EventType | undefined; onClose: () => void; onSaved: () => void }) {
  const [name, setName] = useState(type?.event_type ?? "");
  const [means, setMeans] = useState(type && !type.is_default && (type.kind === "purchase" || type.kind === "return") ? type.kind : "");
  const [weights, setWeights] = useState<Record<Weight, string>>({
    learning: String(type?.weights.learning ?? ""),
    serving: String(type?.weights.serving ?? ""),
    lists: String(type?.weights.lists ?? ""),
  });
  const saving = useAction(async () => {
    const chosen = Object.fromEntries(Object.entries(weights).filter(([, text]) => text.trim()).map(([weight, text]) => [weight, Number(text)]));
    const body = { ...chosen, ...(means && { means: means as "purchase" | "return" }) };
    await api.PUT("/v1/event-types/{event_type}", { params: { path: { event_type: name.trim() } }, body });
    toast("Saved. History follows at once, lists with later events, models with the next training.");
    onSaved();
    onClose();
  });
  return (
    <FormDialog title={type ? `Weights of ${type.event_type}` : "Add a type"} action="Save type" onSubmit={() => void saving.run()} busy={saving.isRunning} error={saving.error} onClose={onClose}>
      {!type && <Field label="Type" hint="Letter case, _ and - do not matter.">{(tie) => <Input {...tie} required {...ID} value={name} onText={setName} />}</Field>}
      <Field label="Means" hint="For names that do not say so. Purchases are conversions, and count for what is bought together.">
        {(tie) => <Select {...tie} choices={MEANINGS} value={means} onChoice={setMeans} />}
      </Field>
      <div class="weights">
        {(Object.keys(WEIGHTS) as Weight[]).map((weight) => (
          <Field key={weight} label={WEIGHTS[weight]} hint={HINTS[weight]} error={fieldError(saving.error, `/${weight}`)}>
            {(tie) => <Input {...tie} type="number" step="any" min={weight === "serving" ? -10 : 0} max={10} placeholder="Default" value={weights[weight]} onText={(text) => setWeights((before) => ({ ...before, [weight]: text }))} />}
          </Field>
        ))}
      </div>
      <p class="small muted">Empty: the default of its meaning. A negative history weight excludes the item until a positive event follows.</p>
    </FormDialog>
  );
}
