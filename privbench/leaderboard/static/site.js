// What pages do beyond showing themselves: theme, tooltips, and tables that sort, filter and keep their
// view in the address. Data only ever become text, never HTML.
"use strict";
(() => {
  const root = document.documentElement;

  // Theme
  const button = document.getElementById("theme");
  const dark = () => (root.dataset.theme
    ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  const say = () => { button.textContent = dark() ? "Light mode" : "Dark mode"; };
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* not kept */ }
    say();
  });
  say();

  if (innerWidth < 861) document.querySelector(".how")?.removeAttribute("open");

  // One menu at a time, and Escape closes it.
  const menus = [...document.querySelectorAll("details.menu, details.columns")];
  const close = (except) => menus.forEach((menu) => { if (menu !== except) menu.open = false; });
  document.addEventListener("click", (event) => close(event.target.closest("details")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = menus.find((menu) => menu.open);
    if (open?.contains(document.activeElement)) open.querySelector("summary").focus();
    close();
  });

  // Tooltips, on hover and on focus. A title stays where it is for screen readers until it is shown.
  const tip = document.getElementById("tip");
  for (const title of document.querySelectorAll("svg a title")) {
    title.parentNode.dataset.tip = title.textContent;
    title.remove();
  }
  let owner = null;
  const hide = () => {
    if (!owner) return;
    if (owner.held !== null) owner.element.setAttribute("title", owner.held);
    document.querySelectorAll(".near").forEach((near) => near.classList.remove("near"));
    tip.hidden = true;
    owner = null;
  };
  const place = () => {
    if (!owner) return;
    const box = owner.element.getBoundingClientRect();
    const left = Math.min(Math.max(box.left, 8), innerWidth - tip.offsetWidth - 8);
    const below = box.bottom + 6 + tip.offsetHeight < innerHeight;
    tip.style.left = `${Math.max(left, 8)}px`;
    tip.style.top = `${below ? box.bottom + 6 : Math.max(box.top - tip.offsetHeight - 6, 8)}px`;
  };
  const reveal = (element) => {
    if (owner?.element === element) return;
    hide();
    owner = { element, held: element.getAttribute("title") };
    element.removeAttribute("title");
    tip.textContent = owner.held ?? element.dataset.tip;
    tip.hidden = false;
    place();
    const near = element.dataset.entry;
    if (near) document.getElementById(`row-${near}`)?.classList.add("near");
  };
  const explained = (event) => event.target.closest?.("[title], [data-tip]");
  document.addEventListener("mouseover", (event) => {
    const element = explained(event);
    if (element) reveal(element);
    else if (owner && event.target !== tip && !owner.element.contains(event.target)) hide();
  });
  document.addEventListener("focusin", (event) => {
    const element = explained(event);
    if (element) reveal(element); else hide();
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  addEventListener("scroll", place, { capture: true, passive: true });

  // Tables
  const headers = (table) => [...table.tHead.querySelectorAll("tr:last-child > th")];
  const columns = (table) => headers(table).map((cell) => ({
    name: cell.dataset.name ?? "",
    type: cell.classList.contains("num") ? "num" : "string",
    visible: !cell.dataset.hidden,
  }));
  const common = { paging: false, info: false, order: [], autoWidth: false, layout: {
    topStart: null, topEnd: null, bottomStart: null, bottomEnd: null } };
  for (const table of document.querySelectorAll("table.sortable")) {
    new DataTable(table, { ...common, columns: columns(table) });
  }
  const table = document.querySelector("table#board");
  if (table) board(table);

  function board(table) {
    const cells = headers(table);
    const shownAtFirst = (name) => !cells.find((cell) => cell.dataset.name === name).dataset.hidden;
    const names = cells.map((cell) => cell.dataset.name);
    const tools = document.getElementById("tools");
    const boxes = tools.querySelector("fieldset");
    for (const cell of cells.filter((cell) => !["rank", "defense"].includes(cell.dataset.name))) {
      const box = Object.assign(document.createElement("input"), {
        type: "checkbox", name: "column", value: cell.dataset.name });
      const label = document.createElement("label");
      const group = cell.dataset.group ? `${cell.dataset.group}: ` : "";
      label.append(box, ` ${group}${cell.textContent.trim()}`);
      boxes.append(label);
    }
    const api = new DataTable(table, { ...common, columns: columns(table), titleRow: 1 });
    const given = new Set(names);
    let restoring = false;

    api.search.fixed("tools", (_text, _data, index) => {
      const row = api.row(index).node();
      const least = parseFloat(tools.acc.value);
      const only = tools.only.value;
      return !(row.dataset.accuracy < least) && (!only || row.dataset[only] === "1");
    });
    const apply = () => {
      for (const box of boxes.querySelectorAll("input")) {
        api.column(`${box.value}:name`).visible(box.checked);
      }
      api.search(tools.q.value).draw();
      const shown = api.rows({ search: "applied" }).nodes().toArray();
      const kept = new Set(shown.map((row) => row.dataset.entry));
      document.getElementById("count").textContent =
        `${shown.length} of ${api.rows().count()} defenses`;
      for (const point of document.querySelectorAll("svg .point")) {
        point.classList.toggle("dim", !kept.has(point.dataset.entry));
      }
    };
    const write = () => {
      if (restoring) return;
      const view = new URLSearchParams();
      for (const name of ["q", "acc", "only"]) if (tools[name].value) view.set(name, tools[name].value);
      const [first] = api.order();
      if (first) {
        const [place, way] = Array.isArray(first) ? first : [first.idx, first.dir];
        if (way) view.set("sort", `${names[place]}:${way}`);
      }
      const changed = [...boxes.querySelectorAll("input")].filter(
        (box) => box.checked !== shownAtFirst(box.value));
      if (changed.length) view.set("columns", changed.map((box) => box.value).join(","));
      const hash = view.toString();
      if (hash !== location.hash.slice(1)) {
        history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
      }
    };
    const read = () => {
      restoring = true;
      const view = new URLSearchParams(location.hash.slice(1));
      for (const name of ["q", "acc", "only"]) tools[name].value = view.get(name) ?? "";
      const changed = new Set((view.get("columns") ?? "").split(","));
      for (const box of boxes.querySelectorAll("input")) {
        box.checked = shownAtFirst(box.value) !== changed.has(box.value);
      }
      const [name, way] = (view.get("sort") ?? "").split(":");
      api.order(given.has(name) && (way === "asc" || way === "desc")
        ? [[names.indexOf(name), way]] : [[0, "asc"]]);
      apply();
      restoring = false;
    };
    const mark = (event) => {
      const row = event.type === "mouseleave" ? null : event.target.closest("tbody tr");
      for (const point of document.querySelectorAll("svg .point")) {
        point.classList.toggle("marked", point.dataset.entry === row?.dataset.entry);
      }
    };
    table.addEventListener("mouseover", mark);
    table.addEventListener("mouseleave", mark);
    tools.addEventListener("input", () => { apply(); write(); });
    tools.addEventListener("submit", (event) => event.preventDefault());
    document.getElementById("reset").addEventListener("click", () => {
      history.replaceState(null, "", location.pathname + location.search);
      read();
    });
    api.on("order", write);
    addEventListener("hashchange", read);
    tools.hidden = false;
    read();
  }
})();
