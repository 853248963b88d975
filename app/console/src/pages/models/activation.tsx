/** Activate a version, or roll back to the previous one. */
import { useState } from "preact/hooks";
import { api, type Schemas, SerendipError } from "../../api";
import { Button, Dialog, ErrorNote, Toggle, toast } from "../../components";
import { decimal } from "../../format";
import { useAction } from "../../hooks";
import { metricOf, type Version, versionName } from "../../versions";

interface ActivationProps {
  version: Version;
  active: Version | undefined;
  rollout: Schemas["RolloutView"] | undefined;
  onDone: () => void;
  onClose: () => void;
}

const REFUSED = 409;

export function Activation({ version, active, rollout, onDone, onClose }: ActivationProps) {
  const [isForced, setForced] = useState(false);
  const name = versionName(version.version);
  const isRollback = rollout?.previous === version.version;
  const acting = useAction(async () => {
    await api.POST("/v1/models/{version}:activate", { params: { path: { version: version.version }, query: { force: isForced } } });
    toast(`${name} is active.`);
    onDone();
    onClose();
  });
  const isRefused = acting.error instanceof SerendipError && acting.error.status === REFUSED;
  const verb = isRollback ? "Roll back" : "Activate";
  const buttons = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button kind="primary" busy={acting.isRunning} onClick={() => void acting.run()}>{verb}</Button>
    </>
  );
  return (
    <Dialog title={isRollback ? `Roll back to ${name}?` : `Activate ${name}?`} onClose={onClose} actions={buttons}>
      <ul class="model-changes">
        {changes(version, active, rollout).map((change) => <li key={change}>{change}</li>)}
      </ul>
      <ErrorNote error={acting.error} />
      {(isRefused || isForced) && <Toggle label="Activate it anyway" checked={isForced} onToggle={setForced} />}
    </Dialog>
  );
}

/** What activating a version changes, a sentence each. */
function changes(version: Version, active: Version | undefined, rollout: Schemas["RolloutView"] | undefined): string[] {
  const name = versionName(version.version);
  const says = [`All users get lists of ${name} within 5 seconds${active ? `, instead of ${versionName(active.version)}` : ""}.`];
  const [ndcg, before] = [metricOf(version, "ndcg"), active && metricOf(active, "ndcg")];
  if (ndcg && before && active?.version !== version.version) {
    says.push(`Its NDCG@20 is ${decimal(ndcg.value)}; that of the active version is ${decimal(before.value)}.`);
  }
  if (rollout && (Object.keys(rollout.shares).length > 1 || rollout.shadows.length)) {
    says.push("The division of the users among versions ends.");
  }
  if (active && active.version !== version.version) says.push(`${versionName(active.version)} is kept: you can roll back to it at any time.`);
  return says;
}
