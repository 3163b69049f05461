// A table of texts; one row is chosen, by a click or by Enter.
function render({ model, el }) {
  const table = document.createElement("table");
  table.className = "ddi-table";
  const row = (texts, tag) => {
    const line = document.createElement("tr");
    for (const text of texts) {
      const cell = document.createElement(tag);
      cell.textContent = text;
      line.append(cell);
    }
    return line;
  };
  const choose = (number) => {
    model.set("chosen", number);
    model.save_changes();
  };
  const draw = () => {
    const head = document.createElement("thead");
    head.append(row(model.get("head"), "th"));
    const body = document.createElement("tbody");
    model.get("rows").forEach((texts, number) => {
      const line = row(texts, "td");
      line.tabIndex = 0;
      line.setAttribute("aria-selected", number === model.get("chosen"));
      if (model.get("minor").includes(number)) line.className = "ddi-minor";
      line.addEventListener("click", () => choose(number));
      line.addEventListener("keydown", (event) => event.key === "Enter" && choose(number));
      body.append(line);
    });
    table.replaceChildren(head, body);
  };
  model.on("change:rows change:chosen", draw);
  draw();
  el.append(table);
}

export default { render };
