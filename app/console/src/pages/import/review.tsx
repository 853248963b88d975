/** What a file would become: its columns to map, its first rows as they would be stored. */
import { useState } from "preact/hooks";
import { ApiCall, Badge, Button, ErrorNote, Field, Input, Loading, Note, Select } from "../../components";
import { count } from "../../format";
import { useRequest } from "../../hooks";
import { importCall, previewed, type Preview } from "../../imports";
import { Columns } from "./columns";
import { choiceName, formName, formsIn, inWords, type Options, reasonsIn, RECORDS, recordsIn, withChoice } from "./fields";
import { Stored } from "./stored";

interface ReviewProps {
  fileOf: string;
  isStarting: boolean;
  error: unknown;
  onImport: (options: Options) => void;
}

export function Review({ fileOf, isStarting, error, onImport }: ReviewProps) {
  const [options, setOptions] = useState<Options>({});
  const preview = useRequest((client) => previewed(client, fileOf, options), [fileOf, JSON.stringify(options)]);
  const shown = preview.data;
  if (!shown) {
    return (
      <>
        <ErrorNote error={preview.error} />
        {preview.error ? <Reading options={options} onChange={setOptions} isOpen /> : <Loading lines={5} />}
      </>
    );
  }
  const isReady = !shown.problem && !preview.error && !preview.isLoading;
  return (
    <div class="stack" aria-busy={preview.isLoading}>
      <ErrorNote error={preview.error} />
      {shown.problem ? <Question preview={shown} options={options} onChange={setOptions} /> : <Recognized preview={shown} options={options} onChange={setOptions} />}
      <Columns columns={shown.columns} options={options} onChange={setOptions} />
      <Reading options={options} onChange={setOptions} isOpen={Boolean(shown.problem) && !shown.choices.length} />
      {shown.rows.length > 0 && <Stored rows={shown.rows} />}
      <ErrorNote error={error} />
      <div class="row import-go">
        <Button kind="primary" icon="upload" disabled={!isReady} busy={isStarting} onClick={() => onImport(options)}>Import this file</Button>
        <span class="muted small" role="status">
          {preview.isLoading ? "Reading the first rows again" : shown.problem ? "See above what it needs first." : "It can be undone for 30 days."}
        </span>
        <ApiCall of={importCall(fileOf, options)} />
      </div>
    </div>
  );
}

interface AnswerProps {
  preview: Preview;
  options: Options;
  onChange: (options: Options) => void;
}

/** What the import would ask, with its answers as buttons. */
function Question(answer: AnswerProps) {
  const { preview } = answer;
  return (
    <Note tone="warn">
      <div class="stack tight">
        <p><strong>{preview.choices.length ? "This is for you to decide." : "This file cannot be imported as it is."} </strong>{inWords(preview.problem ?? "")}</p>
        <Choices {...answer} />
      </div>
    </Note>
  );
}

function Choices({ preview, options, onChange }: AnswerProps) {
  const texts = [preview.problem ?? "", ...Object.keys(preview.summary?.reasons ?? {}), ...(preview.summary?.notes ?? [])];
  const forms = [...new Set(texts.flatMap(formsIn))];
  if (!preview.choices.length && !forms.length) return null;
  return (
    <div class="row">
      {preview.choices.map((choice) => <Button key={choiceName(choice)} small onClick={() => onChange(withChoice(options, choice))}>{choiceName(choice)}</Button>)}
      {forms.map((form) => <Button key={form} small onClick={() => onChange({ ...options, date_format: form })}>{formName(form)}</Button>)}
    </div>
  );
}

function Recognized(answer: AnswerProps) {
  const { preview } = answer;
  const summary = preview.summary;
  if (!summary) return null;
  const notes = summary.notes.filter((note) => !note.startsWith("recognized as"));
  const tone = summary.rejected ? "warn" : "good";
  return (
    <Note tone={tone}>
      <div class="stack tight">
        <p>
          {preview.layout && <><Badge tone="accent">{preview.layout}</Badge>{" "}</>}
          The first {count(summary.read)} rows give {recordsIn(summary) || "nothing"}.
          {summary.skipped > 0 && ` ${count(summary.skipped)} are skipped.`}
          {summary.rejected > 0 && ` ${count(summary.rejected)} would be rejected: ${reasonsIn(summary)}.`}
        </p>
        {notes.length > 0 && <ul class="import-notes small">{notes.map((note) => <li key={note}>{inWords(note)}</li>)}</ul>}
        <Choices {...answer} />
      </div>
    </Note>
  );
}

/** Options of the whole file. Text is applied when the field is left. */
function Reading({ options, onChange, isOpen }: { options: Options; onChange: (options: Options) => void; isOpen?: boolean }) {
  const set = (name: keyof Options) => (value: string) => onChange({ ...options, [name]: value || undefined });
  const text = (name: "event_type" | "date_format" | "encoding", placeholder: string) => (tie: object) => (
    <Input {...tie} value={options[name] ?? ""} placeholder={placeholder} onChange={(event) => set(name)(event.currentTarget.value.trim())} />
  );
  return (
    <details class="import-reading" open={isOpen}>
      <summary>How the file is read</summary>
      <div class="grid">
        <Field label="Records">{(tie) => <Select {...tie} value={options.records ?? ""} choices={RECORDS} onChoice={set("records")} />}</Field>
        <Field label="Type of events that name none">{text("event_type", "view")}</Field>
        <Field label="Decimal sign">{(tie) => <Select {...tie} value={options.decimal ?? "."} choices={{ ".": "Point: 1299.50", ",": "Comma: 1.299,50" }} onChoice={set("decimal")} />}</Field>
        <Field label="Unit of times that are numbers">{(tie) => <Select {...tie} value={options.time_unit ?? ""} choices={{ "": "From their size", s: "Seconds", ms: "Milliseconds", us: "Microseconds", ns: "Nanoseconds" }} onChoice={set("time_unit")} />}</Field>
        <Field label="Form of times" hint="%d day, %m month, %Y year (%y: two digits), %H hour, %M minute, %S second, %I hour of 12, %p AM or PM">{text("date_format", "%m/%d/%Y %H:%M")}</Field>
        <Field label="Encoding">{text("encoding", "utf-8")}</Field>
      </div>
    </details>
  );
}
