/** A new key, shown only once. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Button, copyText, Dialog, Field, Input, Note } from "../../components";
import { API } from "../../place";

interface SecretProps {
  title: string;
  secret: string;
  onClose: () => void;
  /** Another button, such as one that signs in with the key. */
  more?: { action: string; act: () => void };
  /** How to use the key; by default, a call. */
  children?: ComponentChildren;
}

export function Secret({ title, secret, onClose, more, children }: SecretProps) {
  const [isCopied, setCopied] = useState(false);
  const [isWarned, setWarned] = useState(false);

  async function copyKey(): Promise<void> {
    await copyText(secret, "Copied the key.");
    setCopied(true);
  }

  const buttons = (
    <>
      {more && <Button onClick={more.act}>{more.action}</Button>}
      <Button kind="primary" onClick={onClose}>I have stored it</Button>
    </>
  );
  return (
    <Dialog title={title} wide onClose={() => (isCopied || isWarned ? onClose() : setWarned(true))} actions={buttons}>
      <Note tone={isWarned ? "bad" : "warn"}>
        {isWarned && <strong>You have not copied it yet. </strong>}
        Store this key now: it is not shown again. Anyone who has it can use it.
      </Note>
      <Field label="Key">
        {(tie) => (
          <div class="secret">
            <Input {...tie} readOnly class="mono" value={secret} onFocus={(event) => event.currentTarget.select()} />
            <Button icon="copy" onClick={() => void copyKey()}>Copy key</Button>
          </div>
        )}
      </Field>
      {children || (
        <div class="stack tight">
          <p class="muted small">Try it:</p>
          <pre class="code" tabIndex={0}>{`curl ${API}/v1/principal -H "X-API-Key: $SERENDIP_API_KEY"`}</pre>
        </div>
      )}
    </Dialog>
  );
}
