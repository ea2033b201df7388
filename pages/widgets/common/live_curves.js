// How a run goes: its progress, two curves, and what a screen reader says.

const [HEIGHT, LEFT, BOTTOM, TOP] = [144, 46, 34, 8];
const [RIGHT, ROOM_FOR_NAMES] = [8, 76];
const NAMES = { accuracy: say("Accuracy"), loss: say("Loss") };
const IMAGES = { training: say("training images"), validation: say("validation images") };
const RUNS = { training: say("training"), validation: say("validation"), previous: say("previous") };
const FORMATS = { accuracy: [value => figure(value, 0, "percent"), value => figure(value, 2, "percent")],
    loss: [value => value.toLocaleString(LANGUAGE, { maximumSignificantDigits: 6, useGrouping: false }),
        value => figure(value, 4)] };
const SPEECH_REST = 3_000;
const MEMORY = 0.85;  // How much of a smoothed value comes from the points before.

// The exponential moving average of a curve, without the pull of its start.
function smoothed(points) {
    let [sum, weight] = [0, 0];
    return points.map(([epoch, value]) => {
        [sum, weight] = [MEMORY * sum + value, MEMORY * weight + 1];
        return [epoch, sum / weight];
    });
}

// Some columns of a table of numbers, as rows without those that have a value that is not known.
function columnsOf(table = [], width, ...columns) {
    const rows = Array.from({ length: table.length / width }, (_, i) =>
        [0, ...columns].map(column => table[i * width + column]));
    return rows.filter(row => !row.some(Number.isNaN));
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
    constructor(parent, name, scene, changed) {
        Object.assign(this, { name, scene, changed, right: scene.isLarge ? ROOM_FOR_NAMES : RIGHT });
        const box = add(parent, "figure", scene.isLarge ? { class: "large" } : {});
        const caption = add(box, "figcaption");
        this.title = add(caption, "span");
        if (name === "loss") this.addSmoothing(caption);
        this.svg = add(box, "svg", { class: `curve ${name}`, height: HEIGHT, role: "img",
            "aria-label": say("{name} on training images: no points yet.", { name: NAMES[name] }) });
        this.axes = add(this.svg, "g");
        this.areas = ["training", "validation"].map(of => add(this.svg, "path", { class: `area ${of}` }));
        this.previous = add(this.svg, "path", { class: "line previous" });
        this.raw = add(this.svg, "path", { class: "line raw" });
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

    addSmoothing(caption) {
        const label = add(caption, "label", { class: "smooth", title: say("The mean of the last points, of both curves") });
        this.toggle = add(label, "input", { type: "checkbox", role: "switch" });
        this.toggle.checked = choice.smooth;
        label.append(` ${say("Smooth")}`);
        this.toggle.addEventListener("change", () => {
            choice.smooth = this.toggle.checked;
            this.changed();
        });
    }

    choose() { this.draw(this.frame); }

    // In the corner that curves leave free.
    drawLegend() {
        this.legend.replaceChildren();
        const { validates, previous } = this.scene, { seeds } = this.frame;
        const entries = validates ? ["training", "validation"].map(of => [of, IMAGES[of]]) : [];
        const mean = ["training", say("mean of {seeds} seeds", { seeds })], thisRun = say("this run");
        if (seeds > 1) entries.push(...validates ? [] : [mean], ["raw", thisRun]);
        if (previous.length && !entries.length) entries.push(["training", thisRun]);
        if (previous.length) entries.push(["previous", say("previous run")]);
        if (this.scene.isLarge) return this.drawNames(validates ? RUNS.training : seeds > 1 ? say("mean") : thisRun);
        entries.forEach(([of, text], i) => {
            const y = this.name === "loss" ? TOP + 26 + 16 * i : HEIGHT - BOTTOM - 12 - 16 * (entries.length - 1 - i);
            add(this.legend, "path", { class: `line ${of}`, d: `M${this.width - 132} ${y}h22` });
            add(this.legend, "text", { x: this.width - 104, y: y + 4 }, text);
        });
    }

    // The names at the ends of the lines, for those who sit far away; never one over the other.
    drawNames(training) {
        const ends = [[training, "training", this.curves[0]], [RUNS.validation, "validation", this.curves[1]],
            [RUNS.previous, "previous", this.before]].filter(([, , points]) => points.length);
        const places = ends.map(([text, of, points]) => {
            const [epoch, value] = points.at(-1);
            return { text, of, x: this.x(epoch), y: this.y(value) };
        });
        places.sort((a, b) => a.y - b.y).forEach((place, i) => {
            if (i) place.y = Math.max(place.y, places[i - 1].y + 15);
            add(this.legend, "text", { class: place.of, x: place.x + 8, y: place.y + 4 }, place.text);
        });
    }

    x(epoch) { return LEFT + epoch / this.scene.epochs * (this.width - LEFT - this.right); }

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
        this.ends = frame.ends[this.name];
        const column = this.name === "accuracy" ? 1 : 2;
        this.axes.replaceChildren();
        for (const value of ticks(...this.ends, 5)) {
            add(this.axes, "path", { class: "grid", d: `M${LEFT} ${this.y(value)}H${this.width - this.right}` });
            add(this.axes, "text", { x: LEFT - 6, y: this.y(value) + 4, "text-anchor": "end" },
                FORMATS[this.name][0](value));
        }
        for (const epoch of ticks(0, this.scene.epochs, this.width / 50).filter(Number.isInteger)) {
            add(this.axes, "text", { x: this.x(epoch), y: HEIGHT - BOTTOM + 16, "text-anchor": "middle" }, `${epoch}`);
        }
        add(this.axes, "text", { x: (LEFT + this.width) / 2, y: HEIGHT - 3, "text-anchor": "middle" }, say("epoch"));
        const own = ["training", "validation"].map(of => columnsOf(frame[of], 3, column));
        // Of several seeds: the mean, the lowest and the highest.
        const isGroup = frame.seeds > 1, first = this.name === "accuracy" ? 1 : 4;
        this.bands = ["training", "validation"].map(of =>
            isGroup ? columnsOf(frame[`${of}Band`], 7, first, first + 1, first + 2) : []);
        this.curves = isGroup ? this.bands.map(band => band.map(([epoch, mean]) => [epoch, mean])) : own;
        this.bands.forEach((band, i) => {
            const [lowest, highest] = [2, 3].map(end => band.map(place => [place[0], place[end]]));
            this.areas[i].setAttribute("d", this.path([...lowest, ...highest.reverse()]));
        });
        const [low, high] = this.ends;
        this.before = this.scene.previous.map(point => [point[0], point[column]])
            .filter(([epoch, value]) => epoch <= this.scene.epochs && value !== null && value >= low && value <= high);
        this.previous.setAttribute("d", this.path(this.before));
        this.drawLegend();
        this.raw.setAttribute("d", isGroup || choice.smooth ? this.path(own[0]) : "");
        if (choice.smooth) this.curves[0] = smoothed(this.curves[0]);
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
                say("higher values are cut off at {high}", { high: FORMATS.loss[0](this.ends[1]) }));
        }
        const last = this.curves[0].at(-1), name = NAMES[this.name];
        const value = last ? (this.name === "accuracy" ? figure(last[1], 1, "percent") : figure(last[1], 3)) : "";
        this.title.replaceChildren();
        add(this.title, "b", {}, this.scene.validates ? name : say("{name} on training images", { name }));
        this.title.append(` ${value}${value && isGroup ? ` (${say("mean")})` : ""}`);
        this.drawNear();
    }

    // From the lowest to the highest of several seeds, in words; empty for a single run.
    rangeAt(of, epoch) {
        const place = this.bands[["training", "validation"].indexOf(of)]?.find(one => one[0] === epoch);
        if (!place) return "";
        const [low, high] = place.slice(2).map(FORMATS[this.name][1]);
        return ` (${say("{low} to {high}", { low, high })})`;
    }

    // The values of the point nearest to the pointer.
    point(event) {
        this.pointer = event && event.clientX - this.svg.getBoundingClientRect().left;
        this.drawNear();
    }

    // Stays at a moment of the run; null for none.
    mark(moment) {
        this.marked = moment;
        this.drawNear();
    }

    drawNear() {
        this.near.replaceChildren();
        const [epoch, step] = this.marked ?? [];
        const x = this.pointer ?? (this.marked ? this.x(epoch - 1 + step / this.frame.steps) : null);
        if (x == null || !this.curves) return;
        const found = [...this.curves, this.before].map((points, i) => {
            const at = points.reduce((best, one) =>
                best && Math.abs(this.x(best[0]) - x) <= Math.abs(this.x(one[0]) - x) ? best : one, null);
            return at && { at, of: ["training", "validation", "previous"][i] };
        }).filter(Boolean);
        if (!found.length) return;
        const place = this.x(found[0].at[0]), isLeft = place < this.width / 2;
        add(this.near, "path", { class: "rule", d: `M${place} ${TOP}V${HEIGHT - BOTTOM}` });
        const texts = [say("epoch {epochs}", { epochs: figure(found[0].at[0], 2) }),
            ...found.map(({ at, of }) => `${RUNS[of]} ${FORMATS[this.name][1](at[1])}${this.rangeAt(of, at[0])}`)];
        texts.forEach((text, i) => add(this.near, "text", { x: place + (isLeft ? 8 : -8), y: TOP + 14 + 16 * i,
            "text-anchor": isLeft ? "start" : "end" }, text));
        found.forEach(({ at, of }) =>
            add(this.near, "circle", { class: of, r: 4, cx: this.x(at[0]), cy: this.y(at[1]) }));
    }
}

// How far the run is: a line of text above a bar.
class Progress {
    constructor(parent) {
        const box = add(parent, "div", { class: "progress" });
        this.text = add(box, "p");
        this.bar = add(box, "div", { role: "progressbar", "aria-label": say("Progress of the run"), "aria-valuemin": 0,
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
