/** Models: versions, how good they are, what they have learned, and who sees which. */
import { useState } from "preact/hooks";
import { ApiCall, ErrorNote, Loading, Note, PageHead } from "../components";
import { useRequest } from "../hooks";
import { may } from "../session";
import type { Version } from "../versions";
import { Activation } from "./models/activation";
import { Compare } from "./models/compare";
import { Details, Learned } from "./models/details";
import { Quality } from "./models/quality";
import { VersionTable } from "./models/table";
import { TrainButton, Trainings } from "./models/training";
import { Traffic } from "./models/traffic";
import "./models.css";

const MOST = 100;
const OUTCOME_DAYS = 30;
const [BUSY_SECONDS, IDLE_SECONDS] = [1, 10];

export default function Models() {
  const [shown, setShown] = useState<Version>();
  const [activated, setActivated] = useState<Version>();
  const models = useRequest((api) => api.GET("/v1/models", { params: { query: { limit: MOST } } }), [], { everySeconds: (page) => (hasTraining(page?.versions) ? BUSY_SECONDS : IDLE_SECONDS) });
  const versions = models.data?.versions;
  const active = versions?.find((version) => version.active);
  const rollout = useRequest(async (api) => (active ? api.GET("/v1/rollout") : undefined), [active?.version]);
  const outcomes = useRequest((api) => api.GET("/v1/outcomes", { params: { query: { days: OUTCOME_DAYS, by: ["version"] } } }), []);
  const reload = () => {
    models.reload();
    rollout.reload();
  };

  const split = active && rollout.data;
  return (
    <>
      <PageHead title="Models" about="Versions of the model: how good they are, what they have learned, and who sees which.">
        <ApiCall of={models.call} />
        {may("admin") && <TrainButton isTraining={hasTraining(versions)} onStart={reload} />}
      </PageHead>
      <ErrorNote error={models.error ?? rollout.error ?? outcomes.error} retry={() => { reload(); outcomes.reload(); }} />
      {!versions && !models.error && <Loading lines={8} />}
      {versions && (
        <>
          <Trainings versions={versions} onChange={reload} />
          {split && active && <Compare versions={versions} rollout={split} outcomes={outcomes.data} />}
          {versions.length > 0 && <Quality versions={versions} />}
          {split && <Traffic rollout={split} versions={versions} onChange={reload} />}
          <VersionTable versions={versions} rollout={split} outcomes={outcomes.data} onShow={setShown} onActivate={setActivated} />
          {models.data?.next_cursor && <Note>Only the newest {MOST} versions are shown.</Note>}
          {active && <Learned version={active} />}
        </>
      )}
      {shown && <Details version={shown} onClose={() => setShown(undefined)} />}
      {activated && <Activation version={activated} active={active} rollout={split} onDone={reload} onClose={() => setActivated(undefined)} />}
    </>
  );
}

function hasTraining(versions: readonly Version[] | undefined): boolean {
  return versions?.some(({ state }) => state === "training") ?? false;
}
