/** Where the console and the API are: the server may have a path before `/console`. */

/** The path of the console without a final slash, such as `/console`. */
export const CONSOLE = document.querySelector("base")
  ? new URL(document.baseURI).pathname.replace(/\/(shop)?$/, "")
  : "/console";

/** The origin and path of the API without a final slash. */
export const API = location.origin + CONSOLE.replace(/\/console$/, "");

/** The server also serves the page at `/`; the router works below `/console`. */
export function goToConsole(): void {
  if (location.pathname !== CONSOLE && !location.pathname.startsWith(`${CONSOLE}/`)) {
    history.replaceState(null, "", CONSOLE + location.search + location.hash);
  }
}
