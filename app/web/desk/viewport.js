// The keyboard of an iPhone covers the page instead of making it smaller: the page follows what is seen of it.

const COVERED_PX = 100;

export function keepInView() {
  const view = globalThis.visualViewport;
  if (!view) return;
  const root = document.documentElement;
  function follow() {
    const covered = view.scale < 1.01 && innerHeight - view.height > COVERED_PX;
    root.toggleAttribute("data-keyboard", covered);
    if (!covered) return root.style.removeProperty("--seen");
    root.style.setProperty("--seen", `${Math.round(view.height)}px`);
    return scrollTo(0, 0);
  }
  view.addEventListener("resize", follow);
  view.addEventListener("scroll", follow);
}
