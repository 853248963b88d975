/** A difference as a point with its interval, beside the line of no difference. */
import { useId } from "preact/hooks";

interface IntervalProps {
  value: number;
  low: number;
  high: number;
  /** The largest bound that the scale holds on either side; by default that of this interval. */
  reach?: number;
  tone: "good" | "bad" | "neutral";
}

const [WIDTH, HEIGHT, EDGE] = [200, 22, 6];

/** `<Interval value={0.02} low={0.005} high={0.035} tone="good" />`; the words beside it say the same. */
export function Interval({ value, low, high, reach, tone }: IntervalProps) {
  const clip = useId();
  const most = reach ?? Math.max(Math.abs(low), Math.abs(high));
  const at = (position: number) => WIDTH / 2 + (position / (most || 1)) * (WIDTH / 2 - EDGE);
  return (
    <div class="interval-of" aria-hidden="true">
      <svg class={`interval tone-${tone}`} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true" focusable="false">
        <clipPath id={clip}><rect width={WIDTH} height={HEIGHT} /></clipPath>
        <g clip-path={`url(#${clip})`}>
          <line class="zero" x1={WIDTH / 2} x2={WIDTH / 2} y1={0} y2={HEIGHT} />
          <line x1={at(low)} x2={at(high)} y1={HEIGHT / 2} y2={HEIGHT / 2} stroke-width={6} stroke-linecap="round" opacity={0.3} />
          <line x1={at(value) - 0.01} x2={at(value) + 0.01} y1={HEIGHT / 2} y2={HEIGHT / 2} stroke-width={10} stroke-linecap="round" />
        </g>
      </svg>
      <div class="row apart small muted"><span>worse</span><span>no difference</span><span>better</span></div>
    </div>
  );
}
