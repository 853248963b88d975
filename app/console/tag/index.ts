/** `serendip`: recommendations in a web page, and what its visitor does with them. */
export { flush, type NewEvent, track } from "./events";
export { impressions } from "./impressions";
export { type Item, type List, type Query, rank, recommend } from "./lists";
export { subscribe, type Subscription } from "./live";
export { init, type Options, Refusal } from "./server";
