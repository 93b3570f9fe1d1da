// The comparison of two defenses, which the address names: #a=SLUG&b=SLUG.
"use strict";
(() => {
  const source = document.getElementById("data");
  if (!source) return;
  const { entries, pairs } = JSON.parse(source.textContent);
  const form = document.getElementById("choose");
  const text = (value) => value.toFixed(3).replace(/^(-?)0\./, "$1.");
  const signed = (value) => (text(value).startsWith("-") ? "" : "+") + text(value);
  const place = (slug) => entries.findIndex((entry) => entry.slug === slug);

  const fill = (cell, value, interval) => {
    cell.textContent = value;
    if (!interval) return;
    const span = document.createElement("span");
    span.className = "ci";
    span.textContent = interval;
    cell.append(" ", span);
  };
  const number = (cell, [value, low, high]) =>
    fill(cell, value === null ? "–" : text(value), low === null ? "" : `${text(low)}–${text(high)}`);

  const difference = (measure, a, b) => {
    const known = pairs[measure][a < b ? `${a}-${b}` : `${b}-${a}`];
    if (!known) return a === b ? [0, 0, 0, true] : null;
    const [value, low, high, paired] = known;
    return a < b ? known : [-value, -high, -low, paired];
  };
  const says = (measure, found, more, less) =>
    !found ? `${measure} cannot be compared`
      : found[1] > 0 ? `${more}` : found[2] < 0 ? `${less}` : `${measure} cannot be told apart`;

  const show = () => {
    const [a, b] = [place(form.a.value), place(form.b.value)];
    for (const [side, i] of [["a", a], ["b", b]]) {
      document.getElementById(`name-${side}`).textContent = entries[i].name;
      document.getElementById(`key-${side}`).textContent = entries[i].name;
      document.getElementById(`curve-${side}`).setAttribute("d", entries[i].curve);
    }
    document.querySelector("#result figure").hidden = !entries[a].curve && !entries[b].curve;
    for (const row of document.querySelectorAll("tr[data-measure]")) {
      const measure = row.dataset.measure;
      const found = difference(measure, a, b);
      number(row.cells[1], entries[a][measure]);
      number(row.cells[2], entries[b][measure]);
      if (found) {
        const unpaired = found[3] ? "" : ", unpaired";
        fill(row.cells[3], signed(found[0]), `${signed(found[1])} ${signed(found[2])}${unpaired}`);
      } else fill(row.cells[3], "–");
    }
    for (const row of document.querySelectorAll("tr[data-fact]")) {
      row.cells[1].textContent = entries[a].facts[row.dataset.fact] || "–";
      row.cells[2].textContent = entries[b].facts[row.dataset.fact] || "–";
    }
    const first = entries[a].name;
    document.getElementById("says").textContent = a === b ? "Choose two different defenses." :
      `${first}, beside ${entries[b].name}: ` + [
        says("accuracy", difference("accuracy", a, b), "more accurate", "less accurate"),
        says("exposure", difference("auc", a, b), "more exposed", "less exposed"),
      ].join("; ") + ".";
  };
  const read = () => {
    const given = new URLSearchParams(location.hash.slice(1));
    const a = Math.max(place(given.get("a")), 0);
    const b = place(given.get("b"));
    form.a.value = entries[a].slug;
    form.b.value = entries[b >= 0 ? b : a === 0 ? 1 : 0].slug;
    show();
  };
  const write = () => {
    history.replaceState(null, "", "#" + new URLSearchParams({ a: form.a.value, b: form.b.value }));
    show();
  };
  form.addEventListener("change", write);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("swap").addEventListener("click", () => {
    [form.a.value, form.b.value] = [form.b.value, form.a.value];
    write();
  });
  addEventListener("hashchange", read);
  form.hidden = document.getElementById("result").hidden = false;
  read();
})();
