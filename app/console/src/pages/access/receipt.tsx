/** The receipt of an erasure: what was removed and when, to keep. */
import type { ComponentChildren } from "preact";
import type { Schemas } from "../../api";
import { Badge, Button, Card } from "../../components";
import { saveJson } from "../../download";
import { amounts, time } from "../../format";

type Receipt = Schemas["ReceiptView"];

interface ReceiptCardProps {
  title: ComponentChildren;
  /** Of the downloaded file. */
  name: string;
  receipt: Receipt;
  /** What was erased, for the file. */
  about: Readonly<Record<string, string>>;
}

export function ReceiptCard({ title, name, receipt, about }: ReceiptCardProps) {
  return (
    <Card title={title} actions={<Button icon="copy" onClick={() => saveJson(name, { ...about, ...receipt })}>Download receipt</Button>}>
      <ReceiptFacts receipt={receipt} />
    </Card>
  );
}

export function ReceiptFacts({ receipt }: { receipt: Receipt }) {
  return (
    <dl class="facts">
      <dt>State</dt>
      <dd>{receipt.complete ? <Badge tone="good">complete</Badge> : <Badge tone="warn">in progress</Badge>}</dd>
      <dt>Receipt</dt>
      <dd><code>{receipt.receipt_id}</code></dd>
      <dt>Removed</dt>
      <dd>{removedOf(receipt)}</dd>
      <dt>Started</dt>
      <dd>{time(receipt.started_at)}</dd>
      <dt>Completed</dt>
      <dd>{time(receipt.completed_at)}</dd>
    </dl>
  );
}

export function removedOf({ removed }: Receipt): string {
  return amounts(removed) || "nothing";
}
