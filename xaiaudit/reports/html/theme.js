// Light, dark, or as the system says, which the style sheet alone takes care of.
const theme = document.getElementById("theme");
theme.addEventListener("change", () => {
  if (theme.value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
});
