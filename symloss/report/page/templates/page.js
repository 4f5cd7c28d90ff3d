"use strict";
(() => {
  document.documentElement.classList.add("live");

  // Points say what they are where they are pointed at or focused.
  const tip = document.getElementById("tip");
  const show = (mark) => {
    tip.textContent = mark.dataset.tip;
    tip.hidden = false;
    const at = mark.querySelector("circle").getBoundingClientRect();
    const box = tip.getBoundingClientRect();
    const left = Math.min(Math.max(at.left + at.width / 2 - box.width / 2, 8), innerWidth - box.width - 8);
    const above = at.top - box.height - 8;
    tip.style.left = `${Math.max(left, 8)}px`;
    tip.style.top = `${above < 8 ? at.bottom + 8 : above}px`;
  };
  const hide = () => { tip.hidden = true; };
  for (const mark of document.querySelectorAll(".mark")) {
    const title = mark.querySelector("title");
    mark.dataset.tip = title.textContent;
    title.remove(); // the browser's own would lie over ours
    mark.addEventListener("pointerenter", () => show(mark));
    mark.addEventListener("pointerleave", hide);
    mark.addEventListener("focus", () => show(mark));
    mark.addEventListener("blur", hide);
  }
  // A focus by keyboard may itself have scrolled the page.
  const follow = () => {
    const mark = document.activeElement?.closest(".mark");
    if (mark) show(mark); else hide();
  };
  addEventListener("scroll", follow, { passive: true, capture: true });
  addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  // Modules share most of their lines, so they are kept as numbers into one list.
  const sources = JSON.parse(document.getElementById("sources").textContent);
  const source = (name) => sources.texts[name].map((line) => sources.lines[line]).join("\n");

  // Without a clipboard, as on a page that is neither local nor encrypted, a selection is copied.
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  };
  const copied = document.getElementById("copied");
  for (const button of document.querySelectorAll(".copy")) {
    button.addEventListener("click", async () => {
      const text = button.dataset.copy ?? source(button.dataset.module);
      const done = await copy(text);
      button.focus();
      copied.textContent = done ? "Copied" : "The browser does not allow copying";
      setTimeout(() => { copied.textContent = ""; }, 1500);
    });
  }

  // Everything is on paper.
  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details")) part.open = true;
  });
})();
