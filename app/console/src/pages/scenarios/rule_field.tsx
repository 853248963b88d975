/** A rule in CEL with completion, and its error at the column where it is. */
import { useId, useRef, useState } from "preact/hooks";
import { type Completion, completed } from "./completion";
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
      {error ? <Fault id={`${id}-error`} text={value} error={error} area={area.current} /> : <p id={`${id}-hint`} class="small muted">{hint}</p>}
    </div>
  );
}

/** The error, under the character where it is. */
function Fault({ id, text, error, area }: { id: string; text: string; error: string; area: HTMLTextAreaElement | null }) {
  const [, line = "", column = ""] = PLACE.exec(error) ?? [];
  const lines = text.split("\n");
  const wrong = lines[Number(line) - 1];
  const message = <p class="small tone-bad">{plain(error)}</p>;
  if (wrong === undefined) return <div id={id}>{message}</div>;
  const place = Number(column) - 1;

  function go(): void {
    const start = lines.slice(0, Number(line) - 1).reduce((sum, each) => sum + each.length + 1, 0) + place;
    area?.focus();
    area?.setSelectionRange(Math.min(start, text.length), Math.min(start + 1, text.length));
  }

  return (
    <div id={id} class="stack tight">
      <pre class="code scenario-fault" aria-hidden="true">{wrong.slice(0, place)}<mark>{wrong.charAt(place) || " "}</mark>{wrong.slice(place + 1)}{"\n"}<span>{" ".repeat(place)}^</span></pre>
      {message}
      <div><button type="button" class="link small scenario-go" onClick={go}>Go to line {line}, column {column}</button></div>
    </div>
  );
}

/** The compiler's list of what it expected is longer than the rule. */
function plain(error: string): string {
  return error
    .replace(PLACE, "at line $1, column $2")
    .replace(/mismatched input '<EOF>' expecting \{.*\}/, "the rule ends too early")
    .replace(/ expecting \{.*\}/, "")
    .replace(/^is not in CEL: /, "This is not CEL: ");
}
