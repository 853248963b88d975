/** The frame around the pages: navigation, account, theme. */
import type { ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Link, matchRoute, Route, Router, useLocation, useRouter } from "wouter-preact";
import { Button, Empty, ErrorNote, Loading } from "./components/basics";
import { Select } from "./components/form";
import { Icon } from "./components/icons";
import { Toasts } from "./components/toast";
import icon from "./icon.svg";
import { type Page, PAGES } from "./pages";
import { CONSOLE } from "./place";
import { may, type Principal, session, sessions, signOut, switchTo } from "./session";
import { SignIn } from "./sign_in";
import { theme, toggleTheme } from "./theme";

const ADD = "+";

export function App() {
  return (
    <Router base={CONSOLE}>
      {session.value ? <Shell key={session.value.principal.project} /> : <SignIn />}
      <Toasts />
    </Router>
  );
}

function Shell() {
  const [isOpen, setOpen] = useState(false);
  const [isAdding, setAdding] = useState(false);
  const [location] = useLocation();
  const { parser } = useRouter();
  const main = useRef<HTMLElement>(null);
  const principal = session.value?.principal;
  const pages = principal ? PAGES.filter((page) => isFor(page, principal)) : [];
  const page = pages.find(({ path }) => matchRoute(parser, path, location)[0]);

  const isFirst = useRef(true);
  useEffect(() => {
    setOpen(false);
    document.title = page ? `${page.title} · Serendip` : "Serendip";
    if (!isFirst.current) {
      main.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    isFirst.current = false;
  }, [page]);

  if (isAdding) return <SignIn onCancel={() => setAdding(false)} />;
  return (
    <div class={isOpen ? "shell open" : "shell"} onKeyDown={(event) => event.key === "Escape" && setOpen(false)}>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>Skip to content</button>
      <div class="topbar">
        <Brand />
        <Button kind="quiet" icon="menu" label="Menu" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)} />
      </div>
      {isOpen && <button type="button" class="scrim" aria-label="Close menu" onClick={() => setOpen(false)} />}
      <aside class="sidebar" aria-label="Console">
        <div>
          <Brand />
          <Navigation pages={pages} current={page} onChoose={() => setOpen(false)} />
          <Account onAdd={() => setAdding(true)} />
        </div>
      </aside>
      <div class="content">
        <main ref={main} class="page" tabIndex={-1}>
          {page ? <Route key={page.path} path={page.path}><Loaded page={page} /></Route> : <Empty icon="search" title="There is no such page, or the key does not allow it."><Link href="/">Go to Home</Link></Empty>}
        </main>
      </div>
    </div>
  );
}

function Brand() {
  return (
    <Link href="/" class="brand">
      <img src={icon} alt="" width={24} height={24} />
      Serendip
    </Link>
  );
}

function Navigation({ pages, current, onChoose }: { pages: readonly Page[]; current: Page | undefined; onChoose: () => void }) {
  const groups = [...new Set(pages.map((page) => page.group))];
  return (
    <nav class="nav" aria-label="Pages">
      {groups.map((group) => (
        <div key={group}>
          <h2>{group}</h2>
          <ul>
            {pages.filter((page) => page.group === group).map((page) => (
              <li key={page.path}>
                <Link href={page.path.replace(/\/:.*$/, "")} aria-current={page === current ? "page" : undefined} onClick={onChoose}>
                  <Icon name={page.icon} />
                  {page.title}
                </Link>
              </li>
            ))}
          </ul>
        </div>
      ))}
      {may("write") && (
        <div>
          <h2>Try it</h2>
          <ul><li><a href={`${CONSOLE}/shop`}><Icon name="box" />Example shop</a></li></ul>
        </div>
      )}
    </nav>
  );
}

function Account({ onAdd }: { onAdd: () => void }) {
  const principal = session.value?.principal;
  if (!principal) return null;
  const projects = Object.fromEntries(sessions.value.map(({ principal: { project } }) => [project, project]));
  const strongest = ["admin", "write", "read:all", "recommend"].find((scope) => (principal.scopes as string[]).includes(scope));
  return (
    <div class="account">
      <Select aria-label="Project" value={principal.project} choices={{ ...projects, [ADD]: "Another key…" }} onChoice={(project) => (project === ADD ? onAdd() : switchTo(project))} />
      <p class="small muted" title={`Scopes: ${principal.scopes.join(", ")}`}>
        Signed in with <strong>{principal.administration ? "administration" : strongest}</strong> rights
      </p>
      <div class="row">
        <Button kind="quiet" small icon={theme.value === "dark" ? "sun" : "moon"} label={theme.value === "dark" ? "Use the light theme" : "Use the dark theme"} onClick={toggleTheme} />
        <Button kind="quiet" small icon="exit" onClick={signOut}>Sign out</Button>
      </div>
    </div>
  );
}

function Loaded({ page }: { page: Page }) {
  const [Component, setComponent] = useState<ComponentType>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    page
      .load()
      .then((module) => setComponent(() => module.default))
      .catch(() => setError(new Error("This page could not be loaded. If the console was updated, reload it.")));
  }, []);
  if (error) return <ErrorNote error={error} retry={() => location.reload()} />;
  return Component ? <Component /> : <Loading lines={6} />;
}

function isFor({ scope, audience = "project" }: Page, principal: Principal): boolean {
  const isSeen = audience === "both" || (audience === "administration") === principal.administration;
  return isSeen && principal.scopes.includes(scope);
}
