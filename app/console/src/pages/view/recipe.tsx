/** Chooses how a list is made: the scenario and the model version. */
import type { Schemas } from "../../api";
import { Field, Select } from "../../components";
import { ago } from "../../format";
import type { Recipe } from "./lists";

interface RecipeProps {
  /** Before the labels, such as "Other". */
  prefix?: string;
  recipe: Recipe;
  scenarios: readonly Schemas["ScenarioView"][];
  versions: readonly Schemas["VersionView"][];
  onChange: (recipe: Recipe) => void;
}

export function RecipeChooser({ prefix = "", recipe, scenarios, versions, onChange }: RecipeProps) {
  const label = (text: string) => (prefix ? `${prefix} ${text.toLowerCase()}` : text);
  const scenarioChoices = { "": "None", ...Object.fromEntries(scenarios.map(({ scenario_id }) => [scenario_id, scenario_id])) };
  const ready = versions.filter(({ state }) => state === "ready");
  const versionChoices = { "": "Serving now", ...Object.fromEntries(ready.map((version) => [version.version, versionInWords(version)])) };
  return (
    <>
      <Field label={label("Scenario")}>
        {(tie) => <Select {...tie} value={recipe.scenario ?? ""} choices={scenarioChoices} onChoice={(scenario) => onChange({ ...recipe, scenario })} />}
      </Field>
      <Field label={label("Model version")}>
        {(tie) => <Select {...tie} value={recipe.version ?? ""} choices={versionChoices} onChoice={(version) => onChange({ ...recipe, version })} />}
      </Field>
    </>
  );
}

function versionInWords({ version, created_at, active }: Schemas["VersionView"]): string {
  return `${version.split("-").at(-1) ?? version}, trained ${ago(created_at)}${active ? " (active)" : ""}`;
}
