// The live panel: progress, two curves, the first layer, and twelve test images with the network's answers.
// It gets a scene once for a run, and asks for frames at its address; `unpack` is the inverse of `live_frame.pack`.

const SVG = "http://www.w3.org/2000/svg";
const [HEIGHT, LEFT, RIGHT, BOTTOM, TOP] = [200, 46, 8, 34, 8];
const FORMATS = { accuracy: [value => `${Math.round(100 * value)}%`, value => `${(100 * value).toFixed(2)}%`],
    loss: [value => String(+value.toPrecision(6)), value => value.toFixed(4)] };
// How long to wait for an answer, and how often to ask again after a failure, in milliseconds.
const [PATIENCE, FIRST_WAIT, LONGEST_WAIT] = [20_000, 500, 8_000];
const SPEECH_REST = 3_000;
let onlyChange = false;

function unpack(bytes) {
    const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const { arrays, ...rest } = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
    const types = { float32: Float32Array, int16: Int16Array, uint8: Uint8Array };
    for (const [name, [type, shape, start]] of Object.entries(arrays)) {
        const [at, count] = [4 + size + start, shape.reduce((a, b) => a * b, 1)];
        const data = bytes.slice(at, at + count * types[type].BYTES_PER_ELEMENT);
        rest[name] = Object.assign(new types[type](data.buffer), { shape });
    }
    return rest;
}

function add(parent, tag, attributes = {}, text = "") {
    const made = parent.namespaceURI === SVG || tag === "svg"
        ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text) made.textContent = text;
    parent.append(made);
    return made;
}

function ticks(low, high, most) {
    const rough = (high - low) / most, scale = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map(factor => factor * scale).find(step => step >= rough);
    const count = Math.floor((high - low) / step + 1e-6);
    return Array.from({ length: count + 1 }, (_, i) => Math.ceil(low / step - 1e-6) * step + i * step)
        .filter(value => value <= high + 1e-9);
}

// One chart. The axes' ends come with each frame; the newest point of each curve has a dot. The visitor's previous run
// stays in the background, to compare with.
class Curves {
    constructor(parent, name, scene) {
        Object.assign(this, { name, scene });
        const box = add(parent, "figure");
        this.title = add(add(box, "figcaption"), "span");
        this.svg = add(box, "svg", { class: `curve ${name}`, height: HEIGHT, role: "img",
            "aria-label": `${name[0].toUpperCase()}${name.slice(1)} on training images: no points yet.` });
        this.axes = add(this.svg, "g");
        this.previous = add(this.svg, "path", { class: "line previous" });
        this.lines = ["training", "validation"].map(of => add(this.svg, "path", { class: `line ${of}` }));
        this.dots = ["training", "validation"].map(of => add(this.svg, "circle", { class: of, r: 3.5, opacity: 0 }));
        this.near = add(this.svg, "g", { class: "near" });
        this.legend = add(this.svg, "g", { class: "legend" });
        this.svg.addEventListener("pointermove", event => this.point(event));
        this.svg.addEventListener("pointerdown", event => this.point(event));
        this.svg.addEventListener("pointerleave", () => this.point(null));
        this.frame = { ends: { accuracy: [0, 1], loss: [0, 2.5] } };
        new ResizeObserver(([{ contentRect }]) => {
            this.width = contentRect.width;
            this.draw(this.frame);
        }).observe(this.svg);
    }

    // In the corner that curves leave free.
    drawLegend() {
        this.legend.replaceChildren();
        const { validates, previous } = this.scene;
        const entries = validates ? [["training", "training images"], ["validation", "validation images"]] : [];
        if (previous.length) entries.push(...validates ? [] : [["training", "this run"]], ["previous", "previous run"]);
        entries.forEach(([of, text], i) => {
            const y = this.name === "loss" ? TOP + 26 + 16 * i : HEIGHT - BOTTOM - 12 - 16 * (entries.length - 1 - i);
            add(this.legend, "path", { class: `line ${of}`, d: `M${this.width - 132} ${y}h22` });
            add(this.legend, "text", { x: this.width - 104, y: y + 4 }, text);
        });
    }

    x(epoch) { return LEFT + epoch / this.scene.epochs * (this.width - LEFT - RIGHT); }

    y(value) {
        const [low, high] = this.ends, part = (Math.min(Math.max(value, low), high) - low) / (high - low);
        return HEIGHT - BOTTOM - (Number.isFinite(value) ? part : 1) * (HEIGHT - BOTTOM - TOP);
    }

    path(points) {
        const places = points.map(([epoch, value]) => `${this.x(epoch).toFixed(1)} ${this.y(value).toFixed(1)}`);
        return places.length ? `M${places.join("L")}` : "";
    }

    draw(frame) {
        if (!frame.ends) return;  // Nothing new.
        this.frame = frame;
        if (frame.descriptions) this.svg.setAttribute("aria-label", frame.descriptions[this.name]);
        if (!this.width) return;  // The observer draws as soon as it knows the width.
        this.drawLegend();
        this.ends = frame.ends[this.name];
        const column = this.name === "accuracy" ? 1 : 2;
        this.axes.replaceChildren();
        for (const value of ticks(...this.ends, 5)) {
            add(this.axes, "path", { class: "grid", d: `M${LEFT} ${this.y(value)}H${this.width - RIGHT}` });
            add(this.axes, "text", { x: LEFT - 6, y: this.y(value) + 4, "text-anchor": "end" },
                FORMATS[this.name][0](value));
        }
        for (const epoch of ticks(0, this.scene.epochs, this.width / 50).filter(Number.isInteger)) {
            add(this.axes, "text", { x: this.x(epoch), y: HEIGHT - BOTTOM + 16, "text-anchor": "middle" }, `${epoch}`);
        }
        add(this.axes, "text", { x: (LEFT + this.width) / 2, y: HEIGHT - 3, "text-anchor": "middle" }, "epoch");
        this.curves = ["training", "validation"].map(of => {
            const curve = frame[of] ?? [], points = [];
            for (let i = 0; i < curve.length; i += 3) {
                if (!Number.isNaN(curve[i + column])) points.push([curve[i], curve[i + column]]);
            }
            return points;
        });
        const [low, high] = this.ends;
        this.before = this.scene.previous.map(point => [point[0], point[column]])
            .filter(([epoch, value]) => epoch <= this.scene.epochs && value !== null && value >= low && value <= high);
        this.previous.setAttribute("d", this.path(this.before));
        this.curves.forEach((points, i) => {
            this.lines[i].setAttribute("d", this.path(points));
            const last = points.at(-1);
            this.dots[i].setAttribute("opacity", last ? 1 : 0);
            if (last) {
                this.dots[i].setAttribute("cx", this.x(last[0]));
                this.dots[i].setAttribute("cy", this.y(last[1]));
            }
        });
        if (this.curves.flat().some(([, value]) => value > this.ends[1])) {
            add(this.axes, "text", { class: "note", x: (LEFT + this.width) / 2, y: TOP + 10, "text-anchor": "middle" },
                `higher values are cut off at ${this.ends[1]}`);
        }
        const last = this.curves[0].at(-1), on = this.scene.validates ? "" : " on training images";
        const value = last ? (this.name === "accuracy" ? `${(100 * last[1]).toFixed(1)}%` : last[1].toFixed(3)) : "";
        this.title.replaceChildren();
        add(this.title, "b", {}, `${this.name[0].toUpperCase()}${this.name.slice(1)}${on}`);
        this.title.append(` ${value}`);
        this.drawNear();
    }

    // The values of the point nearest to the pointer.
    point(event) {
        this.pointer = event && event.clientX - this.svg.getBoundingClientRect().left;
        this.drawNear();
    }

    drawNear() {
        this.near.replaceChildren();
        const x = this.pointer;
        if (x == null || !this.curves) return;
        const found = [...this.curves, this.before].map((points, i) => {
            const at = points.reduce((best, one) =>
                best && Math.abs(this.x(best[0]) - x) <= Math.abs(this.x(one[0]) - x) ? best : one, null);
            return at && { at, of: ["training", "validation", "previous"][i] };
        }).filter(Boolean);
        if (!found.length) return;
        const place = this.x(found[0].at[0]), isLeft = place < this.width / 2;
        add(this.near, "path", { class: "rule", d: `M${place} ${TOP}V${HEIGHT - BOTTOM}` });
        const texts = [`epoch ${found[0].at[0].toFixed(2)}`,
            ...found.map(({ at, of }) => `${of} ${FORMATS[this.name][1](at[1])}`)];
        texts.forEach((text, i) => add(this.near, "text", { x: place + (isLeft ? 8 : -8), y: TOP + 14 + 16 * i,
            "text-anchor": isLeft ? "start" : "end" }, text));
        found.forEach(({ at, of }) =>
            add(this.near, "circle", { class: of, r: 4, cx: this.x(at[0]), cy: this.y(at[1]) }));
    }
}

// Signed pictures in rows of four: blue where ink speaks for the unit, orange where it speaks against it.
class FirstLayer {
    constructor(parent, scene) {
        Object.assign(this, { scene });
        const box = add(parent, "figure");
        add(add(box, "figcaption"), "b", {}, "Weights of the first layer");
        add(box, "p", {}, "One picture for each unit. Blue: ink here speaks for it. Orange: ink here speaks against it.");
        this.canvas = add(box, "canvas", { class: "weights", role: "img" });
        const label = add(box, "label");
        this.toggle = add(label, "input", { type: "checkbox", role: "switch" });
        this.toggle.checked = onlyChange;
        label.append(" Show only the change");
        label.title = "Without the random weights that it started with.";
        this.toggle.addEventListener("change", () => { onlyChange = this.toggle.checked; this.draw(this.frame); });
        this.draw({ pictures: scene.pictures });
    }

    draw(frame) {
        if (!frame.pictures) return;
        this.frame = frame;
        const { pictures } = frame, { scene } = this;
        const [count, height, width] = pictures.shape, [size, side, gap] = [height * width, 56, 4];
        const columns = Math.min(count, 4), rows = Math.ceil(count / columns);
        this.canvas.width = columns * (side + gap);
        this.canvas.height = rows * (side + gap);
        const pixels = this.canvas.getContext("2d");
        const colors = getComputedStyle(this.canvas);
        const [ink, error] = ["--ink", "--error"].map(name => colors.getPropertyValue(name).trim());
        for (let unit = 0; unit < count; unit++) {
            const values = Array.from({ length: size }, (_, i) => pictures[unit * size + i]
                - (onlyChange ? scene.pictures[unit * size + i] : 0));
            const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
            const [left, top] = [unit % columns * (side + gap) + 2, Math.floor(unit / columns) * (side + gap) + 2];
            values.forEach((value, i) => {
                const [x, y] = [Math.round(i % width * side / width), Math.round(Math.floor(i / width) * side / height)];
                const [right, below] = [Math.round((i % width + 1) * side / width),
                    Math.round((Math.floor(i / width) + 1) * side / height)];
                pixels.globalAlpha = Math.abs(value) / largest;
                pixels.fillStyle = value > 0 ? ink : error;
                pixels.fillRect(left + x, top + y, right - x, below - y);
            });
        }
        const change = onlyChange ? " minus the random start" : "";
        this.canvas.setAttribute("aria-label", `Weights of the first layer${change}: a picture for each unit, blue `
            + "where ink speaks for it, orange where ink speaks against it.");
    }
}

class Samples {
    constructor(parent, scene) {
        Object.assign(this, { scene });
        const box = add(parent, "figure");
        add(add(box, "figcaption"), "b", {}, "How it reads twelve test images");
        add(box, "p", {}, "Below each image: its answer, and how sure it is. Blue is right, orange is wrong.");
        const row = add(box, "div", { class: "samples" });
        const [count, height, width] = scene.images.shape;
        this.places = Array.from({ length: count }, (_, i) => {
            const place = add(row, "div"), canvas = add(place, "canvas", { width, height, role: "img" });
            const image = new ImageData(width, height);
            for (let pixel = 0; pixel < width * height; pixel++) {
                image.data.fill(238 * (1 - scene.images[i * width * height + pixel] / 255), 4 * pixel, 4 * pixel + 3);
                image.data[4 * pixel + 3] = 255;
            }
            canvas.getContext("2d").putImageData(image, 0, 0);
            return { canvas, text: add(place, "span") };
        });
    }

    draw({ answers, chances }) {
        if (!answers) return;
        const { names, labels } = this.scene, is = name => /^\d$/.test(name) ? `${name === "8" ? "an" : "a"} ${name}` : name;
        this.places.forEach(({ canvas, text }, i) => {
            text.className = answers[i] === labels[i] ? "right" : "wrong";
            text.replaceChildren();
            add(text, "b", {}, names[answers[i]]);
            text.append(` ${Math.round(100 * chances[i])}%`);
            canvas.setAttribute("aria-label", `Test image of ${is(names[labels[i]])}, read as ${is(names[answers[i]])}.`);
        });
    }
}

// How far the run is: a line of text above a bar.
class Progress {
    constructor(parent) {
        const box = add(parent, "div", { class: "progress" });
        this.text = add(box, "p");
        this.bar = add(box, "div", { role: "progressbar", "aria-label": "Progress of the run", "aria-valuemin": 0,
            "aria-valuemax": 100 });
        this.done = add(this.bar, "div");
        this.rates = add(parent, "p");
    }

    draw({ text, progress, rates, isActive }) {
        this.text.textContent = text;
        this.rates.textContent = rates;
        this.bar.hidden = !isActive;  // It keeps its place.
        this.bar.setAttribute("aria-valuenow", Math.round(100 * progress));
        this.done.style.width = `${100 * progress}%`;
    }
}

// What a screen reader says, at most one sentence in three seconds.
class Speaker {
    constructor(parent) { this.region = add(parent, "p", { class: "spoken", "aria-live": "polite" }); }

    draw({ spoken }) {
        this.next = spoken;
        if (!this.isResting) this.say();
    }

    say() {
        if (this.next === this.region.textContent) return;
        this.region.textContent = this.next;
        this.isResting = true;
        setTimeout(() => { this.isResting = false; this.say(); }, SPEECH_REST);
    }
}

// Asks for one frame after the other while the run is active. If the page is outdated, such as when the run has ended,
// or if the server does not know the run any more, it asks for the page.
class Follower {
    constructor(draw, askForPage) { Object.assign(this, { draw, askForPage }); }

    // Call it with each scene: with that of another run, or of a changed page.
    follow({ address, page }) {
        if (address !== this.address) this.version = 0;
        Object.assign(this, { address, page, asked: null });
        this.isAwaited = true;
        if (!this.isFollowing) this.run().finally(() => { this.isFollowing = false; });
    }

    stop() { this.address = null; }

    async run() {
        this.isFollowing = true;
        let wait = FIRST_WAIT;
        while (this.address && this.isAwaited) {
            const frame = await this.next();
            wait = frame ? FIRST_WAIT : Math.min(2 * wait, LONGEST_WAIT);
            await new Promise(resolve => setTimeout(resolve, frame ? 1000 * frame.restSeconds : wait));
            if (document.hidden) {  // Nobody looks.
                await new Promise(resolve => document.addEventListener("visibilitychange", resolve, { once: true }));
            }
        }
    }

    // The newest frame, drawn; null if it did not come.
    async next() {
        const address = this.address;
        let answer, bytes;
        try {
            answer = await fetch(`${address}?after=${this.version}`, { signal: AbortSignal.timeout(PATIENCE) });
            bytes = await answer.arrayBuffer();
        } catch {
            return null;  // No connection: it asks again.
        }
        if (answer.status === 404) this.ask("unknown");
        if (!answer.ok) return null;
        const frame = unpack(new Uint8Array(bytes));
        if (address !== this.address) return frame;  // The page shows another run by now.
        this.version = frame.version;
        this.draw(frame);
        if (frame.page !== this.page) this.ask(frame.page);
        else this.isAwaited = frame.isActive;
        return frame;
    }

    // Once for each state of the run, and again if nothing has come of it.
    ask(page) {
        if (this.asked === page && performance.now() - this.askedAt < LONGEST_WAIT) return;
        [this.asked, this.askedAt] = [page, performance.now()];
        this.askForPage(page);
    }
}

export default function ({ data, parentElement, setTriggerValue }) {
    const scene = unpack(data);
    const root = parentElement.querySelector(".live");
    if (parentElement.address !== scene.address) {  // The page's script may send the same scene again.
        parentElement.address = scene.address;
        root.replaceChildren();
        const progress = new Progress(root);
        const curves = add(root, "div", { class: "row" }), insight = add(root, "div", { class: "row" });
        parentElement.parts = [progress, new Curves(curves, "accuracy", scene), new Curves(curves, "loss", scene),
            new FirstLayer(insight, scene), new Samples(insight, scene), new Speaker(root)];
    }
    const isNew = !parentElement.follower;
    parentElement.follower ??= new Follower(
        frame => parentElement.parts.forEach(part => part.draw(frame)), page => setTriggerValue("outdated", page));
    parentElement.follower.follow(scene);
    if (isNew) return () => parentElement.follower.stop();
}
