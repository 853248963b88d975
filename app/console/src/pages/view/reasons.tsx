/** Why an item is in the list: its past events as shares that add up. */
import { Badge } from "../../components";
import { ago, decimal, percent } from "../../format";
import { idOf, type Reason, type Recommended } from "./lists";
import { learnedFrom, whyWithoutEvents } from "./words";

export type Colors = ReadonlyMap<string, string>;
const [NAMED, LEAST] = [2, 0.005];

/** The bar, and the largest shares in words. */
export function Reasons({ item, colors }: { item: Recommended; colors: Colors }) {
  const reasons = item.reasons ?? [];
  if (reasons.length === 0) return <p class="small muted">{whyWithoutEvents(item.source)}</p>;
  const named = reasons.filter(({ share }) => share >= LEAST).slice(0, NAMED);
  const against = reasons.filter(({ share }) => share < 0);
  const down = sumOf(against, "share");
  const rest = reasons.length - named.length;
  return (
    <>
      <ShareBar reasons={reasons} colors={colors} />
      <ul class="view-legend small">
        {named.map((reason) => (
          <li key={idOf(reason)}>
            <Dot color={colors.get(idOf(reason))} />
            <strong class="number">{percent(reason.share, 0)}</strong>
            <span class="truncate">{nameOf(reason)}</span>
            <span class="muted when">{kindAndAge(reason)}</span>
          </li>
        ))}
        {down <= -LEAST && (
          <li>
            <Against />
            <strong class="number">{percent(down, 0)}</strong>
            <span class="muted">{against.length === 1 ? "an event" : `${against.length} events`} against it</span>
          </li>
        )}
      </ul>
      <details class="view-exactly small">
        <summary>{rest > 0 ? `${rest} more, and the exact shares` : "The exact shares"}</summary>
        <Exactly item={item} reasons={reasons} colors={colors} />
      </details>
    </>
  );
}

function ShareBar({ reasons, colors }: { reasons: readonly Reason[]; colors: Colors }) {
  const whole = reasons.reduce((sum, { share }) => sum + Math.abs(share), 0);
  const ordered = reasons.toSorted((a, b) => b.share - a.share);
  const text = ordered.slice(0, 4).map((reason) => `${percent(reason.share, 0)} ${nameOf(reason)}`).join(", ");
  return (
    <div class="view-bar" role="img" aria-label={`Shares of past events: ${text}`}>
      {ordered.map((reason) => (
        <span
          key={idOf(reason)}
          class={reason.share < 0 ? "is-against" : ""}
          title={`${percent(reason.share)} ${nameOf(reason)}, ${kindAndAge(reason)}`}
          style={{ width: `${(Math.abs(reason.share) / whole) * 100}%`, background: reason.share < 0 ? undefined : colors.get(idOf(reason)) }}
        />
      ))}
    </div>
  );
}

function Exactly({ item, reasons, colors }: { item: Recommended; reasons: readonly Reason[]; colors: Colors }) {
  const hasUntried = reasons.some(({ kept_without }) => kept_without == null);
  return (
    <div class="stack tight">
      <div class="table" role="region" aria-label={`Exact shares of ${item.title || item.item_id}`} tabIndex={0}>
        <table>
          <thead>
            <tr><th scope="col">Past event</th><th scope="col" class="right">Share</th><th scope="col" class="right">Score</th><th scope="col">Learned from</th><th scope="col">Without it</th></tr>
          </thead>
          <tbody>
            {reasons.map((reason) => (
              <tr key={idOf(reason)}>
                <td><span class="row">{reason.share < 0 ? <Against /> : <Dot color={colors.get(idOf(reason))} />}<span>{nameOf(reason)} <span class="muted">{kindAndAge(reason)}</span></span></span></td>
                <td class="right">{percent(reason.share)}</td>
                <td class="right view-score">{decimal(reason.contribution)}</td>
                <td>{reason.baskets_together ? `${reason.baskets_together} of ${reason.baskets} baskets` : learnedFrom(reason.from_order)}</td>
                <td>{reason.kept_without == null ? <span class="muted">not tried</span> : reason.kept_without ? <span class="muted">stays</span> : <Badge tone="warn">leaves</Badge>}</td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr><th scope="row">Together</th><td class="right">{percent(sumOf(reasons, "share"))}</td><td class="right view-score">{decimal(sumOf(reasons, "contribution"))}</td><td colSpan={2} /></tr>
          </tfoot>
        </table>
      </div>
      <p class="muted">Similarity: what the same people chose. Order: what people chose next.{hasUntried && " The list is made again without each of the twenty events with the most influence on it; the others are not tried."}</p>
    </div>
  );
}

function Dot({ color }: { color: string | undefined }) {
  return <span class="view-dot" style={{ background: color }} aria-hidden="true" />;
}

/** The mark of events that lower a score. */
export function Against() {
  return <span class="view-dot is-against" aria-hidden="true" />;
}

function sumOf(reasons: readonly Reason[], field: "share" | "contribution"): number {
  return reasons.reduce((sum, reason) => sum + reason[field], 0);
}

function nameOf(reason: Reason): string {
  return reason.title || reason.item_id;
}

function kindAndAge(reason: Reason): string {
  if (reason.event_type === "context") return "looked at now";
  if (reason.event_type === "in_cart") return "in the cart";
  return reason.timestamp ? `${reason.event_type}, ${ago(reason.timestamp)}` : reason.event_type;
}
