/** Buttons, cards, tiles and messages. */
import type { ComponentChildren, JSX } from "preact";
import { explain, SerendipError } from "../api";
import { session } from "../session";
import { Icon, type IconName } from "./icons";

interface ButtonProps extends Omit<JSX.IntrinsicElements["button"], "icon"> {
  kind?: "primary" | "plain" | "quiet" | "danger";
  icon?: IconName;
  busy?: boolean;
  small?: boolean;
  /** The name of a button whose icon stands alone, and its tooltip. */
  label?: string;
}

/** `<Button kind="primary" icon="plus" onClick={...}>Add item</Button>` */
export function Button({ kind = "plain", icon, busy, small, label, children, ...rest }: ButtonProps) {
  const classes = ["button", kind, small && "small", !children && "square"].filter(Boolean).join(" ");
  return (
    <button type="button" aria-label={label} title={label} {...rest} class={classes} disabled={Boolean(rest.disabled) || busy} aria-busy={busy}>
      {busy ? <span class="spinner" aria-hidden="true" /> : icon && <Icon name={icon} size={small ? 15 : 16} />}
      {children}
    </button>
  );
}

interface CardProps {
  title?: ComponentChildren;
  /** Beside the title: buttons, selections. */
  actions?: ComponentChildren;
  note?: ComponentChildren;
  class?: string;
  children: ComponentChildren;
}

/** `<Card title="Events" actions={<Button>…</Button>}>…</Card>` */
export function Card({ title, actions, note, class: name = "", children }: CardProps) {
  return (
    <section class={`card ${name}`}>
      {(title || actions) && (
        <header>
          <div>
            {title && <h2>{title}</h2>}
            {note && <p class="muted small">{note}</p>}
          </div>
          {actions && <div class="row">{actions}</div>}
        </header>
      )}
      {children}
    </section>
  );
}

interface PageHeadProps {
  title: string;
  about?: ComponentChildren;
  children?: ComponentChildren;
}

/** The head of a page; `children` are its actions: `<PageHead title="Catalog" about="What can be recommended.">` */
export function PageHead({ title, about, children }: PageHeadProps) {
  return (
    <header class="page-head">
      <div>
        <h1>{title}</h1>
        {about && <p>{about}</p>}
      </div>
      {children && <div class="row">{children}</div>}
    </header>
  );
}

type Tone = "neutral" | "good" | "warn" | "bad" | "accent";

interface StatProps {
  label: string;
  value: ComponentChildren;
  note?: ComponentChildren;
  tone?: Tone;
}

/** `<Stat label="Events today" value={count(12)} note="40 in the last minute" />` */
export function Stat({ label, value, note, tone = "neutral" }: StatProps) {
  return (
    <div class="card stat">
      <span class="muted small">{label}</span>
      <strong class={`number tone-${tone}`}>{value}</strong>
      {note && <span class="muted small">{note}</span>}
    </div>
  );
}

/** `<Badge tone="good">active</Badge>` */
export function Badge({ tone = "neutral", children }: { tone?: Tone; children: ComponentChildren }) {
  return <span class={`badge tone-${tone}`}>{children}</span>;
}

interface EmptyProps {
  icon?: IconName;
  title: string;
  children?: ComponentChildren;
}

/** `<Empty icon="box" title="No items yet">Import a file, or add one.</Empty>` */
export function Empty({ icon = "info", title, children }: EmptyProps) {
  return (
    <div class="empty">
      <Icon name={icon} size={24} />
      <h3>{title}</h3>
      {children && <div class="muted">{children}</div>}
    </div>
  );
}

/** `<Note tone="warn">The model is a week old.</Note>` */
export function Note({ tone = "neutral", children }: { tone?: Tone; children: ComponentChildren }) {
  return (
    <div class={`note tone-${tone}`}>
      <Icon name={tone === "good" ? "check" : tone === "neutral" || tone === "accent" ? "info" : "warning"} />
      <div>{children}</div>
    </div>
  );
}

/** Probable mistakes in the rules of a list: `<Warnings of={list.warnings} />` */
export function Warnings({ of = [] }: { of: readonly string[] | undefined }) {
  return <>{of.map((warning) => <Note key={warning} tone="warn">{warning.replaceAll(/`([^`]+)`/g, "“$1”")}</Note>)}</>;
}

/** What went wrong and what to do: `<ErrorNote error={items.error} retry={items.reload} />`; nothing without an error. */
export function ErrorNote({ error, retry }: { error: unknown; retry?: () => void }) {
  if (error === undefined || error === null) return null;
  const problem = error instanceof SerendipError ? error : undefined;
  return (
    <div class="note tone-bad" role="alert">
      <Icon name="warning" />
      <div class="stack tight">
        <div>
          {problem && <strong>{problem.title}. </strong>}
          {explain(error)} {problem && advice(problem)}
        </div>
        <div class="row">
          {retry && <Button small icon="refresh" onClick={retry}>Try again</Button>}
          {problem?.instance && <span class="small muted">Request {problem.instance}</span>}
        </div>
      </div>
    </div>
  );
}

function advice(problem: SerendipError): string {
  if (problem.status === 401 && session.value) return "Sign out and sign in with another key.";
  if (problem.status === 429 && problem.retryAfterSeconds) return `Wait ${Math.ceil(problem.retryAfterSeconds)} s.`;
  return "";
}

/** Bars in place of content that is loading: `<Loading lines={4} />` */
export function Loading({ lines = 3 }: { lines?: number }) {
  return (
    <div class="loading" role="status">
      <span class="hidden-text">Loading</span>
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} />
      ))}
    </div>
  );
}
