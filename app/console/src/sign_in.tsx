/** Signing in with a key, or with the one-time link that `make run` prints. */
import { useEffect, useState } from "preact/hooks";
import { connect } from "./api";
import { Button, ErrorNote, Loading } from "./components/basics";
import { Field, Input } from "./components/form";
import { useAction } from "./hooks";
import icon from "./icon.svg";
import { CONSOLE } from "./place";
import { addSession } from "./session";

const CODE = /^#code=(.+)$/;

export function SignIn({ onCancel }: { onCancel?: () => void }) {
  const [text, setText] = useState("");
  const [code] = useState(takeCode);
  const signingIn = useAction(async (credential: string) => {
    const principal = await connect({ credential }).GET("/v1/principal");
    addSession({ credential, principal });
    onCancel?.();
  });
  const exchanging = useAction(async (value: string) => signingIn.run(await keyOf(value)));
  useEffect(() => {
    if (code) void exchanging.run(code);
  }, []);

  function submit(event: Event): void {
    event.preventDefault();
    if (text.trim()) void signingIn.run(text.trim());
  }

  return (
    <main class="sign-in">
      <div class="stack">
        <div class="brand">
          <img src={icon} alt="" width={24} height={24} />
          Serendip
        </div>
        <form class="card" onSubmit={submit}>
          <h1>{onCancel ? "Add a project" : "Sign in"}</h1>
          {exchanging.isRunning ? (
            <Loading lines={2} />
          ) : (
            <>
              <Field label="API key" hint={<>Kept by the tabs of the console until you close them. Of a local server, <code>.serendip/key</code> holds one.</>}>
                {(tie) => <Input {...tie} type="password" name="key" placeholder="sk_…" autofocus required value={text} onText={setText} />}
              </Field>
              <ErrorNote error={signingIn.error ?? exchanging.error} />
              <div class="row">
                <Button kind="primary" type="submit" busy={signingIn.isRunning}>Sign in</Button>
                {onCancel && <Button onClick={onCancel}>Cancel</Button>}
              </div>
            </>
          )}
        </form>
        <p class="small muted">
          <a href="../docs">API reference</a> · <a href="../guide">Guides</a>
        </p>
      </div>
    </main>
  );
}

/** The code of a one-time link; it does not stay in the address bar or the history. */
function takeCode(): string | undefined {
  const code = CODE.exec(location.hash)?.[1];
  if (code) history.replaceState(null, "", location.pathname + location.search);
  return code;
}

async function keyOf(code: string): Promise<string> {
  const response = await fetch(`${CONSOLE}/session`, { method: "POST", body: code });
  if (!response.ok) throw new Error("The link has been used or has expired. Sign in with a key.");
  const { key } = (await response.json()) as { key: string };
  return key;
}
