/** Creates a key, or changes the name, origins, expiry and limits of one. */
import { useState } from "preact/hooks";
import { api, type Schemas } from "../../api";
import { Field, fieldError, FormDialog, Input, TextArea, Toggle, toast } from "../../components";
import { useAction } from "../../hooks";
import { API } from "../../place";
import { session } from "../../session";
import { Expiry, expiryOf, NEVER } from "../access/expiry";
import { LimitsFields, limitsOf, NO_LIMITS, textOf } from "../access/limits_fields";
import { linesOf } from "../access/lines";
import type { Key, Right } from "./key";
import { Rights } from "./rights";

/** The limits that apply to users if none are set. */
const USUAL = { rate: "1", burst: "30", quota: "5,000" };

type FormProps =
  | { edited?: undefined; onCreated: (key: Schemas["NewKeyView"]) => void; onClose: () => void }
  | { edited: Key; onChanged: () => void; onClose: () => void };

export function KeyForm(props: FormProps) {
  const { edited, onClose } = props;
  const isAdministration = session.value?.principal.administration ?? false;
  const [name, setName] = useState(edited?.name ?? "");
  const [right, setRight] = useState<Right | undefined>(isAdministration ? "admin" : undefined);
  const [sendsOwn, setSendsOwn] = useState(false);
  const [needsToken, setNeedsToken] = useState(false);
  const [hasRules, setHasRules] = useState(false);
  const [origins, setOrigins] = useState(edited?.origins.join("\n") ?? "");
  const [expiry, setExpiry] = useState(edited?.expires_at ?? NEVER);
  const [limits, setLimits] = useState(edited ? textOf(edited.limits) : NO_LIMITS);
  const [userLimits, setUserLimits] = useState(edited ? textOf(edited.user_limits) : NO_LIMITS);
  const mayOwnEvents = edited ? edited.scopes.includes("events:own") : right === "page" || sendsOwn;

  const saving = useAction(async () => {
    const body = { name: name.trim(), origins: linesOf(origins), expires_at: expiryOf(expiry) };
    const hasLimits = edited !== undefined || Object.values(limits).some(Boolean);
    const hasUserLimits = mayOwnEvents && (edited !== undefined || Object.values(userLimits).some(Boolean));
    const more = { ...(hasLimits && { limits: limitsOf(limits) }), ...(hasUserLimits && { user_limits: limitsOf(userLimits) }) };
    if (props.edited) {
      await api.PATCH("/v1/keys/{key_id}", { params: { path: { key_id: props.edited.key_id } }, body: { ...body, ...more } });
      toast(`Changed ${body.name}. It holds everywhere within a minute.`);
      props.onChanged();
      return;
    }
    if (right === undefined) return; // the browser asks for it
    const scopes: Schemas["Scope"][] = [right === "page" ? "recommend" : right];
    if (mayOwnEvents) scopes.push("events:own");
    if (hasRules) scopes.push("rules");
    const needs_user_token = right === "page" || (right === "recommend" && needsToken);
    props.onCreated(await api.POST("/v1/keys", { body: { ...body, ...more, scopes, needs_user_token } }));
  });

  return (
    <FormDialog title={edited ? `Edit ${edited.name}` : "Create a key"} action={edited ? "Save changes" : "Create key"} wide onSubmit={() => void saving.run()} busy={saving.isRunning} error={saving.error} onClose={onClose}>
      <Field label="Name" hint="For people, such as the program that uses it." error={fieldError(saving.error, "/name")}>
        {(tie) => <Input {...tie} required maxLength={100} value={name} onText={setName} />}
      </Field>
      {!edited && !isAdministration && (
        <>
          <Rights value={right} onChoice={setRight} />
          {right !== undefined && (
            <div class="stack tight">
              <Toggle label={`${right === "recommend" ? "Requests" : "Requests with a user's token"} may contain rules of their own`} checked={hasRules} onToggle={setHasRules} />
              <p class="small muted">Rules are <a href={`${API}/guide/recommendations#filters-and-boosts`} target="_blank" rel="noreferrer">filters and boosts</a>; without this, {right === "recommend" ? "requests" : "such requests"} have only those of a scenario that they name.</p>
              {right === "recommend" && <Toggle label="Lists of a user need a token of that user" checked={needsToken} onToggle={setNeedsToken} />}
              {right !== "page" && <Toggle label="Requests with a user's token may send events of that user" checked={sendsOwn} onToggle={setSendsOwn} />}
              <p class="small muted">A <a href={`${API}/guide/access`} target="_blank" rel="noreferrer">token</a> is made by your server for one user, so that a web page can act for them.</p>
            </div>
          )}
        </>
      )}
      <Expiry value={expiry} onChange={setExpiry} error={fieldError(saving.error, "/expires_at")} />
      {!isAdministration && (
        <Field label="Web origins" hint="One a line, such as https://shop.example. Pages of others are refused. Empty: those of the project." error={fieldError(saving.error, "/origins")}>
          {(tie) => <TextArea {...tie} rows={2} value={origins} onText={setOrigins} />}
        </Field>
      )}
      <fieldset class="plain">
        <legend>Limits of the key</legend>
        <LimitsFields value={limits} onChange={setLimits} error={saving.error} />
        {!edited && <p class="small muted">All empty: the limits of the project.</p>}
      </fieldset>
      {mayOwnEvents && (
        <fieldset class="plain">
          <legend>Limits of each user's events</legend>
          <LimitsFields value={userLimits} onChange={setUserLimits} error={saving.error} pointer="/user_limits" {...(!edited && { usual: USUAL })} />
          {!edited && <p class="small muted">All empty: {USUAL.rate} a second, {USUAL.burst} at once, {USUAL.quota} a day.</p>}
        </fieldset>
      )}
    </FormDialog>
  );
}
