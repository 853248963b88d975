/** The pages of the console. A new page is a file in `src/pages` with a default export, and an entry here. */
import type { ComponentType } from "preact";
import type { IconName } from "./components/icons";
import type { Scope } from "./session";

export interface Page {
  /** A path of wouter below `/console`, such as `/catalog/:id?`. */
  path: string;
  title: string;
  icon: IconName;
  group: "Project" | "Data" | "Recommendations" | "Administration";
  /** What the credentials need for the page to be listed. */
  scope: Scope;
  /** Who sees it: keys of a project (the default), keys of the administration, or both. */
  audience?: "project" | "administration" | "both";
  load: () => Promise<{ default: ComponentType }>;
}

export const PAGES: readonly Page[] = [
  { path: "/", title: "Home", icon: "home", group: "Project", scope: "recommend", audience: "both", load: () => import("./pages/home") },
  { path: "/view", title: "View as user", icon: "eye", group: "Recommendations", scope: "recommend", load: () => import("./pages/view") },
  { path: "/catalog/:id?", title: "Catalog", icon: "box", group: "Data", scope: "write", load: () => import("./pages/catalog") },
  { path: "/users/:id?", title: "Users", icon: "users", group: "Data", scope: "write", load: () => import("./pages/users") },
  { path: "/events", title: "Events", icon: "activity", group: "Data", scope: "write", load: () => import("./pages/events") },
  { path: "/import", title: "Import", icon: "upload", group: "Data", scope: "admin", load: () => import("./pages/import") },
  { path: "/scenarios/:id?", title: "Scenarios", icon: "sliders", group: "Recommendations", scope: "admin", load: () => import("./pages/scenarios") },
  { path: "/models", title: "Models", icon: "layers", group: "Recommendations", scope: "admin", load: () => import("./pages/models") },
  { path: "/outcomes", title: "Outcomes", icon: "chart", group: "Recommendations", scope: "admin", load: () => import("./pages/outcomes") },
  { path: "/keys", title: "Keys", icon: "key", group: "Administration", scope: "admin", audience: "both", load: () => import("./pages/keys") },
  { path: "/projects", title: "Projects", icon: "building", group: "Administration", scope: "admin", audience: "administration", load: () => import("./pages/projects") },
  { path: "/settings", title: "Project settings", icon: "building", group: "Administration", scope: "admin", load: () => import("./pages/settings") },
  { path: "/limits", title: "Limits", icon: "shield", group: "Administration", scope: "admin", audience: "both", load: () => import("./pages/limits") },
  { path: "/jobs/:id?", title: "Jobs", icon: "clock", group: "Administration", scope: "admin", load: () => import("./pages/jobs") },
  { path: "/usage", title: "Usage and cost", icon: "gauge", group: "Administration", scope: "admin", load: () => import("./pages/usage") },
  { path: "/erasure", title: "Erasure", icon: "trash", group: "Administration", scope: "admin", load: () => import("./pages/erasure") },
];
