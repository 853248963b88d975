/** A rule in CEL with completion, its error at the column where it is, and words that nothing in the project has. */
import { useId, useRef, useState } from "preact/hooks";
import { Button, Icon } from "../../components";
import { type Completion, completed } from "./completion";
import { doubtsOf } from "./doubts";
import type { Vocabulary, Word } from "./vocabulary";

const NOTHING: Completion = { words: [], start: 0 };
const PLACE = /\(line (\d+), column (\d+)\)/;

interface RuleFieldProps {
  label: string;
  hint: string;
  placeholder: string;
  value: string;
  error: string | undefined;
  vocabulary: Vocabulary;
  onText: (text: string) => void;
}

export function RuleField({ label, hint, placeholder, value, error, vocabulary, onText }: RuleFieldProps) {
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const [completion, setCompletion] = useState(NOTHING);
  const [active, setActive] = useState(0);
  const isOpen = completion.words.length > 0;

  function complete(element: HTMLTextAreaElement): void {
    setCompletion(element.selectionStart === element.selectionEnd ? completed(element.value, element.selectionStart, vocabulary) : NOTHING);
    setActive(0);
  }

  function choose(word: Word): void {
    const element = area.current;
    if (!element) return;
    element.setRangeText(word.insert ?? word.text, completion.start, element.selectionStart, "end");
    onText(element.value);
    element.focus();
    complete(element);
  }

  function press(event: KeyboardEvent): void {
    const word = completion.words[active];
    if (!isOpen || !word) return;
    const last = completion.words.length - 1;
    if (event.key === "ArrowDown") setActive(active === last ? 0 : active + 1);
    else if (event.key === "ArrowUp") setActive(active === 0 ? last : active - 1);
    else if (event.key === "Enter" || event.key === "Tab") choose(word);
    else if (event.key === "Escape") setCompletion(NOTHING);
    else return;
    event.preventDefault();
  }

  /** Replaces a part of the rule by what was probably meant. */
  function replace(start: number, end: number, word: string): void {
    onText(value.slice(0, start) + word + value.slice(end));
    area.current?.focus();
  }

  const doubts = isOpen ? [] : doubtsOf(value, vocabulary); // a word that is being typed is not a mistake yet
  const described = error ? `${id}-error` : `${id}-hint`;
  return (
    <div class="field scenario-rule">
      <label for={id}>{label}</label>
      <div class="scenario-complete">
        <textarea
          ref={area}
          id={id}
          class="input mono"
          rows={3}
          spellcheck={false}
          autocomplete="off"
          placeholder={placeholder}
          value={value}
          aria-haspopup="listbox"
          aria-controls={`${id}-words`}
          aria-autocomplete="list"
          aria-activedescendant={isOpen ? `${id}-${active}` : undefined}
          aria-describedby={described}
          aria-invalid={error ? true : undefined}
          onInput={(event) => { onText(event.currentTarget.value); complete(event.currentTarget); }}
          onClick={(event) => complete(event.currentTarget)}
          onKeyDown={press}
          onBlur={() => setCompletion(NOTHING)}
        />
        <ul id={`${id}-words`} role="listbox" aria-label={`Words for ${label.toLowerCase()}`} hidden={!isOpen}>
          {completion.words.map((word, position) => (
            <li key={word.text} id={`${id}-${position}`} role="option" aria-selected={position === active} onMouseDown={(event) => { event.preventDefault(); choose(word); }}>
              <span class="mono">{word.text}</span>
              <span class="muted small truncate">{word.about}</span>
            </li>
          ))}
        </ul>
      </div>
      {error ? <Fault id={`${id}-error`} text={value} error={error} area={area.current} onReplace={replace} /> : <p id={`${id}-hint`} class="small muted">{hint}</p>}
      {doubts.length > 0 && (
        <ul class="scenario-doubts" aria-label={`What may be wrong in ${label.toLowerCase()}`}>
          {doubts.map(({ about, better, start, end }) => (
            <li key={start} class="row small tone-warn">
              <Icon name="warning" size={14} />
              <span>{about}</span>
              {better && <Button small onClick={() => replace(start, end, better)}>Write {better}</Button>}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

interface FaultProps {
  id: string;
  text: string;
  error: string;
  area: HTMLTextAreaElement | null;
  onReplace: (start: number, end: number, word: string) => void;
}

/** The error, under the word where it is. */
function Fault({ id, text, error, area, onReplace }: FaultProps) {
  const [, line = "", column = ""] = PLACE.exec(error) ?? [];
  const lines = text.split("\n");
  const wrong = lines[Number(line) - 1];
  if (wrong === undefined) return <p id={id} class="small tone-bad">{plain(error, "")}</p>;
  const place = Number(column) - 1;
  const word = /^\w+/.exec(wrong.slice(place))?.[0] ?? wrong.charAt(place);
  const start = lines.slice(0, Number(line) - 1).reduce((sum, each) => sum + each.length + 1, 0) + place;
  const meant = /did you mean `(\w+)`/.exec(error)?.[1];

  function go(): void {
    area?.focus();
    area?.setSelectionRange(start, start + word.length);
  }

  return (
    <div id={id} class="stack tight">
      <pre class="code scenario-fault" aria-hidden="true">{wrong.slice(0, place)}<mark>{word || " "}</mark>{wrong.slice(place + word.length)}{"\n"}<span>{" ".repeat(place)}{"^".repeat(word.length || 1)}</span></pre>
      <p class="small tone-bad">{plain(error, word)}</p>
      <div class="row">
        {meant && <Button small onClick={() => onReplace(start, start + word.length, meant)}>Write {meant}</Button>}
        <button type="button" class="link small scenario-go" onClick={go}>Go to line {line}, column {column}</button>
      </div>
    </div>
  );
}

/** The error without its place, which is shown above, and with the word at that place, which the API leaves out. */
function plain(error: string, word: string): string {
  return error
    .replace(PLACE, "")
    .trim()
    .replace(/^has an unknown name/, `“${word}” is unknown`)
    .replace(/^calls an unknown function/, `“${word}” is not a function`)
    .replace(/^calls `(\w+)` with/, "“$1” is called with")
    .replace(/^gives/, "It gives")
    .replace(/^is not in CEL: (.)/, (_, first: string) => first.toUpperCase())
    .replaceAll(/`([^`]+)`/g, "“$1”");
}
