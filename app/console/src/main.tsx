import { render } from "preact";
import { App } from "./app";
import { goToConsole } from "./place";
import { adoptSession } from "./session";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/components.css";

goToConsole();
const root = document.getElementById("app");
if (root) void adoptSession().then(() => render(<App />, root));
