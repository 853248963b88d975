/** Finds names in a rule that the API accepts, but that nothing in the project has. */
import { nearest } from "./near";
import type { Vocabulary, Word } from "./vocabulary";

export interface Doubt {
  /** What is doubtful, in a sentence. */
  about: string;
  /** What was probably meant, as it stands in the rule. */
  better: string | undefined;
  /** Where the word is in the rule. */
  start: number;
  end: number;
}

const TEXT = String.raw`"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'`;
/** A text in quotes, so that nothing inside of it is taken for a property; or a path and the bracket of a call. */
const TOKEN = new RegExp(String.raw`(${TEXT})(\s+in\s+item\.categories\b)?|\b(item|user)((?:\.\w+)+)(\s*\()?`, "g");
const COMPARED = new RegExp(String.raw`item\.categories\.\w+\(\s*(\w+)\s*,\s*\1\s*[=!]=\s*(${TEXT})`, "g");

export function doubtsOf(rule: string, vocabulary: Vocabulary): Doubt[] {
  const doubts: (Doubt | undefined)[] = [];
  for (const match of rule.matchAll(TOKEN)) {
    const [, text, isCategory, owner, path = "", call] = match;
    if (text !== undefined && isCategory) doubts.push(categoryDoubt(text, match.index, vocabulary));
    if (owner === "item" || owner === "user") doubts.push(propertyDoubt(owner, path, Boolean(call), match.index, vocabulary));
  }
  for (const match of rule.matchAll(COMPARED)) {
    const text = match[2] ?? "";
    doubts.push(categoryDoubt(text, match.index + match[0].length - text.length, vocabulary));
  }
  return doubts.filter((doubt) => doubt !== undefined);
}

/** A warning about a category that is not in the vocabulary; undefined if it is, or if there are no categories. */
export function unknownCategory(name: string, { categories, hasAllCategories }: Vocabulary): string | undefined {
  if (!name || !categories.length || categories.includes(name)) return undefined;
  return hasAllCategories ? `No item has the category “${name}”.` : `“${name}” is not among the ${categories.length} most frequent categories.`;
}

/** A warning about a property that is not among the words; undefined if it is. */
export function unknownProperty(name: string, words: readonly Word[], who: string): string | undefined {
  return words.some(({ text }) => text === name) ? undefined : `${who} has “${name}”.`;
}

function categoryDoubt(text: string, start: number, vocabulary: Vocabulary): Doubt | undefined {
  const name = text.slice(1, -1).replace(/\\(.)/g, "$1");
  const about = unknownCategory(name, vocabulary);
  const better = nearest(name, vocabulary.categories);
  return about === undefined ? undefined : { about, better: better && JSON.stringify(better), start, end: start + text.length };
}

function propertyDoubt(owner: "item" | "user", path: string, isCall: boolean, start: number, vocabulary: Vocabulary): Doubt | undefined {
  const parts = path.split(".").slice(1);
  const position = parts[0] === "properties" ? 1 : 0;
  const name = parts[position];
  const words = vocabulary[owner];
  const examined = owner === "item" ? vocabulary.itemsExamined : vocabulary.usersExamined;
  if (name === undefined || !examined || (isCall && position === parts.length - 1)) return undefined;
  const about = unknownProperty(name, words, `None of ${examined} ${owner}s`);
  if (about === undefined) return undefined;
  const from = start + [owner, ...parts.slice(0, position)].join(".").length + 1;
  return { about, better: nearest(name, words.map(({ text }) => text)), start: from, end: from + name.length };
}
