/** Start a training, follow it, cancel it. */
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../../api";
import { Bar, Button, Card, Confirm, Dialog, ErrorNote, Toggle, toast } from "../../components";
import { useAction } from "../../hooks";
import { type Version, versionName } from "../../versions";

const PHASES = ["queued", "starting", "reading events", "choosing parameters", "learning", "reading items", "comparing items", "publishing"];
const SAME: Readonly<Record<string, string>> = { "judging parameters": "choosing parameters" };

export function TrainButton({ isTraining, onStart }: { isTraining: boolean; onStart: () => void }) {
  const [isOpen, setOpen] = useState(false);
  const [isForced, setForced] = useState(false);
  const starting = useAction(async () => {
    await api.POST("/v1/models", { body: { force: isForced } });
    setOpen(false);
    onStart();
  });
  const buttons = (
    <>
      <Button onClick={() => setOpen(false)}>Cancel</Button>
      <Button kind="primary" busy={starting.isRunning} onClick={() => void starting.run()}>Train</Button>
    </>
  );
  return (
    <>
      <Button kind="primary" icon="play" disabled={isTraining} onClick={() => setOpen(true)}>Train now</Button>
      {isOpen && (
        <Dialog title="Train a new version" onClose={() => setOpen(false)} actions={buttons}>
          <p>The training reads all events, tries parameters on each user's newest events, and learns from all of them. The new version becomes active when it is ready, unless it is clearly worse, or versions share the users.</p>
          <Toggle label="Activate it anyway" checked={isForced} onToggle={setForced} />
          <ErrorNote error={starting.error} />
        </Dialog>
      )}
    </>
  );
}

/** The trainings in progress, with a message when one ends. */
export function Trainings({ versions, onChange }: { versions: readonly Version[]; onChange: () => void }) {
  const [cancelled, setCancelled] = useState<Version>();
  const running = versions.filter(({ state }) => state === "training");
  const followed = useRef<string[]>([]);
  useEffect(() => {
    for (const version of versions.filter((each) => followed.current.includes(each.version) && each.state !== "training")) {
      announce(version);
    }
    followed.current = running.map(({ version }) => version);
  }, [versions]);

  return (
    <>
      {running.map((version) => (
        <Card key={version.version} title={`Training ${versionName(version.version)}`} actions={<Button small icon="close" onClick={() => setCancelled(version)}>Cancel training</Button>}>
          <Bar label={step(version.phase)} share={version.progress || null} />
        </Card>
      ))}
      {cancelled && (
        <Confirm
          title={`Cancel the training of ${versionName(cancelled.version)}?`}
          action="Cancel training"
          danger
          act={async () => {
            await api.POST("/v1/models/{version}:cancel", { params: { path: { version: cancelled.version } } });
            toast(`The training of ${versionName(cancelled.version)} was canceled.`);
            followed.current = [];
            onChange();
          }}
          onClose={() => setCancelled(undefined)}
        >
          What it has learned so far is lost. The active version stays active.
        </Confirm>
      )}
    </>
  );
}

function announce({ version, state, active, detail }: Version): void {
  const name = versionName(version);
  if (state === "failed") toast(`The training of ${name} failed: ${detail ?? "see the log of the server."}`, "bad");
  else if (state === "ready") toast(active ? `${name} is trained and active.` : `${name} is trained. ${detail ?? ""}`);
}

/** "Step 4 of 8: choosing parameters" */
function step(phase: string): string {
  const number = PHASES.indexOf(SAME[phase] ?? phase);
  return number < 0 ? phase : `Step ${number + 1} of ${PHASES.length}: ${phase}`;
}
