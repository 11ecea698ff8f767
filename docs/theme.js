// The theme switch, and arrow keys for the previous and next page. The page
// is whole without this file: no script, no button, the system's theme.
"use strict";

(function () {
  const KEY = "borrowed-buffers-theme";
  const THEMES = ["auto", "light", "dark"];
  const root = document.documentElement;

  // Storage may be forbidden, and is for some browsers with file: pages.
  function recall() {
    try {
      return THEMES.includes(localStorage.getItem(KEY)) ? localStorage.getItem(KEY) : "auto";
    } catch {
      return "auto";
    }
  }

  function remember(theme) {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // Then the choice lasts for this page.
    }
  }

  function apply(theme) {
    if (theme === "auto") {
      root.removeAttribute("data-theme");
    } else {
      root.setAttribute("data-theme", theme);
    }
  }

  function addSwitch() {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "theme";
    function show() {
      button.textContent = "Theme: " + theme;
    }
    button.addEventListener("click", function () {
      theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
      apply(theme);
      remember(theme);
      show();
    });
    show();
    document.querySelector(".bar").append(button);
  }

  // Something that scrolls or takes text keeps its arrow keys.
  function keepsArrows(element) {
    return element.closest("pre, [role=region], input, textarea, select, [contenteditable]");
  }

  function turn(event) {
    const rel = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
    if (!rel || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (keepsArrows(event.target)) return;
    // A page wider than the window is being scrolled, not turned.
    if (root.scrollWidth > root.clientWidth) return;
    const link = document.querySelector("link[rel=" + rel + "]");
    if (link) location.href = link.href;
  }

  let theme = recall();
  apply(theme);
  document.addEventListener("DOMContentLoaded", addSwitch);
  document.addEventListener("keydown", turn);
})();
