/** Code for a web page and its server that uses a key made for pages. */
import { Button, copyText } from "../../components";
import { API } from "../../place";

export function PageScript({ keyId }: { keyId: string }) {
  const page = `<script src="${API}/serendip-1.js"></script>
<script>
  serendip.init({ user: "ann", token: async () => (await fetch("/my-token")).text() });
  serendip.recommend({ limit: 6, properties: true }).then((list) => console.log(list.items));
</script>`;
  const server = `curl -X POST ${API}/v1/users/ann/tokens \\
  -H "X-API-Key: $KEY_OF_YOUR_SERVER" -H "Content-Type: application/json" \\
  -d '{"key_id": "${keyId}"}'`;
  return (
    <>
      <Snippet title="In the page. It needs no key, only tokens of its user:" text={page} />
      <Snippet title={"On your server, with a key that may write: /my-token answers with the \"token\" of the signed-in user."} text={server} />
      <p class="small muted"><a href={`${API}/guide/live#in-a-web-page`} target="_blank" rel="noreferrer">How to track events and show live lists</a></p>
    </>
  );
}

function Snippet({ title, text }: { title: string; text: string }) {
  return (
    <div class="stack tight">
      <div class="row apart"><p class="muted small">{title}</p><Button small icon="copy" onClick={() => void copyText(text)}>Copy</Button></div>
      <pre class="code" tabIndex={0}>{text}</pre>
    </div>
  );
}
