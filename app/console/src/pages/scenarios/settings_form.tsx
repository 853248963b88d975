/** The settings of a scenario as a form. */
import type { ComponentChildren } from "preact";
import { Button, Card, Field, fieldError, Input, Toggle } from "../../components";
import { API } from "../../place";
import { unknownProperty } from "./doubts";
import { RowsField } from "./rows_field";
import { RuleField } from "./rule_field";
import { RECOMMENDERS, type Settings } from "./settings";
import type { Vocabulary } from "./vocabulary";

interface SettingsFormProps {
  settings: Settings;
  onChange: (settings: Settings) => void;
  vocabulary: Vocabulary;
  error: unknown;
}

const RULES = [
  {
    name: "filter",
    label: "Filter",
    hint: "True for items that may appear. An item without the property is dropped: use has(item.price).",
    placeholder: 'item.price < 50.0 && "Kitchen" in item.categories',
  },
  {
    name: "boost",
    label: "Boost",
    hint: "A number that multiplies the score: above 1 moves an item up.",
    placeholder: "has(item.margin) ? 1.0 + item.margin : 1.0",
  },
] as const;

function faultOf(error: unknown, name: string): string | undefined {
  return fieldError(error, `/${name}`) ?? fieldError(error, name);
}

export function RulesForm({ settings, onChange, vocabulary, error }: SettingsFormProps) {
  return (
    <Card
      title="Rules"
      note={<>Which items may appear, and which come first, in the expression language CEL. <a href={`${API}/guide/recommendations#filters-and-boosts`} target="_blank" rel="noreferrer">How to write rules</a></>}
    >
      {RULES.map(({ name, ...words }) => (
        <RuleField
          key={name}
          {...words}
          value={settings[name] ?? ""}
          error={faultOf(error, name)}
          vocabulary={vocabulary}
          onText={(text) => onChange({ ...settings, [name]: text || null })}
        />
      ))}
    </Card>
  );
}

export function ListForm({ settings, onChange, vocabulary, error }: SettingsFormProps) {
  const set = (changes: Partial<Settings>) => onChange({ ...settings, ...changes });
  const fault = (name: string) => faultOf(error, name);
  return (
    <>
      <Card title="List">
        <div class="grid scenario-fields">
          <NumberField label="Items" value={settings.limit} min={1} max={100} step={1} error={fault("limit")} onValue={(limit) => set({ limit: limit ?? 10 })} />
          <Field label="Only events of these types" hint={<Doubtful about={doubtOfTypes(settings.event_types, vocabulary)}>Separated by commas; empty for all.</Doubtful>} error={fault("event_types")}>
            {(tie) => <Input {...tie} list="scenario-types" value={settings.event_types?.join(", ") ?? ""} onChange={(event) => set({ event_types: names(event.currentTarget.value) })} />}
          </Field>
        </div>
        <Sources chosen={settings.recommenders} onChoose={(recommenders) => set({ recommenders })} />
        <Toggle label="Recommend items that the user knows" checked={settings.include_seen} onToggle={(include_seen) => set({ include_seen })} />
        <Weights weights={settings.event_weights} onChange={(event_weights) => set({ event_weights })} />
        <datalist id="scenario-types">{vocabulary.eventTypes.map((type) => <option key={type} value={type} />)}</datalist>
      </Card>
      <Card title="Variety" note="How different and how new the items are.">
        <div class="grid scenario-fields">
          <Field label="Cap items with the same" hint={<Doubtful about={doubtOfCap(settings.diversity?.property, vocabulary)}>categories, or a property such as brand; empty for no cap.</Doubtful>} error={fault("diversity/property")}>
            {(tie) => (
              <Input {...tie} list="scenario-properties" value={settings.diversity?.property ?? ""} onChange={(event) => set({ diversity: diversity(settings, { property: event.currentTarget.value.trim() || null }) })} />
            )}
          </Field>
          <NumberField label="How many of them at most" value={settings.diversity?.max_per_value ?? 1} min={1} max={100} step={1} error={fault("diversity/max_per_value")} isOff={!settings.diversity?.property} onValue={(most) => set({ diversity: diversity(settings, { max_per_value: most ?? 1 }) })} />
          <NumberField label="Relevance against variety" hint="1 keeps the order of scores, 0 varies most; empty for the order of scores." value={settings.diversity?.relevance ?? null} min={0} max={1} step={0.1} error={fault("diversity/relevance")} onValue={(relevance) => set({ diversity: diversity(settings, { relevance }) })} />
          <NumberField label="Positions for new items" hint="A share from 0 to 1." value={settings.exploration} min={0} max={1} step={0.05} error={fault("exploration")} onValue={(share) => set({ exploration: share ?? 0 })} />
          <NumberField label="Ignored impressions" hint="How many halve the score. Empty: they do not matter." value={settings.impression_decay} min={0.1} max={1000} step="any" error={fault("impression_decay")} onValue={(decay) => set({ impression_decay: decay })} />
          <NumberField label="Responses kept for replay" hint="A share from 0 to 1." value={settings.log_sample_rate} min={0} max={1} step={0.01} error={fault("log_sample_rate")} onValue={(share) => set({ log_sample_rate: share ?? 0 })} />
        </div>
        <datalist id="scenario-properties">
          {["categories", ...vocabulary.item.map(({ text }) => text)].map((name) => <option key={name} value={name} />)}
        </datalist>
      </Card>
      <RowsField rows={settings.rows} vocabulary={vocabulary} onChange={(rows) => set({ rows })} />
    </>
  );
}

/** A hint, or a warning about the value in its place. */
export function Doubtful({ about, children }: { about: string | undefined; children?: ComponentChildren }) {
  return about ? <span class="tone-warn">{about}</span> : <>{children}</>;
}

function doubtOfCap(property: string | null | undefined, { item, itemsExamined }: Vocabulary): string | undefined {
  return property && itemsExamined ? unknownProperty(property, item, `None of ${itemsExamined} items`) : undefined;
}

function doubtOfTypes(types: readonly string[] | null, { eventTypes }: Vocabulary): string | undefined {
  const unknown = types?.filter((type) => !eventTypes.includes(type)) ?? [];
  return unknown.length && eventTypes.length ? `There are no events of the type ${unknown.map((type) => `“${type}”`).join(", ")}.` : undefined;
}

interface NumberFieldProps {
  label: string;
  hint?: string;
  value: number | null;
  min: number;
  max: number;
  step: number | "any";
  error?: string | undefined;
  isOff?: boolean;
  onValue: (value: number | null) => void;
}

/** A number, or null if it is empty. */
export function NumberField({ label, hint, value, min, max, step, error, isOff, onValue }: NumberFieldProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(tie) => (
        <Input {...tie} type="number" inputMode="decimal" min={min} max={max} step={step} disabled={isOff} value={value ?? ""} onText={(text) => onValue(text === "" ? null : Number(text))} />
      )}
    </Field>
  );
}

/** The sources in their order; a click adds one at the end, or takes it out. */
function Sources({ chosen, onChoose }: { chosen: readonly string[]; onChoose: (names: string[]) => void }) {
  return (
    <div class="field" role="group" aria-label="Sources, in this order">
      <span class="scenario-label">Sources, in this order</span>
      <div class="row">
        {[...chosen, ...Object.keys(RECOMMENDERS).filter((name) => !chosen.includes(name))].map((name) => {
          const place = chosen.indexOf(name);
          const isChosen = place >= 0;
          return (
            <button
              key={name}
              type="button"
              class="scenario-source"
              aria-pressed={isChosen}
              disabled={isChosen && chosen.length === 1}
              onClick={() => onChoose(isChosen ? chosen.filter((each) => each !== name) : [...chosen, name])}
            >
              {isChosen && <span class="number">{place + 1}</span>}
              {RECOMMENDERS[name] ?? name}
            </button>
          );
        })}
      </div>
    </div>
  );
}

function Weights({ weights, onChange }: { weights: Readonly<Record<string, number>>; onChange: (weights: Record<string, number>) => void }) {
  const entries = Object.entries(weights);
  const replace = (position: number, entry?: [string, number]) => onChange(Object.fromEntries(entries.flatMap((each, place) => (place === position ? (entry ? [entry] : []) : [each]))));
  return (
    <div class="field">
      <span class="scenario-label">Weights of event types</span>
      {entries.map(([type, weight], position) => (
        <div key={position} class="row scenario-weight">
          <Input aria-label="Event type" list="scenario-types" value={type} onChange={(event) => replace(position, [event.currentTarget.value.trim(), weight])} />
          <Input aria-label={`Weight of ${type}`} type="number" min={-10} max={10} step="any" value={weight} onText={(text) => replace(position, [type, Number(text)])} />
          <Button small kind="quiet" icon="close" label={`Remove weight of ${type}`} onClick={() => replace(position)} />
        </div>
      ))}
      <div><Button small icon="plus" onClick={() => onChange({ ...weights, [Object.keys(weights).includes("purchase") ? "view" : "purchase"]: 5 })}>Add weight</Button></div>
    </div>
  );
}

function names(text: string): string[] | null {
  const listed = text.split(",").map((name) => name.trim()).filter(Boolean);
  return listed.length ? listed : null;
}

/** Null if it has neither a cap nor a relevance. */
function diversity({ diversity: before }: Settings, changes: Partial<NonNullable<Settings["diversity"]>>): Settings["diversity"] {
  const after = { relevance: null, property: null, max_per_value: 1, ...before, ...changes };
  return after.property === null && after.relevance === null ? null : after;
}
