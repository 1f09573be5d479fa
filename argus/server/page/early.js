// Before the first paint: the theme that was chosen here before. The one script that is no module,
// because a module would come too late.
try {
  const theme = localStorage.getItem("argus-theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  // a browser that keeps nothing follows the system
}
