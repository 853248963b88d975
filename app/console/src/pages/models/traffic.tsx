/** Which users see which version. */
import { useState } from "preact/hooks";
import { api, type Schemas } from "../../api";
import { Badge, Button, Card, Confirm, Field, fieldError, FormDialog, Input, Select, Toggle, toast } from "../../components";
import { percent } from "../../format";
import { useAction } from "../../hooks";
import { may } from "../../session";
import { type Version, versionName } from "../../versions";

type Rollout = Schemas["RolloutView"];

interface TrafficProps {
  rollout: Rollout;
  versions: readonly Version[];
  onChange: () => void;
}

const COLORS = 6;
const MOST = 10;
const SHADOW_PERCENT = 10;
const NONE = "";

export function Traffic({ rollout, versions, onChange }: TrafficProps) {
  const [open, setOpen] = useState<"divide" | "end">();
  const shares = Object.entries(rollout.shares).toSorted(([, one], [, other]) => other - one);
  const isDivided = shares.length > 1 || rollout.shadows.length > 0;
  const actions = may("admin") && (
    <>
      {isDivided && <Button small onClick={() => setOpen("end")}>End the test</Button>}
      <Button small icon="sliders" onClick={() => setOpen("divide")}>Divide users</Button>
    </>
  );
  return (
    <Card title="Who sees which version" note="Users stay with their version. Trainings activate nothing while users are divided." actions={actions}>
      <div class="shares" role="img" aria-label={shares.map(([version, share]) => `${versionName(version)}: ${percent(share / 100, 0)}`).join(", ")}>
        {shares.map(([version, share], position) => <span key={version} class={`share-${(position % COLORS) + 1}`} style={{ flexGrow: share }} />)}
      </div>
      <ul class="share-names">
        {shares.map(([version, share], position) => (
          <li key={version}>
            <span class={`dot share-${(position % COLORS) + 1}`} aria-hidden="true" />
            <span>{versionName(version)}</span>
            {version === rollout.active && <Badge tone="good">active</Badge>}
            <strong class="number">{percent(share / 100, 0)}</strong>
          </li>
        ))}
      </ul>
      {rollout.interleaved && <p class="small muted">Interleaved: users of the other versions get lists in which their version and the active one take turns.</p>}
      {rollout.shadows.length > 0 && <p class="small muted">Shadow version, computed for {percent(rollout.shadow_share / 100, 0)} of the lists and never shown: {rollout.shadows.map(versionName).join(", ")}. The log reports how much the lists overlap.</p>}
      {open === "divide" && <Divide rollout={rollout} versions={versions} onChange={onChange} onClose={() => setOpen(undefined)} />}
      {open === "end" && (
        <Confirm
          title="End the test?"
          action="End the test"
          act={async () => {
            await api.PUT("/v1/rollout", { body: { shares: { [rollout.active]: 100 } } });
            toast(`All users get ${versionName(rollout.active)}.`);
            onChange();
          }}
          onClose={() => setOpen(undefined)}
        >
          All users get lists of the active version, {versionName(rollout.active)}, within 5 seconds. To keep another version, activate it instead.
        </Confirm>
      )}
    </Card>
  );
}

function Divide({ rollout, versions, onChange, onClose }: TrafficProps & { onClose: () => void }) {
  const ready = versions.filter(({ state }) => state === "ready").slice(0, MOST);
  const [shares, setShares] = useState<Record<string, string>>(() => Object.fromEntries(ready.map(({ version }) => [version, String(Math.round(rollout.shares[version] ?? 0))])));
  const [isInterleaved, setInterleaved] = useState(rollout.interleaved);
  const [shadow, setShadow] = useState(rollout.shadows[0] ?? NONE);
  const total = Object.values(shares).reduce((sum, share) => sum + (Number(share) || 0), 0);
  const saving = useAction(async () => {
    const positive = Object.entries(shares).flatMap(([version, share]) => (Number(share) > 0 ? [[version, Number(share)]] : []));
    const shadows = shadow === NONE ? {} : { shadows: [shadow], shadow_share: SHADOW_PERCENT };
    await api.PUT("/v1/rollout", { body: { shares: Object.fromEntries(positive), interleaved: isInterleaved, ...shadows } });
    toast("The users are divided.");
    onChange();
    onClose();
  });
  return (
    <FormDialog
      title="Divide the users among versions"
      action="Divide users"
      onSubmit={() => void saving.run()}
      busy={saving.isRunning}
      disabled={total !== 100}
      error={saving.error}
      onClose={onClose}
    >
      <p class="muted">Give a new version a few percent first, and look at its clicks. Nothing is switched off automatically.</p>
      <div class="share-inputs">
        {ready.map(({ version, active }) => (
          <Field key={version} label={`${versionName(version)}${active ? " (active)" : ""}`} error={fieldError(saving.error, `/shares/${version}`)}>
            {(tie) => <Input {...tie} type="number" min={0} max={100} step="any" value={shares[version]} onText={(share) => setShares({ ...shares, [version]: share })} />}
          </Field>
        ))}
      </div>
      <p class={total === 100 ? "small muted" : "small tone-bad"} role="status">{total === 100 ? "Together 100 percent." : `Together ${total} percent; it has to be 100.`}</p>
      <div class="stack tight">
        <Toggle label="Interleave the lists with those of the active version" checked={isInterleaved} onToggle={setInterleaved} />
        <p class="small muted">Users of another version then get lists in which it and the active one take turns, and a click counts for the one that placed the item. This shows a difference with fewer users.</p>
      </div>
      <Field label="Shadow version" hint={`Try a version on real requests before anyone sees it: ${SHADOW_PERCENT}% of the lists are also made with it, never shown, and the log says how much they overlap.`}>
        {(tie) => <Select {...tie} value={shadow} choices={{ [NONE]: "No version", ...Object.fromEntries(ready.map(({ version }) => [version, versionName(version)])) }} onChoice={setShadow} />}
      </Field>
    </FormDialog>
  );
}
