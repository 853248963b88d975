/** Sees which items the visitor saw: at least half of the element, for at least a second, in a visible page. */
import { track } from "./events";

const SHARE = 0.5;
const SECOND_MS = 1_000;
const ITEM = "data-serendip-item";
const LIST = "data-serendip-list";

/** The items that were seen, each with its list: an impression counts once. */
const seen = new Set<string>();

/**
 * Tracks impressions of all elements in `root`, now and later, that have the attribute `data-serendip-item`, the item's
 * id, and `data-serendip-list`, the `recommendation_id` of the list that it belongs to. Returns a function that stops.
 */
export function impressions(root: Element = document.body): () => void {
  const timers = new Map<Element, ReturnType<typeof setTimeout>>();
  const visibility = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting, intersectionRatio } of entries) {
        stopTimer(target);
        if (isIntersecting && intersectionRatio >= SHARE) timers.set(target, setTimeout(() => see(target), SECOND_MS));
      }
    },
    { threshold: SHARE },
  );
  const changes = new MutationObserver((records) => {
    for (const { type, target } of records) if (type === "attributes") watch(target as Element);
    watchAll();
  });

  function stopTimer(element: Element): void {
    clearTimeout(timers.get(element));
    timers.delete(element);
  }

  function see(element: Element): void {
    timers.delete(element);
    visibility.unobserve(element);
    watched.delete(element);
    const { item_id, recommendation_id, key } = shown(element);
    if (!item_id || seen.has(key)) return;
    seen.add(key);
    track({ event_type: "impression", item_id, recommendation_id });
  }

  let watched = new Set<Element>();

  /** Reports the element's visibility now, and whenever it changes. */
  function watch(element: Element): void {
    visibility.unobserve(element);
    visibility.observe(element);
    watched.add(element);
  }

  function watchAll(): void {
    const elements = [...root.querySelectorAll(`[${ITEM}]`)].filter((element) => !seen.has(shown(element).key));
    for (const element of elements) if (!watched.has(element)) watch(element);
    watched = new Set(elements);
  }

  /** A page in the background is not seen: the second begins again when it comes back. */
  function followPage(): void {
    timers.forEach((_, element) => stopTimer(element));
    if (document.visibilityState === "visible") watched.forEach(watch);
  }

  watchAll();
  changes.observe(root, { subtree: true, childList: true, attributeFilter: [ITEM, LIST] });
  document.addEventListener("visibilitychange", followPage);
  return () => {
    visibility.disconnect();
    changes.disconnect();
    document.removeEventListener("visibilitychange", followPage);
    timers.forEach((_, element) => stopTimer(element));
  };
}

function shown(element: Element): { item_id: string; recommendation_id: string | undefined; key: string } {
  const item_id = element.getAttribute(ITEM) ?? "";
  const recommendation_id = element.getAttribute(LIST) || undefined;
  return { item_id, recommendation_id, key: `${item_id}\n${recommendation_id ?? ""}` };
}
