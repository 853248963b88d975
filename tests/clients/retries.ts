// Calls a server that fails: `node retries.js URL`. Prints how it went.
import { createClient, SerendipError } from "serendip-client";

declare const process: { argv: [string, string, string] };

const client = createClient({ baseUrl: process.argv[2], apiKey: "sk_test", retries: 2, maxWaitSeconds: 1 });
const init = { body: { items: [{ item_id: "tea" }] } };
const answers: unknown[] = [];
for (let call = 0; call < 4; call++) {
  try {
    answers.push((await client.POST("/v1/items:batch", init)).changed);
  } catch (error) {
    if (!(error instanceof SerendipError)) throw error;
    const { status, type, title, detail, instance, errors, retryAfterSeconds } = error;
    answers.push({ status, type, title, detail, instance, errors, retryAfterSeconds });
  }
}
console.log(JSON.stringify(answers));
