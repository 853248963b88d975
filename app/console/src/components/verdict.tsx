/** What one version, scenario or recommender gets more of than another, by users' events. */
import type { Schemas } from "../api";
import { dataNeeded, differenceInWords, MEASURES } from "../differences";
import { Badge } from "./basics";
import { Interval } from "./interval";

type Outcome = Schemas["OutcomeView"];

interface VerdictProps {
  name: string;
  against: string;
  comparison: Schemas["OutcomeComparison"];
  /** The outcomes of `against`, for relative differences. */
  base?: Outcome | undefined;
}

const TONES = { better: "good", worse: "bad", undecided: "neutral" } as const;
const WORDS = { better: "Better", worse: "Worse", undecided: "Not clear yet" } as const;

/** `<Verdict name="B" against="A" comparison={comparison} base={outcome} />` */
export function Verdict({ name, against, comparison, base }: VerdictProps) {
  return (
    <ul class="verdicts">
      {MEASURES.map((measure) => {
        const difference = comparison[measure.field];
        return (
          <li key={measure.field}>
            <div class="row apart">
              <h3>{measure.label}</h3>
              <Badge tone={difference ? TONES[difference.verdict] : "neutral"}>{difference ? WORDS[difference.verdict] : "No data"}</Badge>
            </div>
            {difference ? (
              <>
                <Interval value={difference.difference} low={difference.low} high={difference.high} tone={TONES[difference.verdict]} />
                <p>{differenceInWords(name, against, measure, difference, base?.[measure.field]?.value)}</p>
                {dataNeeded(measure, difference) && <p class="small muted">{dataNeeded(measure, difference)}</p>}
              </>
            ) : (
              <p class="muted">{measure.field === "revenue_per_impression" ? "There are too few purchases with a value." : "One of them was not shown in this time."}</p>
            )}
          </li>
        );
      })}
    </ul>
  );
}
