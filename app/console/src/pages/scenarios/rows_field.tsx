/** The rows of a page, in their order. */
import { Button, Card, Field, Input, Select } from "../../components";
import { unknownCategory } from "./doubts";
import { NEW_ROW, type Row, ROW_KINDS } from "./settings";
import { Doubtful, NumberField } from "./settings_form";
import type { Vocabulary } from "./vocabulary";

const LISTS = ["trending", "popular", "latest"];

interface RowsFieldProps {
  rows: readonly Row[];
  vocabulary: Vocabulary;
  onChange: (rows: Row[]) => void;
}

export function RowsField({ rows, vocabulary, onChange }: RowsFieldProps) {
  const replace = (position: number, row: Row) => onChange(rows.map((each, place) => (place === position ? row : each)));
  const remove = (position: number) => onChange(rows.filter((_, place) => place !== position));
  const lift = (position: number) => {
    const [row] = rows.slice(position, position + 1);
    if (row) onChange([...rows.slice(0, position - 1), row, ...rows.slice(position - 1, position), ...rows.slice(position + 1)]);
  };
  return (
    <Card title="Rows of a page" note="For /v1/users/{id}/pages: several lists with titles, without the same item twice." actions={<Button small icon="plus" onClick={() => onChange([...rows, NEW_ROW])}>Add row</Button>}>
      {rows.length === 0 && <p class="muted">No rows: this scenario is a single list.</p>}
      <ol class="scenario-rows">
        {rows.map((row, position) => (
          <li key={position}>
            <div class="grid scenario-fields">
              <Field label="What it shows">{(tie) => <Select {...tie} value={row.kind} choices={ROW_KINDS} onChoice={(kind) => replace(position, { ...row, kind, count: kind === "similar_to_recent" ? row.count : 1, category: LISTS.includes(kind) ? row.category : null })} />}</Field>
              <Field label="Title">{(tie) => <Input {...tie} value={row.title} onText={(title) => replace(position, { ...row, title })} />}</Field>
              <NumberField label="Items" value={row.limit} min={1} max={100} step={1} onValue={(limit) => replace(position, { ...row, limit: limit ?? 10 })} />
              {row.kind === "similar_to_recent" && <NumberField label="Rows of this kind" value={row.count} min={1} max={5} step={1} onValue={(count) => replace(position, { ...row, count: count ?? 1 })} />}
              {LISTS.includes(row.kind) && (
                <Field label="Category" hint={<Doubtful about={unknownCategory(row.category ?? "", vocabulary)} />}>{(tie) => <Input {...tie} list="scenario-categories" placeholder="All" value={row.category ?? ""} onChange={(event) => replace(position, { ...row, category: event.currentTarget.value.trim() || null })} />}</Field>
              )}
            </div>
            <div class="row">
              {position > 0 && <Button small kind="quiet" icon="up" label={`Move row ${position + 1} up`} onClick={() => lift(position)} />}
              <Button small kind="quiet" icon="close" label={`Remove row ${position + 1}`} onClick={() => remove(position)} />
            </div>
          </li>
        ))}
      </ol>
      <datalist id="scenario-categories">{vocabulary.categories.map((name) => <option key={name} value={name} />)}</datalist>
    </Card>
  );
}
