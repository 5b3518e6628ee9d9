// The map: points on a canvas, chosen by pointer or by key.

const scatter = (() => {
  const plot = $("plot"), base = $("points"), over = $("over");
  const EDGE = { left: 58, right: 12, top: 12, bottom: 40 };
  let view = null, size = { width: 0, height: 0 }, px = new Float32Array(N), py = new Float32Array(N);
  let xs, ys, shown = new Uint8Array(N), stamps = [], drag = null, queued = false;
  // Prints are drawn in random order, so that no group hides the others.
  const order = Array.from({ length: N }, (_, i) => i);
  for (let i = N - 1, seed = 7; i > 0; i--) {
    seed = (seed * 48271) % 2147483647;
    const j = seed % (i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }

  const radius = () => N > 2500 ? 3.2 : N > 600 ? 4 : 5;

  function span(values) {
    let low = Infinity, high = -Infinity;
    for (let i = 0; i < N; i++) if (shown[i] && values[i] === values[i]) {
      if (values[i] < low) low = values[i];
      if (values[i] > high) high = values[i];
    }
    if (low > high) return [0, 1];
    const pad = (high - low || Math.abs(low) || 1) * 0.04;
    return [low - pad, high + pad];
  }

  function whole() { view = { x: span(xs), y: span(ys) }; }

  // Update axes and groups; the view is reset where an axis changed.
  function update(reset = true) {
    xs = valuesOf(state.x); ys = valuesOf(state.y);
    const codes = grouping().codes;
    for (let i = 0; i < N; i++) shown[i] = xs[i] === xs[i] && ys[i] === ys[i] && codes[i] !== NONE && !state.hidden.has(codes[i]) ? 1 : 0;
    if (reset || !view) whole();
    stamps = [];
    draw();
  }

  function draw() {
    if (queued) return;
    queued = true;
    requestAnimationFrame(() => { queued = false; drawNow(); });
  }

  function ready(code, state) {
    const key = code * 3 + state;
    if (!stamps[key]) {
      const ratio = Math.min(2, window.devicePixelRatio || 1), side = 2 * radius() + 10;
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = Math.ceil(side * ratio);
      const pen = canvas.getContext("2d");
      pen.scale(ratio, ratio);
      // Prints outside the selection are pale.
      pen.globalAlpha = state === 1 ? 0.28 : 1;
      stamp(pen, code, side / 2, side / 2, radius(), state === 2);
      stamps[key] = { canvas, half: side / 2, side: canvas.width / ratio };
    }
    return stamps[key];
  }

  function drawNow() {
    const { pen, width, height } = fitted(base);
    size = { width, height };
    pen.clearRect(0, 0, width, height);
    const [x0, x1] = view.x, [y0, y1] = view.y;
    const right = width - EDGE.right, bottom = height - EDGE.bottom;
    const kx = (right - EDGE.left) / (x1 - x0), ky = (bottom - EDGE.top) / (y1 - y0);
    grid(pen, right, bottom, kx, ky);
    pen.save();
    pen.beginPath(); pen.rect(EDGE.left, EDGE.top, right - EDGE.left, bottom - EDGE.top); pen.clip();
    const codes = grouping().codes, some = state.count > 0;
    for (let i = 0; i < N; i++) { px[i] = EDGE.left + (xs[i] - x0) * kx; py[i] = bottom - (ys[i] - y0) * ky; }
    for (const chosen of some ? [0, 1] : [0]) for (const i of order) {
      if (!shown[i] || (some && state.chosen[i] !== chosen)) continue;
      const one = ready(codes[i], some ? 1 + chosen : 0);
      pen.drawImage(one.canvas, px[i] - one.half, py[i] - one.half, one.side, one.side);
    }
    pen.restore();
    drawOver();
  }

  function grid(pen, right, bottom, kx, ky) {
    pen.font = "12px system-ui, sans-serif";
    pen.fillStyle = colour("soft"); pen.strokeStyle = colour("faint"); pen.lineWidth = 1;
    const across = ticks(...view.x, size.width / 110), up = ticks(...view.y, size.height / 80);
    pen.textAlign = "center";
    for (const v of across) {
      const x = EDGE.left + (v - view.x[0]) * kx;
      pen.beginPath(); pen.moveTo(x, EDGE.top); pen.lineTo(x, bottom); pen.stroke();
      pen.fillText(ticked(v, across[1] - across[0] || 1), x, bottom + 15);
    }
    pen.textAlign = "right";
    for (const v of up) {
      const y = bottom - (v - view.y[0]) * ky;
      pen.beginPath(); pen.moveTo(EDGE.left, y); pen.lineTo(right, y); pen.stroke();
      pen.fillText(ticked(v, up[1] - up[0] || 1), EDGE.left - 6, y + 4);
    }
    pen.fillStyle = colour("ink"); pen.font = "600 13px system-ui, sans-serif"; pen.textAlign = "center";
    pen.fillText(titled(state.x), (EDGE.left + right) / 2, bottom + 33, right - EDGE.left);
    pen.save();
    pen.translate(13, (EDGE.top + bottom) / 2); pen.rotate(-Math.PI / 2);
    pen.fillText(titled(state.y), 0, 0, bottom - EDGE.top);
    pen.restore();
  }

  function drawOver() {
    const { pen, width, height } = fitted(over);
    pen.clearRect(0, 0, width, height);
    const i = point(state.focus);
    if (i >= 0 && shown[i]) {
      pen.lineWidth = 2.5; pen.strokeStyle = colour("ink");
      pen.beginPath(); pen.arc(px[i], py[i], radius() + 6, 0, 7); pen.stroke();
    }
    if (drag?.path.length > 1 && state.tool !== "move") {
      const path = corners();
      pen.beginPath();
      path.forEach(([x, y], k) => pen[k ? "lineTo" : "moveTo"](x, y));
      pen.closePath();
      pen.globalAlpha = 0.12; pen.fillStyle = colour("accent"); pen.fill();
      pen.globalAlpha = 1; pen.strokeStyle = colour("accent"); pen.lineWidth = 1.5; pen.stroke();
    }
  }

  function corners() {
    if (state.tool === "lasso") return drag.path;
    const [[a, b], [c, d]] = [drag.path[0], drag.path.at(-1)];
    return [[a, b], [c, b], [c, d], [a, d]];
  }

  function inside(path) {
    const found = [];
    for (let i = 0; i < N; i++) {
      if (!shown[i]) continue;
      let within = false;
      for (let k = 0, m = path.length - 1; k < path.length; m = k++) {
        const [ax, ay] = path[k], [bx, by] = path[m];
        if ((ay > py[i]) !== (by > py[i]) && px[i] < (bx - ax) * (py[i] - ay) / (by - ay) + ax) within = !within;
      }
      if (within) found.push(i);
    }
    return found;
  }

  function nearest(x, y, reach) {
    let best = -1, least = reach * reach;
    for (let i = 0; i < N; i++) if (shown[i]) {
      const d = (px[i] - x) ** 2 + (py[i] - y) ** 2;
      if (d < least) { least = d; best = i; }
    }
    return best;
  }

  // The print under the pointer, beside its point, on the side that has more room.
  function peek(i) {
    const image = $("peek") ?? plot.appendChild(el("img", { id: "peek", alt: "" }));
    image.hidden = i < 0 || !prints.has(i);
    if (image.hidden) return;
    if (image.src !== data.pictures[i]) image.src = data.pictures[i];
    image.style.left = px[i] + (px[i] < size.width / 2 ? 14 : -98) + "px";
    image.style[py[i] < size.height / 2 ? "top" : "bottom"] = (py[i] < size.height / 2 ? py[i] : size.height - py[i]) + "px";
    image.style[py[i] < size.height / 2 ? "bottom" : "top"] = "auto";
  }

  const at = event => {
    const box = plot.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  plot.addEventListener("pointerdown", event => {
    if (event.button) return;
    drag = { path: [at(event)], view: structuredClone(view), add: event.shiftKey || event.ctrlKey || event.metaKey, moved: false };
    if (state.tool !== "point") plot.setPointerCapture(event.pointerId);
  });
  plot.addEventListener("pointermove", event => {
    const [x, y] = at(event);
    if (!drag) { focusOn(nearest(x, y, 16)); peek(event.pointerType === "mouse" ? state.focus : -1); return; }
    peek(-1);
    const [sx, sy] = drag.path[0];
    if (Math.hypot(x - sx, y - sy) > 4) drag.moved = true;
    if (!drag.moved || state.tool === "point") return;
    drag.path.push([x, y]);
    if (state.tool === "move") {
      const dx = (sx - x) / (size.width - EDGE.left - EDGE.right), dy = (y - sy) / (size.height - EDGE.top - EDGE.bottom);
      view = { x: shifted(drag.view.x, dx), y: shifted(drag.view.y, dy) };
      draw();
    } else drawOver();
  });
  plot.addEventListener("pointerup", event => {
    if (!drag) return;
    const one = drag;
    if (!one.moved) {
      const hit = nearest(...at(event), event.pointerType === "mouse" ? 12 : 24);
      if (hit >= 0) { focusOn(hit); choose([hit], one.add); } else if (!one.add && state.tool !== "move") choose([]);
    } else if (state.tool === "box" || state.tool === "lasso") choose(inside(corners()), one.add);
    drag = null;
    drawOver();
  });
  plot.addEventListener("pointerleave", () => peek(-1));
  plot.addEventListener("pointercancel", () => { drag = null; drawOver(); });
  plot.addEventListener("wheel", event => {
    // The page scrolls on unless the plot is in use.
    if (!event.ctrlKey && !event.metaKey && document.activeElement !== plot) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 0.8 : 1.25, at(event));
  }, { passive: false });

  const shifted = ([a, b], share) => [a + share * (b - a), b + share * (b - a)];

  function zoom(factor, point) {
    const w = size.width - EDGE.left - EDGE.right, h = size.height - EDGE.top - EDGE.bottom;
    const [sx, sy] = point ? [(point[0] - EDGE.left) / w, 1 - (point[1] - EDGE.top) / h] : [0.5, 0.5];
    const scaled = ([a, b], s) => [a + s * (b - a) * (1 - factor), b - (1 - s) * (b - a) * (1 - factor)];
    view = { x: scaled(view.x, sx), y: scaled(view.y, sy) };
    draw();
  }

  // The nearest print in a direction: near, and not far to the side.
  function step(dx, dy) {
    const i = point(state.focus);
    if (i < 0 || !shown[i]) { focusOn(nearest(size.width / 2, size.height / 2, 1e9)); return; }
    let best = -1, least = Infinity;
    for (let k = 0; k < N; k++) if (shown[k] && k !== i) {
      const along = (px[k] - px[i]) * dx + (py[k] - py[i]) * dy, aside = Math.abs((px[k] - px[i]) * dy + (py[k] - py[i]) * dx);
      if (along > 0.01 && aside <= 1.5 * along && along + 2 * aside < least) { least = along + 2 * aside; best = k; }
    }
    if (best >= 0) focusOn(best);
  }

  plot.addEventListener("keydown", event => {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key in ways) {
      const [dx, dy] = ways[event.key];
      if (event.shiftKey) { view = { x: shifted(view.x, 0.15 * dx), y: shifted(view.y, -0.15 * dy) }; draw(); } else step(dx, dy);
    } else if ((event.key === "Enter" || event.key === " ") && state.focus >= 0) choose([state.focus], true);
    else if (event.key === "+" || event.key === "=") zoom(0.8);
    else if (event.key === "-") zoom(1.25);
    else if (event.key === "0") { whole(); draw(); }
    else if (event.key === "Escape") choose([]);
    else return;
    event.preventDefault();
  });
  $("in").addEventListener("click", () => zoom(0.7));
  $("out").addEventListener("click", () => zoom(1 / 0.7));
  $("whole").addEventListener("click", () => { whole(); draw(); });
  $("save-map").addEventListener("click", () => {
    const sheet = el("canvas", { width: base.width, height: base.height }), pen = sheet.getContext("2d");
    pen.fillStyle = colour("paper");
    pen.fillRect(0, 0, sheet.width, sheet.height);
    pen.drawImage(base, 0, 0);
    sheet.toBlob(blob => save(`${state.x} ${state.y}.png`.replaceAll(" ", "_"), blob, "image/png"));
  });
  on("chosen", draw);
  on("focus", drawOver);
  return { update, draw, drawNow, shown: () => shown, forget: () => { stamps = []; }, view: () => view };
})();
