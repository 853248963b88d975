/** An example shop, which gets everything it shows from `serendip-1.js` with a token for its visitor. */
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import "../src/theme";
import "../src/styles/tokens.css";
import "../src/styles/base.css";
import { CONSOLE } from "../src/place";
import { adoptSession } from "../src/session";
import { Page } from "./pages";
import { become, cart, failure, open, place, shelves, TAG_API, visitor } from "./store";
import { canServe, isServedByConsole } from "./tokens";
import "./shop.css";

function Shop() {
  const main = useRef<HTMLElement>(null);
  useEffect(() => main.current ? serendip.impressions(main.current) : undefined, []);
  return (
    <>
      <Header />
      <main ref={main} tabIndex={-1}>
        {failure.value && <p class="failure" role="alert">{failure.value}</p>}
        <Page />
      </main>
      <footer class="muted small">
        An example of <a href={`${TAG_API}/guide/live`}>a page with serendip-1.js</a>. Items and people are made up, nothing is sold.
      </footer>
    </>
  );
}

function Header() {
  return (
    <header class="top">
      <a class="logo" href="#">Alder &amp; Elm</a>
      <nav aria-label="Shelves">
        {shelves.value.slice(0, 10).map((shelf) => (
          <a key={shelf} href={`#shelf/${encodeURIComponent(shelf)}`} aria-current={place.value === `shelf/${shelf}` ? "page" : undefined}>{shelf}</a>
        ))}
      </nav>
      <Account />
      {isServedByConsole && <a class="plain" href={CONSOLE}>Back to the console</a>}
      <a class="cart" href="#cart" aria-label={`Cart, ${cart.value.length} items`}>Cart <span class="badge">{cart.value.length}</span></a>
    </header>
  );
}

function Account() {
  const current = visitor.value;
  const name = "user" in current ? current.user : "";
  const [text, setText] = useState(name);
  const submit = (event: Event) => {
    event.preventDefault();
    const next = text.trim();
    void become(next ? { user: next } : { session: crypto.randomUUID() });
  };
  return (
    <form class="account" onSubmit={submit}>
      <label>
        <span class="hidden-text">User</span>
        <input value={text} placeholder="new visitor" maxLength={128} autocomplete="off" onInput={({ currentTarget }) => setText(currentTarget.value)} />
      </label>
      <button type="submit" class="plain">{text.trim() === name && name ? "Signed in" : text.trim() ? "Sign in" : "Stay anonymous"}</button>
    </form>
  );
}

function Closed({ reason }: { reason: string }) {
  return (
    <main class="closed">
      <h1>The shop is closed</h1>
      <p role="alert">{reason}</p>
      <p><a href={CONSOLE}>Go to the console</a></p>
    </main>
  );
}

async function start(root: Element): Promise<void> {
  await adoptSession();
  if (!canServe()) {
    render(<Closed reason="It needs someone who makes tokens for its visitors. Sign in to the console with a key that may write, and come back." />, root);
    return;
  }
  try {
    await open();
    render(<Shop />, root);
  } catch (error) {
    render(<Closed reason={error instanceof Error ? error.message : String(error)} />, root);
  }
}

const root = document.getElementById("shop");
if (root) void start(root);
