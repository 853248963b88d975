/** A difference as a point with its interval, beside the line of no difference. */
interface IntervalProps {
  value: number;
  low: number;
  high: number;
  tone: "good" | "bad" | "neutral";
}

const [WIDTH, HEIGHT, EDGE] = [200, 22, 6];

/** `<Interval value={0.02} low={0.005} high={0.035} tone="good" />`; the words beside it say the same. */
export function Interval({ value, low, high, tone }: IntervalProps) {
  const most = Math.max(Math.abs(low), Math.abs(high));
  const at = (position: number) => WIDTH / 2 + (position / (most || 1)) * (WIDTH / 2 - EDGE);
  return (
    <div aria-hidden="true">
      <svg class={`interval tone-${tone}`} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" focusable="false">
        <line class="zero" x1={WIDTH / 2} x2={WIDTH / 2} y1={0} y2={HEIGHT} />
        <line x1={at(low)} x2={at(high)} y1={HEIGHT / 2} y2={HEIGHT / 2} stroke-width={6} stroke-linecap="round" opacity={0.3} />
        <line x1={at(value) - 0.01} x2={at(value) + 0.01} y1={HEIGHT / 2} y2={HEIGHT / 2} stroke-width={10} stroke-linecap="round" />
      </svg>
      <div class="row apart small muted"><span>worse</span><span>no difference</span><span>better</span></div>
    </div>
  );
}
