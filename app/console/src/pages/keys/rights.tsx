/** The choice of what a key may do. */
import { RIGHTS, type Right } from "./key";

export function Rights({ value, onChoice }: { value: Right | undefined; onChoice: (right: Right) => void }) {
  return (
    <fieldset class="plain">
      <legend>What it may do</legend>
      <div class="access-choices">
        {(Object.keys(RIGHTS) as Right[]).map((right) => (
          <label key={right}>
            <input type="radio" name="right" required value={right} checked={right === value} onChange={() => onChoice(right)} />
            <span>{RIGHTS[right].title}</span>
            <small>{RIGHTS[right].about}</small>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
