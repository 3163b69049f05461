// A place to drop a file, or to choose one; its content goes to Python in parts.
const PART = 1 << 20; // bytes of one message, a tenth of what servers allow

async function send(model, file) {
  if (!file) return;
  const size = file.size <= model.get("limit") ? file.size : 0;
  for (let at = 0; at === 0 || at < size; at += PART) {
    const part = await file.slice(at, Math.min(at + PART, size)).arrayBuffer();
    const says = { name: file.name, size: file.size, first: at === 0, last: at + PART >= size };
    model.send(says, undefined, [part]);
  }
}

function render({ model, el }) {
  const label = document.createElement("label");
  label.className = "ddi-drop";
  label.textContent = model.get("text");
  const input = document.createElement("input");
  input.type = "file";
  input.setAttribute("aria-label", model.get("text"));
  label.append(input);
  input.addEventListener("change", () => {
    send(model, input.files[0]);
    input.value = "";
  });
  const over = (event) => {
    event.preventDefault();
    event.stopPropagation();
    label.classList.toggle("ddi-over", event.type === "dragover");
  };
  for (const name of ["dragover", "dragleave", "drop"]) label.addEventListener(name, over);
  label.addEventListener("drop", (event) => send(model, event.dataTransfer.files[0]));
  el.append(label);
}

export default { render };
