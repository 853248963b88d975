/** Adds or edits an item without losing changes that others make at the same time. */
import { useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { api, isConflict, type Schemas } from "../../api";
import { Field, fieldError, FormDialog, Icon, ID, Input, Note, toast, Toggle } from "../../components";
import { Conflict } from "../records/conflict";
import { faultOf, PropertyEditor, propertiesOf, type PropertyRow, rowsOf } from "../records/properties";
import { useSaving } from "../records/saving";
import { fieldsOf, recordOf, type Versioned, versioned } from "../records/versions";

type Item = Schemas["ItemView"];
type Body = Schemas["ItemIn"];

interface ItemFormProps {
  /** The item to edit; none to add one. */
  item?: Versioned<Item>;
  /** The id of the item to add, if it is already decided. */
  id?: string;
  onClose: () => void;
  onSaved: (item: Item) => void;
}

interface Draft {
  item_id: string;
  title: string;
  categories: readonly string[];
  hidden: boolean;
  expires: string;
  rows: readonly PropertyRow[];
}

export function ItemForm({ item, id, onClose, onSaved }: ItemFormProps) {
  const [draft, setDraft] = useState(() => ({ ...draftOf(item?.data), ...(id !== undefined && { item_id: id }) }));
  const [isChecked, setChecked] = useState(false);
  const set = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));
  const path = { item_id: draft.item_id.trim() };

  const { base, theirs, acceptTheirs, ...saving } = useSaving<Item>({
    opened: item,
    put: async (fields, header) => {
      const saved = await api.PUT("/v1/items/{item_id}", { params: { path, header }, body: recordOf(fields) as Body });
      toast("Saved.");
      onSaved(saved);
      onClose();
    },
    load: item && (() => versioned(api.raw.GET("/v1/items/{item_id}", { params: { path } }))),
  });

  const isSound = draft.rows.every((row) => faultOf(row, draft.rows) === undefined);
  const mine = isSound ? fieldsOf(bodyOf(draft)) : undefined;

  function save(): void {
    setChecked(true);
    if (mine) void saving.run(mine, base?.tag);
  }

  function discard(): void {
    setDraft(draftOf(theirs?.data));
    acceptTheirs();
  }

  const exists = !item && isConflict(saving.error);
  return (
    <FormDialog
      title={item ? "Edit item" : "Add item"}
      action={item ? "Save item" : "Add item"}
      wide
      onSubmit={save}
      busy={saving.isRunning}
      disabled={theirs !== undefined}
      error={exists ? undefined : saving.error}
      onClose={onClose}
    >
      {!item && id === undefined && (
        <Field label="Id" hint="Your own id for it: up to 128 letters, digits or . _ : ~ | @ -" error={exists ? "There is an item with this id already." : fieldError(saving.error, "/item_id")}>
          {(tie) => <Input {...tie} required {...ID} value={draft.item_id} onText={(item_id) => set({ item_id })} />}
        </Field>
      )}
      <Field label="Title" error={fieldError(saving.error, "/title")}>{(tie) => <Input {...tie} maxLength={1000} value={draft.title} onText={(title) => set({ title })} />}</Field>
      <Categories categories={draft.categories} onChange={(categories) => set({ categories })} />
      <PropertyEditor rows={draft.rows} onChange={(rows) => set({ rows })} isChecked={isChecked} />
      <div class="row apart">
        <Toggle label="Hidden: keep the item, but never recommend it" checked={draft.hidden} onToggle={(hidden) => set({ hidden })} />
      </div>
      <Field label="Recommend until" hint="In your local time. Empty: forever." error={fieldError(saving.error, "/expires_at")}>
        {(tie) => <Input {...tie} type="datetime-local" value={draft.expires} onText={(expires) => set({ expires })} />}
      </Field>
      {theirs && base && mine && (
        <Conflict
          base={fieldsOf(editable(base.data))}
          theirs={fieldsOf(editable(theirs.data))}
          mine={mine}
          busy={saving.isRunning}
          onSave={(fields) => void saving.run(fields, theirs.tag)}
          onDiscard={discard}
        />
      )}
      {exists && <Note tone="warn">Nothing was changed. <Link href={`/catalog/${encodeURIComponent(path.item_id)}`}>Open {path.item_id}</Link></Note>}
    </FormDialog>
  );
}

/** The fields of an item that people change, as PUT takes them. */
function editable({ title, categories, hidden, expires_at, properties }: Item): Required<Body> {
  return { title, categories, hidden, expires_at, properties };
}

function draftOf(item: Item | undefined): Draft {
  return {
    item_id: item?.item_id ?? "",
    title: item?.title ?? "",
    categories: item?.categories ?? [],
    hidden: item?.hidden ?? false,
    expires: item?.expires_at ? local(item.expires_at) : "",
    rows: rowsOf(item?.properties ?? {}),
  };
}

function bodyOf(draft: Draft): Required<Body> {
  return {
    title: draft.title.trim() || null,
    categories: [...draft.categories],
    hidden: draft.hidden,
    expires_at: draft.expires ? new Date(draft.expires).toISOString() : null,
    properties: propertiesOf(draft.rows),
  };
}

/** 2026-11-28T20:15 in the reader's time zone. */
function local(time: string): string {
  const date = new Date(time);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function Categories({ categories, onChange }: { categories: readonly string[]; onChange: (categories: string[]) => void }) {
  const [text, setText] = useState("");

  function add(): void {
    const category = text.trim();
    if (category && !categories.includes(category)) onChange([...categories, category]);
    setText("");
  }

  return (
    <Field label="Categories" hint="Enter adds one.">
      {(tie) => (
        <div class="chips">
          {categories.map((category) => (
            <span key={category} class="badge tone-accent">
              {category}
              <button type="button" aria-label={`Remove category ${category}`} onClick={() => onChange(categories.filter((each) => each !== category))}><Icon name="close" size={12} /></button>
            </span>
          ))}
          <Input {...tie} maxLength={100} placeholder="Add a category" value={text} onText={setText} onBlur={add} onKeyDown={(event) => { if (event.key === "Enter") { event.preventDefault(); add(); } }} />
        </div>
      )}
    </Field>
  );
}
