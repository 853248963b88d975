/** The request behind a page, to repeat it elsewhere. The key is never copied: $SERENDIP_API_KEY takes its place. */
import { useState } from "preact/hooks";
import type { Call } from "../api";
import { API } from "../place";
import { Button } from "./basics";
import { Dialog } from "./dialog";
import { Tabs } from "./form";
import { copyText } from "./toast";

const LANGUAGES = { curl: "curl", python: "Python", typescript: "TypeScript" } as const;
type Language = keyof typeof LANGUAGES;

/** `<ApiCall of={items.call} />`: a button that shows the call in three languages. */
export function ApiCall({ of }: { of: Call | undefined }) {
  const [isOpen, setOpen] = useState(false);
  const [language, setLanguage] = useState<Language>("curl");
  if (!of) return null;
  const text = WRITERS[language](of);

  return (
    <>
      <Button kind="quiet" small icon="code" onClick={() => setOpen(true)}>API call</Button>
      {isOpen && (
        <Dialog title="The API call for this page" wide onClose={() => setOpen(false)} actions={<Button kind="primary" icon="copy" onClick={() => void copyText(text)}>Copy</Button>}>
          <Tabs label="Language" choices={LANGUAGES} value={language} onChoice={(each) => setLanguage(each as Language)} />
          <pre class="code" tabIndex={0}>{text}</pre>
        </Dialog>
      )}
    </>
  );
}

const WRITERS: Record<Language, (call: Call) => string> = {
  curl({ method, target, body }) {
    const lines = [`curl -X ${method} ${quoted(API + target)}`, `-H "X-API-Key: $SERENDIP_API_KEY"`];
    if (body) lines.push("-H 'Content-Type: application/json'", `-d ${quoted(body)}`);
    return lines.join(" \\\n  ");
  },
  python({ method, target, body }) {
    const json = body ? `,\n    json=${python(JSON.parse(body))}` : "";
    return [
      "import os\n\nimport httpx2\n",
      `response = httpx2.request(\n    ${JSON.stringify(method)},\n    ${JSON.stringify(API + target)}`,
      `,\n    headers={"X-API-Key": os.environ["SERENDIP_API_KEY"]}${json},\n)`,
      "\nresponse.raise_for_status()\nprint(response.json())",
    ].join("");
  },
  typescript({ method, target, body }) {
    const json = body ? `\n  body: JSON.stringify(${JSON.stringify(JSON.parse(body), null, 2).replaceAll("\n", "\n  ")}),` : "";
    const type = body ? ', "Content-Type": "application/json"' : "";
    return [
      `const response = await fetch(${JSON.stringify(API + target)}, {\n  method: ${JSON.stringify(method)},`,
      `\n  headers: { "X-API-Key": process.env.SERENDIP_API_KEY ?? ""${type} },${json}\n});`,
      "\nif (!response.ok) throw new Error(await response.text());\nconsole.log(await response.json());",
    ].join("");
  },
};

/** A word of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A JSON value as a Python literal. */
function python(value: unknown): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object") {
    return `{${Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${python(each)}`).join(", ")}}`;
  }
  return JSON.stringify(value);
}
