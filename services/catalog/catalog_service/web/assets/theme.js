// How it is shown. Light or dark: as the system says, unless the reader has said otherwise here. And for a projector.

import { $ } from "./dom.js";

export function showTheme() {
  const root = document.documentElement;
  const kept = localStorage.getItem("theme");
  if (kept) root.dataset.theme = kept;
  $("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
  });
  const project = (yes) => {
    root.toggleAttribute("data-projector", yes);
    $("screen").setAttribute("aria-pressed", yes);
  };
  project(localStorage.getItem("screen") === "projector");
  $("screen").addEventListener("click", () => {
    const yes = !root.hasAttribute("data-projector");
    project(yes);
    localStorage.setItem("screen", yes ? "projector" : "");
  });
}
