/** Modal dialogs on the browser's own <dialog>, which keeps the focus inside and closes on Escape. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { useAction } from "../hooks";
import { Button, ErrorNote } from "./basics";
import { Field, Input } from "./form";

const FIELD = ":scope > .stack :is(input:not([type=radio], [type=checkbox], [type=file]), textarea):enabled";

interface DialogProps {
  title: string;
  onClose: () => void;
  /** The buttons at its end. */
  actions?: ComponentChildren;
  wide?: boolean;
  children: ComponentChildren;
}

/** `{isOpen && <Dialog title="Edit item" onClose={close} actions={<Button kind="primary">Save</Button>}>…</Dialog>}` */
export function Dialog({ title, onClose, actions, wide, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    dialog.current?.querySelector<HTMLElement>(FIELD)?.focus(); // not "Close", which comes first
    return () => {
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={wide ? "dialog wide" : "dialog"}
      aria-labelledby={id}
      onCancel={(event) => { event.preventDefault(); onClose(); }}
      onClose={(event) => event.currentTarget.showModal()} // a second Escape cannot be prevented
    >
      <header>
        <h2 id={id}>{title}</h2>
        <Button kind="quiet" icon="close" label="Close" onClick={onClose} />
      </header>
      <div class="stack">{children}</div>
      {actions && <footer>{actions}</footer>}
    </dialog>
  );
}

interface FormDialogProps extends Omit<DialogProps, "actions"> {
  /** The button that sends the form, in words: "Save item". */
  action: string;
  onSubmit: () => void;
  busy?: boolean;
  disabled?: boolean;
  error?: unknown;
  danger?: boolean;
  /** Whether it stays open until the form is not busy any more. */
  held?: boolean;
  /** What it asks before it discards what was typed. */
  leaving?: { status: string; leave: string; stay: string };
}

const UNSAVED = { status: "Your changes are not saved.", leave: "Discard them", stay: "Keep editing" };

/** A dialog with a form, which asks before Escape or “Close” discards what was typed: `{isOpen && <FormDialog title="Edit item" action="Save" onSubmit={() => void saving.run()} onClose={close} …>fields</FormDialog>}` */
export function FormDialog({ action, onSubmit, busy, disabled, error, danger, held, leaving = UNSAVED, onClose, children, ...dialog }: FormDialogProps) {
  const id = useId();
  const [isChanged, setChanged] = useState(false);
  const [isLeaving, setLeaving] = useState(false);
  const isHeld = held && busy;
  // without the key, Preact turns the button that stays into the submit button while it is clicked, which submits
  const buttons = isLeaving ? (
    <>
      <span class="muted" role="status">{leaving.status}</span>
      <Button kind={danger ? "plain" : "danger"} onClick={onClose}>{leaving.leave}</Button>
      <Button kind="primary" onClick={() => setLeaving(false)}>{leaving.stay}</Button>
    </>
  ) : (
    <>
      <Button disabled={isHeld} onClick={onClose}>Cancel</Button>
      <Button key="submit" kind={danger ? "danger" : "primary"} {...(danger && { icon: "trash" })} type="submit" form={id} busy={busy} disabled={disabled}>{action}</Button>
    </>
  );
  function close(): void {
    if (isHeld) return;
    if (isChanged) setLeaving(true);
    else onClose();
  }
  return (
    <Dialog {...dialog} onClose={close} actions={buttons}>
      <form id={id} class="stack" onInput={() => setChanged(true)} onSubmit={(event) => { event.preventDefault(); onSubmit(); }}>{children}</form>
      <ErrorNote error={error} />
    </Dialog>
  );
}

interface ConfirmByIdProps extends Omit<FormDialogProps, "disabled" | "danger" | "leaving"> {
  /** The id to type, and what has it: "project". */
  id: string;
  kind: string;
}

/** Asks to type an id before what has it is lost for good: `{isAsked && <ConfirmById title="Delete tea?" kind="project" id="tea" action="Delete project" onSubmit={…} onClose={close} …>It …</ConfirmById>}` */
export function ConfirmById({ id, kind, children, ...form }: ConfirmByIdProps) {
  const [typed, setTyped] = useState("");
  return (
    <FormDialog {...form} danger disabled={typed !== id} leaving={{ status: "Nothing has been removed.", leave: "Leave", stay: "Go back" }}>
      {children}
      <Field label={`Type the id of the ${kind} to confirm`} hint={<code>{id}</code>}>
        {(tie) => <Input {...tie} value={typed} onText={setTyped} disabled={form.busy} />}
      </Field>
    </FormDialog>
  );
}

interface ConfirmProps {
  title: string;
  /** The button that does it, in words: "Delete item". */
  action: string;
  act: () => Promise<void>;
  onClose: () => void;
  danger?: boolean;
  children: ComponentChildren;
}

/** `{isAsked && <Confirm title="Delete tea?" action="Delete item" danger act={remove} onClose={close}>It …</Confirm>}` */
export function Confirm({ title, action, act, onClose, danger, children }: ConfirmProps) {
  const acting = useAction(async () => {
    await act();
    onClose();
  });
  const buttons = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button kind={danger ? "danger" : "primary"} busy={acting.isRunning} onClick={() => void acting.run()}>{action}</Button>
    </>
  );
  return (
    <Dialog title={title} onClose={onClose} actions={buttons}>
      <div>{children}</div>
      <ErrorNote error={acting.error} />
    </Dialog>
  );
}
