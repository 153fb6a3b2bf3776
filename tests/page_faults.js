// Run inside the browser; gives what is wrong with the page at this width and colour scheme.
() => {
  const faults = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const need = (holds, fault) => { if (!holds) faults.push(fault); };

  need(document.documentElement.lang, "no language");
  need(document.title.trim(), "no title");
  need(document.scripts.length === 0, "a script");
  need(all("h1").length === 1, `${all("h1").length} h1 headings`);
  for (const landmark of ["header", "nav", "main"])
    need(all(landmark).length === 1, `${all(landmark).length} ${landmark} landmarks`);
  need(document.querySelector("body > a[href='#content']"), "no skip link");
  const levels = all("h1, h2, h3, h4").map((heading) => Number(heading.tagName[1]));
  levels.forEach((level, i) => need(i === 0 || level <= levels[i - 1] + 1, `h${level} skips a level`));
  const ids = all("[id]").map((element) => element.id);
  need(new Set(ids).size === ids.length, "an id is used twice");
  for (const link of all("a[href^='#']"))
    need(document.getElementById(link.getAttribute("href").slice(1)), `dead link ${link.href}`);
  for (const element of all("[aria-labelledby]"))
    need(document.getElementById(element.getAttribute("aria-labelledby"))?.textContent.trim(),
         `${element.tagName} has no name`);
  for (const image of all("img")) {
    need(image.complete && image.naturalWidth > 0, `image missing: ${image.src.slice(0, 60)}`);
    need(image.alt.trim(), `image without alt: ${image.src.slice(0, 60)}`);
  }
  for (const table of all("table"))
    need(table.caption || table.hasAttribute("aria-labelledby"), "table without caption");
  for (const cell of all("th")) need(cell.scope, `th without scope: ${cell.textContent}`);
  for (const box of all("*"))
    if (box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX === "auto")
      need(box.tabIndex === 0, "a scrolling box cannot be reached by keyboard");
  need(document.documentElement.scrollWidth <= window.innerWidth,
       `${document.documentElement.scrollWidth} px wide in a window of ${window.innerWidth}`);

  const rgba = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const luminance = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour.a === 1) return colour;
    }
    return { r: 255, g: 255, b: 255 };
  };
  for (const element of all("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own) continue;
    const pair = [rgba(getComputedStyle(element).color), background(element)].map(luminance);
    const contrast = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    need(contrast >= 4.5, `contrast ${contrast.toFixed(1)}: ${element.textContent.trim().slice(0, 40)}`);
  }
  return faults;
}
