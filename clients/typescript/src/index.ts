export {
  type Answer,
  type Arguments,
  type ClientOptions,
  createClient,
  type PathWithFields,
  type Schemas,
  type Selected,
  type Selecting,
  type SerendipClient,
} from "./client.js";
export { type FieldError, type Problem, SerendipError } from "./errors.js";
export { EventSender, type EventSenderOptions, type NewEvent } from "./events.js";
export { type LiveList, subscribe, type SubscribeOptions, type Subscription } from "./live.js";
export { type PagedPath, pages, type RecordOf, records } from "./pages.js";
export type { RetryOptions } from "./retries.js";
export type { components, operations, paths } from "./schema.gen.js";
