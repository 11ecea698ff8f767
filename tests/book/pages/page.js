// The theme switch of a good page.
addEventListener("DOMContentLoaded", () => {
  const button = document.createElement("button");
  const themes = ["dark", "light"];
  button.className = "theme";
  button.textContent = "Theme";
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = themes[0];
    themes.reverse();
  });
  document.querySelector("header").append(button);
});
