/** What can stand at a place of a rule. */
import { METHODS, type Vocabulary, type Word, WORDS } from "./vocabulary";

export interface Completion {
  words: readonly Word[];
  /** Where the word begins that one of them replaces. */
  start: number;
}

const MOST = 8;

/** Completes the word that ends at the cursor; nothing inside a text other than a category. */
export function completed(text: string, cursor: number, vocabulary: Vocabulary): Completion {
  const before = text.slice(0, cursor);
  const open = openQuote(before);
  if (open >= 0) {
    const categories = vocabulary.categories.map((name) => ({ text: name, about: "category", insert: JSON.stringify(name).slice(1) }));
    return matching(categories, before.slice(open + 1), open + 1);
  }
  const path = /[A-Za-z_][\w.]*$/.exec(before)?.[0] ?? "";
  const dot = path.lastIndexOf(".");
  const word = path.slice(dot + 1);
  const start = cursor - word.length;
  const parent = path.slice(0, Math.max(dot, 0));
  if (parent === "item") return matching(vocabulary.item, word, start);
  if (parent === "user") return matching(vocabulary.user, word, start);
  if (parent) return matching(METHODS, word, start);
  return word ? matching(WORDS, word, start) : { words: [], start };
}

function matching(words: readonly Word[], typed: string, start: number): Completion {
  const lower = typed.toLowerCase();
  const fitting = words.filter(({ text }) => text.toLowerCase().startsWith(lower) && text !== typed);
  return { words: fitting.slice(0, MOST), start };
}

/** The position of a quote that is not closed, or -1. */
function openQuote(text: string): number {
  let open = -1;
  for (let position = 0; position < text.length; position++) {
    if (open >= 0 && text[position] === "\\") position++;
    else if (text[position] === '"') open = open >= 0 ? -1 : position;
  }
  return open;
}
