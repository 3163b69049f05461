// A picture that tells where it was clicked, as shares of its width and height.
function render({ model, el }) {
  const image = document.createElement("img");
  image.className = "ddi-picture";
  const draw = () => {
    const old = image.src;
    image.src = URL.createObjectURL(new Blob([model.get("png")], { type: "image/png" }));
    image.alt = model.get("text");
    image.classList.toggle("ddi-clickable", model.get("clickable"));
    if (old) URL.revokeObjectURL(old);
  };
  model.on("change:png", draw);
  draw();
  image.addEventListener("click", (event) => {
    const box = image.getBoundingClientRect();
    if (model.get("clickable"))
      model.send({ x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height });
  });
  el.append(image);
}

export default { render };
