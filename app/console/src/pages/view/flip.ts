/** Rows of a list that glide to their new places (first, last, invert, play), unless the reader prefers no motion. */
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

const MILLISECONDS = 450;
const EASING = "cubic-bezier(0.2, 0.8, 0.2, 1)";

/** Animates the children of a list that have `data-key`, whenever `order` has changed. */
export function useGlide(list: RefObject<HTMLElement>, order: string): void {
  const places = useRef(new Map<string, number>());
  useLayoutEffect(() => {
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const before = places.current;
    places.current = new Map();
    for (const row of list.current?.children ?? []) {
      if (!(row instanceof HTMLElement) || !row.dataset.key) continue;
      const [earlier, now] = [before.get(row.dataset.key), row.offsetTop];
      places.current.set(row.dataset.key, now);
      if (isStill || before.size === 0 || earlier === now) continue;
      const from = earlier === undefined ? { opacity: 0, transform: "scale(0.97)" } : { transform: `translateY(${earlier - now}px)` };
      row.animate([from, { opacity: 1, transform: "none" }], { duration: MILLISECONDS, easing: EASING });
    }
  }, [order]);
}
