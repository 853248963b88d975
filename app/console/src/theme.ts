/** Light or dark: the system's choice until the toggle overrides it for this browser. */
import { effect, signal } from "@preact/signals";

type Theme = "light" | "dark";

const STORED = "serendip.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

export const theme = signal<Theme>(chosen() ?? (system.matches ? "dark" : "light"));
system.addEventListener("change", () => {
  if (!chosen()) theme.value = system.matches ? "dark" : "light";
});
effect(() => {
  document.documentElement.dataset.theme = theme.value;
});

export function toggleTheme(): void {
  theme.value = theme.value === "dark" ? "light" : "dark";
  localStorage.setItem(STORED, theme.value);
}

function chosen(): Theme | undefined {
  const value = localStorage.getItem(STORED);
  return value === "light" || value === "dark" ? value : undefined;
}
