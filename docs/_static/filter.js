// A long table scrolls in its own frame, below a field that keeps the rows with all the words typed.
addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll("table.docutils")) {
    const rows = [...table.tBodies[0].rows].map(row => [row, row.textContent.toLowerCase()]);
    if (rows.length < 25) continue;
    const field = document.createElement("input"), count = document.createElement("output");
    field.type = "search";
    field.placeholder = "Filter, such as: ridge density";
    field.setAttribute("aria-label", "Filter the rows of the table below");
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/[\s_]+/);
      for (const [row, text] of rows) row.hidden = !words.every(word => text.includes(word));
      count.textContent = ` ${rows.filter(([row]) => !row.hidden).length} of ${rows.length} rows`;
    });
    const frame = table.parentElement;
    frame.classList.add("long");
    frame.tabIndex = 0;
    frame.before(field, count);
  }
});
