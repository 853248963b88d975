/** What a version has learned, in words. The formulas are in the guide "Recommendations". */
import { count, decimal, duration, percent } from "../../format";

export interface Sentence {
  about: string;
  says: string;
}

type Parameters = Readonly<Record<string, unknown>>;

const DAY_SECONDS = 86_400;
const SURE_OF_ORDER = 1;

/** Explains the `parameters` of a version; parameters that it does not have are left out. */
export function inWords(parameters: Parameters): Sentence[] {
  const number = (name: string): number | undefined => {
    const value = parameters[name];
    return typeof value === "number" ? value : undefined;
  };
  const says: Sentence[] = [];
  const add = (about: string, ...parts: (string | false | undefined)[]) => {
    const text = parts.filter(Boolean).join(" ");
    if (text) says.push({ about, says: text });
  };

  add("Order and likeness", order(number("order_share")));
  add("Old events", aging(number("half_life_days")), later(number("step_decay")));
  add("Popular right now", recent(number("recent_exponent"), number("recent_half_life_days")));
  add("During a visit", visit(number("open_seconds"), number("open_step_decay"), number("open_recent_exponent"), number("recent_exponent")));
  add("Popular items", discount(number("discount")), similarity(number("item_exponent")));
  add("Busy users", busy(number("user_exponent")));
  add("Rare coincidences", caution(number("ridge"), number("order_share") ? number("order_ridge") : undefined));
  add("Ratings", liked(number("rating_threshold")));
  add("New items", content(number("content_weight")));
  add("Method", SOLVERS[String(parameters.solver)]);
  add("Judged on", HOLDOUTS[String(parameters.holdout)]);
  return says;
}

function order(share: number | undefined): string | undefined {
  if (share === undefined) return undefined;
  if (share <= 0) return "Only what the same people like counts, and not in which order they use it.";
  const pairs = "Pairs of items in one basket count half.";
  if (share >= SURE_OF_ORDER) return `Only the order counts: what people use after an item. ${pairs}`;
  return `Order counts ${percent(share, 0)}: what people use after an item. What the same people like counts ${percent(1 - share, 0)}. ${pairs}`;
}

function aging(days: number | undefined): string {
  return days === undefined ? "Events do not lose weight with time." : `An event counts half after ${lasting(days)}.`;
}

function later(decay: number | undefined): string | false {
  return decay !== undefined && decay < 1 && `Each later visit leaves ${percent(decay, 0)} of what earlier ones count.`;
}

function visit(seconds: number | undefined, decay: number | undefined, exponent: number | undefined, later: number | undefined): string | undefined {
  if (seconds === undefined || decay === undefined) return undefined;
  const until = seconds ? `Until ${lasting(seconds / DAY_SECONDS)} after the newest event` : "With events in the request itself";
  const popular = exponent !== undefined && exponent !== later ? ` ${tenfold(exponent)}` : "";
  return `${until}, each later visit leaves ${percent(decay, 0)} of what earlier ones count.${popular}`;
}

function recent(exponent: number | undefined, days: number | undefined): string | undefined {
  if (exponent === undefined) return undefined;
  if (!exponent || days === undefined) return tenfold(0);
  return `${tenfold(exponent)} Use counts half after ${lasting(days)}.`;
}

function tenfold(exponent: number): string {
  if (!exponent) return "What is popular right now makes no difference.";
  return `An item that is used ten times as much as another right now gets ${decimal(10 ** exponent, 1)} times its score.`;
}

function discount(exponent: number | undefined): string | false {
  if (exponent === undefined) return false;
  return exponent ? `An item with ten times the users of another keeps ${percent(10 ** -exponent, 0)} of its score.` : "They keep their whole score.";
}

function similarity(exponent: number | undefined): string | false {
  return Boolean(exponent) && `When items are compared, a user of an item with ten times the users counts ${percent(10 ** -(exponent ?? 0), 0)}.`;
}

function busy(exponent: number | undefined): string | undefined {
  if (exponent === undefined) return undefined;
  if (!exponent) return "Each event counts the same, however many a user has.";
  return `Each event of a user with ten times as many counts ${percent(10 ** -exponent, 0)}.`;
}

function caution(ridge: number | undefined, orderRidge: number | undefined): string | undefined {
  if (ridge === undefined) return undefined;
  const byOrder = orderRidge === undefined ? "" : `; for what comes next, ${compact(orderRidge)} times`;
  return `Pairs that few people share hardly count: they are damped by ${compact(ridge)} times the weight of a typical item${byOrder}.`;
}

function liked(threshold: number | undefined): string | undefined {
  return threshold === undefined ? undefined : `A rating of ${compact(threshold)} or more means that a user likes the item.`;
}

function content(weight: number | undefined): string | undefined {
  return weight === undefined ? undefined : "Items with few users also follow items with a similar title, categories and texts.";
}

const SOLVERS: Readonly<Record<string, string>> = {
  dense: "Each item was compared with all others at once.",
  local: "Each item was compared with the items that share users with it.",
};

const HOLDOUTS: Readonly<Record<string, string>> = {
  next: "The newest visit of each user, which the judged model did not see.",
  random: "A random fifth of the events, which the judged model did not see: there were no usable times.",
  time: "The newest fifth of all events, which the judged model did not see.",
  last: "The newest fifth of each user's events, which the judged model did not see.",
};

function lasting(days: number): string {
  if (days < 1) return duration(days * DAY_SECONDS).replace(/ 0 (min|s)$/, "");
  return days === 1 ? "a day" : `${compact(days)} days`;
}

function compact(value: number): string {
  return value >= 10 || Number.isInteger(value) ? count(value) : decimal(value, 1);
}
