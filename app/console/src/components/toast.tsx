/** Short messages about what was done, also read out by screen readers. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { explain } from "../api";
import { Button } from "./basics";

interface Toast {
  id: number;
  text: string;
  tone: "good" | "bad";
}

const SECONDS = 6;
const toasts = signal<Toast[]>([]);
let next = 0;

/** `toast("Saved.")` */
export function toast(text: string, tone: Toast["tone"] = "good"): void {
  const id = next++;
  toasts.value = [...toasts.value, { id, text, tone }];
  if (tone === "good") setTimeout(() => dismiss(id), SECONDS * 1000);
}

/** An error of an action that has no place of its own on the page; it stays until it is closed. */
export function toastError(error: unknown): void {
  toast(explain(error), "bad");
}

/** Copies a text and confirms it: `void copyText(key, "Copied the key.")` */
export async function copyText(text: string, message = "Copied."): Promise<void> {
  await navigator.clipboard.writeText(text);
  toast(message);
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((each) => each.id !== id);
}

export function Toasts() {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!toasts.value.length) return;
    place.current?.hidePopover(); // what is shown last is above an open dialog
    place.current?.showPopover();
  }, [toasts.value.length]);
  return (
    <div ref={place} popover="manual" class="toasts" aria-live="polite" role="status">
      {toasts.value.map(({ id, text, tone }) => (
        <div key={id} class={`toast tone-${tone}`}>
          <span>{text}</span>
          <Button kind="quiet" small icon="close" label="Close message" onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  );
}
