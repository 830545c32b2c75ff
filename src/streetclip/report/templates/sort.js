"use strict";
// Sorts a table by the column whose heading is pressed; pressed again, the other way round.
for (const button of document.querySelectorAll("th[aria-sort] button")) {
  button.addEventListener("click", () => {
    const heading = button.closest("th");
    const row = heading.parentElement;
    const table = heading.closest("table");
    const column = [...row.children].indexOf(heading);
    const was = heading.getAttribute("aria-sort");
    // Numbers are first wanted from the largest, words from A.
    const first = heading.classList.contains("n") ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const now = was === first ? other : first;
    for (const cell of row.querySelectorAll("th[aria-sort]")) cell.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", now);
    const sign = now === "ascending" ? 1 : -1;
    const numeric = heading.classList.contains("n");
    const value = (line) => line.children[column].dataset.v ?? line.children[column].textContent;
    const compare = (a, b) =>
      sign * (numeric ? Number(value(a)) - Number(value(b)) : value(a).localeCompare(value(b), "en"));
    const body = table.tBodies[0];
    body.append(...[...body.rows].sort(compare));
    document.getElementById("announce").textContent = `sorted by ${button.textContent}, ${now}`;
  });
}
