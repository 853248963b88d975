/** What rules can speak of: the properties of items and users as the project has them, and the words of CEL. */
import { ifExists } from "../../api";
import { useRequest } from "../../hooks";
import { userIdsOf } from "../records/users";

export interface Word {
  text: string;
  /** What it is, or an example. */
  about: string;
  /** What is inserted, if it is not the text. */
  insert?: string;
}

export interface Vocabulary {
  item: readonly Word[];
  user: readonly Word[];
  categories: readonly string[];
  /** Whether `categories` has all of them, or only the most frequent ones. */
  hasAllCategories: boolean;
  /** How many items and users were examined for their properties. */
  itemsExamined: number;
  usersExamined: number;
  eventTypes: readonly string[];
  users: readonly string[];
}

const SAMPLE = 100;
const MOST_CATEGORIES = 100; // that a search counts
const ITEM_FIELDS: readonly Word[] = [
  { text: "id", about: "text" },
  { text: "title", about: "text" },
  { text: "categories", about: "list of texts" },
  { text: "created_at", about: "time, as text" },
  { text: "updated_at", about: "time, as text" },
];
export const WORDS: readonly Word[] = [
  { text: "item.", about: "a field or property of the item" },
  { text: "user.", about: "a property of the user" },
  { text: "now", about: "the time of the request" },
  { text: "has()", about: "whether there is a property: has(item.price)", insert: "has(" },
  { text: "size()", about: "length of a text or list", insert: "size(" },
  { text: "timestamp()", about: "a time from text: timestamp(item.created_at)", insert: "timestamp(" },
  { text: "duration()", about: "a length of time: duration(\"24h\")", insert: "duration(" },
  { text: "in", about: "whether a list has a value", insert: "in " },
  { text: "true", about: "" },
  { text: "false", about: "" },
];
export const METHODS: readonly Word[] = [
  { text: "startsWith()", about: "text begins with", insert: "startsWith(" },
  { text: "endsWith()", about: "text ends with", insert: "endsWith(" },
  { text: "lowerAscii()", about: "text in lower case", insert: "lowerAscii()" },
  { text: "contains()", about: "text contains", insert: "contains(" },
  { text: "matches()", about: "text matches a regular expression", insert: "matches(" },
  { text: "exists()", about: "one of a list: exists(c, c == \"Tea\")", insert: "exists(c, " },
  { text: "all()", about: "all of a list: all(c, c != \"Tea\")", insert: "all(c, " },
];

export function useVocabulary(userId: string): Vocabulary {
  const items = useRequest((client) => client.GET("/v1/items:search", { params: { query: { limit: SAMPLE } } }), []);
  const types = useRequest((client) => client.GET("/v1/event-types"), []);
  const users = useRequest((client) => client.GET("/v1/users", { params: { query: { limit: SAMPLE } } }), []);
  const events = useRequest((client) => client.GET("/v1/events", { params: { query: { limit: SAMPLE } } }), []);
  const user = useRequest(
    async (client) => (userId ? ifExists(client.GET("/v1/users/{user_id}", { params: { path: { user_id: userId } } })) : null),
    [userId],
  );
  const records = items.data?.items ?? [];
  const people = [...(users.data?.users ?? []), ...(user.data ? [user.data] : [])];
  const categories = items.data?.categories ?? [];
  return {
    item: [...propertiesOf(records.map((item) => item.properties)), ...ITEM_FIELDS],
    user: [...propertiesOf(people.map(({ properties }) => properties)), { text: "id", about: "text" }],
    categories: categories.map(({ category }) => category).toSorted(),
    hasAllCategories: categories.length < MOST_CATEGORIES && (items.data?.complete ?? false),
    itemsExamined: records.length,
    usersExamined: people.length,
    eventTypes: types.data?.event_types.map(({ event_type }) => event_type) ?? [],
    users: users.data && events.data ? userIdsOf([...users.data.users, ...events.data.events]) : [],
  };
}

/** Each property with the first value that was seen. */
function propertiesOf(records: readonly (Readonly<Record<string, unknown>> | null | undefined)[]): Word[] {
  const examples = new Map<string, unknown>();
  for (const record of records) {
    for (const [name, value] of Object.entries(record ?? {})) if (!examples.has(name)) examples.set(name, value);
  }
  return [...examples].toSorted(([a], [b]) => a.localeCompare(b)).map(([name, value]) => ({ text: name, about: `such as ${JSON.stringify(value)}` }));
}
