/** The settings of a scenario: their defaults, in words, and how two versions differ. */
import type { Schemas } from "../../api";
import { count, decimal, percent } from "../../format";
import { differences as namesOfChanged } from "../records/versions";

export type Settings = Schemas["ScenarioSettingsView"];
export type Row = Settings["rows"][number];

export const RECOMMENDERS: Readonly<Record<string, string>> = { neighbors: "Learned from history", trending: "Trending", popular: "Popular", latest: "Latest" };
export const ROW_KINDS: Readonly<Record<string, string>> = {
  recommendations: "For the user",
  similar_to_recent: "Similar to a recent item",
  trending: "Trending",
  popular: "Popular",
  latest: "Latest",
};

export const DEFAULTS: Settings = {
  limit: 10,
  recommenders: ["neighbors", "trending", "popular", "latest"],
  event_types: null,
  event_weights: {},
  include_seen: false,
  filter: null,
  boost: null,
  diversity: null,
  impression_decay: 3,
  exploration: 0,
  rows: [],
  log_sample_rate: 0,
};
/** Where changes of a scenario are kept until they are saved, before its id. */
export const PLACE = "/scenarios/";
export const NEW_ROW: Row = { kind: "recommendations", title: "For you", limit: 10, category: null, count: 1 };

/** The body of a request with these settings; the API checks what the form cannot. */
export function bodyOf(settings: Settings): Schemas["ScenarioSettingsIn"] {
  return settings as Schemas["ScenarioSettingsIn"];
}

const WORDS: { readonly [Name in keyof Settings]: [string, (value: Settings[Name]) => string] } = {
  limit: ["Items", (limit) => count(limit)],
  recommenders: ["Sources", (names) => names.map((name) => RECOMMENDERS[name] ?? name).join(", then ")],
  event_types: ["Event types that count", (types) => types?.join(", ") ?? "all"],
  event_weights: ["Weights", (weights) => Object.entries(weights).map(([type, weight]) => `${type} ${weight}`).join(", ") || "the usual ones"],
  include_seen: ["Items that the user knows", (isIncluded) => (isIncluded ? "are recommended" : "are left out")],
  filter: ["Filter", (rule) => rule ?? "none"],
  boost: ["Boost", (rule) => rule ?? "none"],
  diversity: ["Diversity", diversityInWords],
  impression_decay: ["Impressions that halve a score", (decay) => (decay === null ? "they do not matter" : decimal(decay, decay % 1 ? 1 : 0))],
  exploration: ["Positions for new items", (share) => percent(share, 0)],
  rows: ["Rows of a page", (rows) => rows.map(rowInWords).join("; ") || "none"],
  log_sample_rate: ["Responses kept for replay", (share) => percent(share, share > 0 && share < 0.01 ? 2 : 0)],
};
const NAMES = Object.keys(WORDS) as (keyof Settings)[];

export interface Difference {
  name: string;
  before: string;
  after: string;
}

export function differences(before: Settings, after: Settings): Difference[] {
  return NAMES.map((name) => ({ name: WORDS[name][0], before: inWords(before, name), after: inWords(after, name) })).filter(
    (each) => each.before !== each.after,
  );
}

/** The settings of `after` that differ from `before`. */
export function changed(before: Settings, after: Settings): Partial<Settings> {
  const names = namesOfChanged(before, after) as (keyof Settings)[];
  return Object.fromEntries(names.map((name) => [name, after[name]]));
}

/** What a scenario changes, in one line. */
export function summary(settings: Settings): string {
  const changes = differences({ ...DEFAULTS, limit: settings.limit }, { ...settings });
  return [`${count(settings.limit)} items`, ...changes.map(({ name, after }) => `${name.toLowerCase()}: ${after}`)].join(" · ");
}

function inWords<Name extends keyof Settings>(settings: Settings, name: Name): string {
  return WORDS[name][1](settings[name]);
}

function diversityInWords(diversity: Settings["diversity"]): string {
  if (!diversity) return "none";
  const cap = diversity.property && `at most ${count(diversity.max_per_value)} with the same ${diversity.property}`;
  const relevance = diversity.relevance != null && `relevance ${decimal(diversity.relevance, 2)}`;
  return [cap, relevance].filter(Boolean).join(", ");
}

function rowInWords({ kind, title, limit, category, count: number }: Row): string {
  const of = category ? ` of ${category}` : "";
  return `“${title}” (${(ROW_KINDS[kind] ?? kind).toLowerCase()}${of}, ${count(limit)} items${number > 1 ? `, ${count(number)} times` : ""})`;
}
