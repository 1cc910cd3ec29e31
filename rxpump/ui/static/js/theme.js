/** Light and dark colors: those of the system until the user chooses. */

import { fill, svg } from "./element.js";

const KEY = "rxpump.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
const SUN = "M12 4V2m0 20v-2m8-8h2M2 12h2m13.7-5.7 1.4-1.4M4.9 19.1l1.4-1.4m11.4 0 1.4 1.4M4.9 4.9l1.4 1.4M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0z";
const MOON = "M20.5 14.5A8.5 8.5 0 0 1 9.5 3.5a8.5 8.5 0 1 0 11 11z";

/** Apply the colors before the first view is shown, and follow the system. */
export function applyTheme() {
  document.documentElement.dataset.theme = stored() ?? (dark.matches ? "dark" : "light");
}

/** @param {HTMLElement} button */
export function themeSwitch(button) {
  const label = () => {
    const isDark = document.documentElement.dataset.theme === "dark";
    button.setAttribute("aria-label", isDark ? "Use light colors" : "Use dark colors");
    button.title = isDark ? "Light colors" : "Dark colors";
    fill(button, svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: isDark ? SUN : MOON })));
  };
  button.addEventListener("click", () => {
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try {
      if (next === (dark.matches ? "dark" : "light")) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, next);
    } catch {
      // The choice is kept until the page is closed.
    }
    label();
    dispatchEvent(new Event("themechange"));
  });
  dark.addEventListener("change", () => {
    applyTheme();
    label();
    dispatchEvent(new Event("themechange"));
  });
  label();
}

function stored() {
  try {
    const value = localStorage.getItem(KEY);
    return value === "dark" || value === "light" ? value : null;
  } catch {
    return null;
  }
}
