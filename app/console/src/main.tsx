import { render } from "preact";
import { App } from "./app";
import { goToConsole } from "./place";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/components.css";

goToConsole();
const root = document.getElementById("app");
if (root) render(<App />, root);
