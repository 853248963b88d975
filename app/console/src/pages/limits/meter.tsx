/** How much of something is used: a bar that changes its color near the end. */
import { count } from "../../format";
import "./meter.css";

const WARN_SHARE = 0.8;

export function Meter({ label, used, most }: { label: string; used: number; most: number }) {
  const share = Math.min(1, Math.max(0, used / most));
  const tone = share >= 1 ? "tone-bad" : share >= WARN_SHARE ? "tone-warn" : "tone-accent";
  return (
    <div class={`meter ${tone}`}>
      <span class="small number">{count(used)} of {count(most)}</span>
      <div role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={most} aria-valuenow={Math.min(used, most)}>
        <span style={{ width: `${share * 100}%` }} />
      </div>
    </div>
  );
}
