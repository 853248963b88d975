/** Labelled inputs. */
import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";
import { SerendipError } from "../api";

interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  error?: string | undefined;
  /** Gets the attributes that tie the input to its label, hint and error. */
  children: (attributes: { id: string; "aria-describedby"?: string; "aria-invalid"?: boolean }) => ComponentChildren;
}

/** `<Field label="Title" hint="…" error={fieldError(save.error, "/title")}>{(tie) => <Input {...tie} … />}</Field>` */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, ...(described && { "aria-describedby": described }), ...(error && { "aria-invalid": true }) })}
      {error && <p id={`${id}-error`} class="small tone-bad">{error}</p>}
      {hint && <p id={`${id}-hint`} class="small muted">{hint}</p>}
    </div>
  );
}

/** The message of a field that the API refused, or of a part of it, by its JSON pointer such as `/title`. */
export function fieldError(error: unknown, pointer: string): string | undefined {
  if (!(error instanceof SerendipError)) return undefined;
  return error.errors.find((each) => each.pointer === pointer || each.pointer.startsWith(`${pointer}/`))?.detail;
}

/** For an input of an id: `<Input {...tie} {...ID} required value={id} onText={setId} />` */
export const ID = { maxLength: 128, pattern: "[A-Za-z0-9._:~\\|@\\-]+", title: "Letters, digits or . _ : ~ | @ -" } as const;

type InputProps = Omit<JSX.IntrinsicElements["input"], "onInput"> & { onText?: (text: string) => void };

/** `<Input value={text} onText={setText} />` */
export function Input({ onText, ...rest }: InputProps) {
  return <input autocomplete="off" spellcheck={false} {...rest} class={`input ${String(rest.class ?? "")}`} onInput={(event) => onText?.(event.currentTarget.value)} />;
}

type TextAreaProps = Omit<JSX.IntrinsicElements["textarea"], "onInput"> & { onText?: (text: string) => void };

/** `<TextArea rows={4} value={text} onText={setText} />` */
export function TextArea({ onText, ...rest }: TextAreaProps) {
  return <textarea spellcheck={false} {...rest} class={`input ${String(rest.class ?? "")}`} onInput={(event) => onText?.(event.currentTarget.value)} />;
}

type Choices = readonly string[] | Readonly<Record<string, string>>;
type SelectProps = Omit<JSX.IntrinsicElements["select"], "onChange" | "options"> & {
  /** Values, or texts by value. */
  choices: Choices;
  onChoice: (value: string) => void;
};

/** `<Select value={by} choices={{ version: "By version", day: "By day" }} onChoice={setBy} aria-label="Group" />` */
export function Select({ choices, onChoice, value, ...rest }: SelectProps) {
  const entries = Array.isArray(choices) ? choices.map((each: string) => [each, each]) : Object.entries(choices);
  return (
    <select {...rest} class="input select" value={value} onChange={(event) => onChoice(event.currentTarget.value)}>
      {entries.map(([each, text]) => (
        <option key={each} value={each} selected={each === value}>{text}</option>
      ))}
    </select>
  );
}

/** `<Toggle label="Hidden" checked={hidden} onToggle={setHidden} />` */
export function Toggle({ label, checked, onToggle, disabled }: { label: string; checked: boolean; onToggle: (on: boolean) => void; disabled?: boolean }) {
  return (
    <label class="toggle">
      <input type="checkbox" role="switch" checked={checked} disabled={disabled} onChange={(event) => onToggle(event.currentTarget.checked)} />
      <span aria-hidden="true" />
      {label}
    </label>
  );
}

/** A choice of one of several views: `<Tabs label="View" choices={{ day: "Day", week: "Week" }} value={view} onChoice={setView} />` */
export function Tabs({ label, choices, value, onChoice }: { label: string; choices: Readonly<Record<string, string>>; value: string; onChoice: (value: string) => void }) {
  return (
    <div class="tabs" role="group" aria-label={label}>
      {Object.entries(choices).map(([each, text]) => (
        <button key={each} type="button" aria-pressed={each === value} onClick={() => onChoice(each)}>{text}</button>
      ))}
    </div>
  );
}
