// What a network has learned: twelve test images with its answers, its first layer, and what one image does inside it.

const [BLOCK, IMAGE, BARS, LABELS] = [140, 84, 96, 30];  // Pixels: height of a layer, side of the image, width, height.
const [LARGEST_CELL, SMALLEST_CELL, LEAST_GAP] = [10, 3, 26];
const [TIP_WIDTH, MOST_EXCITING, POINTER_REST] = [190, 3, 80];
const STEPS = 127;  // Activations come in steps of 1/127 of the largest one.
// They stay when the panel shows another run.
// A guest is an image that is not one of the twelve: `query` asks for what it does inside the network.
const choice = { image: 0, guest: null, isFlawless: false, onlyChange: false, smooth: false };

const article = name => !/^\d$/.test(name) ? name : name === "8" ? say("an {name}", { name }) : say("a {name}", { name });
const largestOf = values => values.reduce((best, value, i) => value > values[best] ? i : best, 0);

// The colours of values above and below 0, and of what is quiet.
function colorsOf(element) {
    const style = getComputedStyle(element);
    const [ink, error, quiet] = ["--ink", "--error", "--quiet"].map(name => style.getPropertyValue(name).trim());
    const [inkParts, errorParts] = [ink, error].map(hex => [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16)));
    return { ink, error, quiet, inkParts, errorParts, text: style.color };
}

// Values in [-1, 1] as squares in a picture: blue above 0, orange below. One image is drawn much faster than squares.
const scratch = document.createElement("canvas");

function drawSigned(pixels, colors, values, [height, width], left, top, side) {
    const image = new ImageData(width, height);
    values.forEach((value, i) => {
        image.data.set(value > 0 ? colors.inkParts : colors.errorParts, 4 * i);
        image.data[4 * i + 3] = 255 * Math.min(1, Math.abs(value));
    });
    Object.assign(scratch, { width, height });
    scratch.getContext("2d").putImageData(image, 0, 0);
    pixels.imageSmoothingEnabled = false;
    pixels.drawImage(scratch, left, top, side, side * height / width);
}

function drawImage(canvas, images, number) {
    const [, height, width] = images.shape, image = new ImageData(width, height);
    for (let pixel = 0; pixel < width * height; pixel++) {
        image.data.fill(238 * (1 - images[number * width * height + pixel] / 255), 4 * pixel, 4 * pixel + 3);
        image.data[4 * pixel + 3] = 255;
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
}

// Twelve test images; the chosen one goes through the network.
// `chosen` gets the number of one of them, `invite` the query for a guest.
class Samples {
    constructor(parent, scene, chosen, invite) {
        Object.assign(this, { scene, invite });
        const box = add(parent, "figure"), caption = add(box, "figcaption");
        add(caption, "b", {}, `${say("How it reads twelve test images")} `);
        this.next = add(caption, "button", { class: "link", type: "button" }, say("Next mistake"));
        this.next.title = say("Go to the next test image that it misreads, of all test images.");
        this.next.addEventListener("click", () => this.nextMistake());
        caption.append(" ");
        this.own = add(caption, "button", { class: "link", type: "button", hidden: "" }, say("Your drawing"));
        this.own.title = say("Your last drawing on the Draw page.");
        this.own.addEventListener("click", () => invite(`pixels=${drawing}`));
        const row = add(box, "div", { class: "samples" }), [count, height, width] = scene.images.shape;
        this.places = Array.from({ length: count }, (_, i) => {
            const button = add(row, "button", { type: "button", title: say("Show it in the network") });
            const canvas = add(button, "canvas", { width, height });
            drawImage(canvas, scene.images, i);
            button.addEventListener("click", () => chosen(i));
            return { button, text: add(button, "span") };
        });
        this.below = add(box, "p", { role: "status" });
        this.choose();
    }

    choose() {
        const isOne = i => !choice.guest && i === choice.image;
        this.places.forEach(({ button }, i) => button.setAttribute("aria-pressed", String(isOne(i))));
        this.own.hidden = !drawing;
        this.below.textContent = choice.isFlawless ? say("No mistakes: it reads every test image right.")
            : say("Blue is right, orange is wrong. Choose one to see it inside the network.");
    }

    // The twelve are the first of all test images.
    nextMistake() { this.invite(`mistake=${Math.max(0, choice.guest?.index ?? choice.image)}`); }

    draw({ probabilities }) {
        if (!probabilities) return;
        const { names, labels } = this.scene;
        this.answers = this.places.map((_, i) => largestOf(probabilities.subarray(10 * i, 10 * i + 10)));
        this.places.forEach(({ button, text }, i) => {
            const answer = this.answers[i];
            text.className = answer === labels[i] ? "right" : "wrong";
            text.replaceChildren();
            add(text, "b", {}, names[answer]);
            text.append(` ${figure(probabilities[10 * i + answer], 0, "percent")}`);
            button.setAttribute("aria-label", say("Test image of {thing}, read as {answer}.",
                { thing: article(names[labels[i]]), answer: article(names[answer]) }));
        });
    }
}

// Signed pictures in rows of four: blue where ink speaks for the unit, orange where it speaks against it.
class FirstLayer {
    constructor(parent, scene) {
        Object.assign(this, { scene });
        const box = add(parent, "figure", { class: "first" });
        add(add(box, "figcaption"), "b", {}, say("First layer"));
        this.canvas = add(box, "canvas", { class: "weights", role: "img" });
        const label = add(box, "label");
        this.toggle = add(label, "input", { type: "checkbox", role: "switch" });
        this.toggle.checked = choice.onlyChange;
        label.append(` ${say("Only the change")}`);
        label.title = say("Without the random weights that it started with.");
        this.toggle.addEventListener("change", () => {
            choice.onlyChange = this.toggle.checked;
            this.draw(this.frame);
        });
        this.draw({ pictures: scene.pictures });
    }

    draw(frame) {
        if (!frame.pictures) return;
        this.frame = frame;
        const { pictures } = frame, { scene } = this, [count, height, width] = pictures.shape;
        const [size, side, gap, columns] = [height * width, 32, 4, Math.min(count, 4)];
        // Each pixel of the picture is two on the screen, so that it is sharp on a phone too.
        this.canvas.width = 2 * columns * (side + gap);
        this.canvas.height = 2 * Math.ceil(count / columns) * (side + gap);
        this.canvas.style.width = `${columns * (side + gap)}px`;
        const pixels = this.canvas.getContext("2d"), colors = colorsOf(this.canvas);
        for (let unit = 0; unit < count; unit++) {
            const values = Float32Array.from({ length: size }, (_, i) => pictures[unit * size + i]
                - (choice.onlyChange ? scene.pictures[unit * size + i] : 0));
            const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
            const [left, top] = [unit % columns, Math.floor(unit / columns)].map(at => 2 * at * (side + gap) + gap);
            drawSigned(pixels, colors, values.map(value => value / largest), [height, width], left, top, 2 * side);
        }
        const meaning = say("A picture for each unit: blue where ink speaks for it, orange where ink speaks against it.");
        const title = choice.onlyChange ? say("Weights of the first layer, minus the random start.")
            : say("Weights of the first layer.");
        this.canvas.setAttribute("aria-label", `${title} ${meaning}`);
    }
}

// One image on its way through the network: a block for each layer, the strongest connections, and ten bars.
// `weightsOf(layer, unit)` asks the server for the weights of a unit.
class Network {
    constructor(parent, scene, weightsOf, askAgain) {
        Object.assign(this, { scene, weightsOf, askAgain, pointed: null });
        const box = add(parent, "figure", { class: "network" }), caption = add(box, "figcaption");
        add(caption, "b", {}, say("Inside the network"));
        this.hint = add(caption, "span", { class: "hint" });
        this.canvas = add(box, "canvas", { tabindex: 0, role: "img", "aria-label": say("The network: not computed yet."),
            height: BLOCK + LABELS });
        this.tip = add(box, "div", { class: "tip", hidden: "" });
        this.spoken = add(box, "p", { class: "spoken", role: "status" });
        this.note = add(box, "p", { class: "note" });
        this.note.title = say("Weights changed by: how much the weights changed, in percent of their size before. "
            + "Near 0%: they hardly learn. Tens of percent in a few batches: the steps are too large.");
        this.canvas.addEventListener("pointermove", event => this.point(this.unitAt(event)));
        this.canvas.addEventListener("pointerdown", event => this.point(this.unitAt(event)));
        this.canvas.addEventListener("pointerleave", () => this.point(null));
        this.canvas.addEventListener("blur", () => this.point(null));
        this.canvas.addEventListener("keydown", event => this.step(event));
        new ResizeObserver(([{ contentRect }]) => {
            this.width = contentRect.width;
            this.draw(this.frame ?? {});
        }).observe(this.canvas);
    }

    // The place of each layer's units, as large as the width allows.
    arrange() {
        const { layers } = this.scene, room = this.width - IMAGE - BARS;
        const blocksOf = cell => layers.map(({ shown, filters }) => {
            const size = filters ? 3.5 * cell : cell, rows = Math.min(shown, Math.floor(BLOCK / size));
            return { size, rows, width: Math.ceil(shown / rows) * size, height: rows * size };
        });
        let cell = LARGEST_CELL, blocks;
        do {
            blocks = blocksOf(cell);
            this.gap = (room - blocks.reduce((sum, { width }) => sum + width, 0)) / (layers.length + 1);
        } while (this.gap < LEAST_GAP && --cell >= SMALLEST_CELL);
        let x = IMAGE + this.gap;
        for (const block of blocks) {
            Object.assign(block, { x, y: (BLOCK - block.height) / 2 });
            x += block.width + this.gap;
        }
        this.blocks = blocks;
    }

    choose() {
        this.draw({});
        if (choice.guest?.query === this.guest) return;
        this.guest = choice.guest?.query;
        this.spoken.textContent = choice.guest ? this.hint.textContent : "";  // Once for each, not for each frame.
    }

    // What is shown: the image, what it does inside the network, and its number among these.
    shown() {
        const { guest, image } = choice, { images, labels } = this.scene;
        if (guest) return { images: guest.image, frame: guest, number: 0, label: guest.label };
        return { images, frame: this.frame, number: image, label: labels[image] };
    }

    answerOf({ frame, number }) { return frame?.probabilities.subarray(10 * number, 10 * number + 10); }

    placeOf(layer, unit) {
        const { x, y, rows, size } = this.blocks[layer];
        return [x + Math.floor(unit / rows) * size, y + unit % rows * size, size];
    }

    barOf(number) { return [this.width - BARS, (number + 0.5) * BLOCK / 10]; }

    draw(frame) {
        if (frame.probabilities) this.frame = frame;
        if (frame.probabilities && choice.guest) this.askAgain();  // The network has changed.
        if (!this.width) return;
        const scale = devicePixelRatio || 1, pixels = this.canvas.getContext("2d"), colors = colorsOf(this.canvas);
        this.canvas.width = this.width * scale;
        this.canvas.height = (BLOCK + LABELS) * scale;
        pixels.scale(scale, scale);
        pixels.font = `12px ${getComputedStyle(this.canvas).fontFamily}`;
        this.arrange();
        this.drawInput(pixels, colors);
        this.scene.layers.forEach((layer, k) => this.drawLinks(pixels, colors, k));
        this.scene.layers.forEach((layer, k) => this.drawLayer(pixels, colors, layer, k));
        this.drawBars(pixels, colors);
        this.describe();
        if (this.pointed) this.drawTip();
        if (this.pointed && frame.probabilities) this.ask(this.pointed);  // Its weights have changed too.
    }

    drawInput(pixels, colors) {
        const { images, number } = this.shown(), [, height, width] = images.shape, top = (BLOCK - IMAGE) / 2;
        this.input ??= Object.assign(document.createElement("canvas"), { width, height });
        drawImage(this.input, images, number);
        pixels.imageSmoothingEnabled = false;
        pixels.drawImage(this.input, 0, top, IMAGE, IMAGE);
        this.write(pixels, colors, [say("784 pixels")], IMAGE / 2);
        const block = this.blocks[0] ?? { x: this.width - BARS, y: 0, height: BLOCK };
        pixels.globalAlpha = 0.12;
        pixels.fillStyle = colors.quiet;
        pixels.beginPath();
        pixels.moveTo(IMAGE, top);
        pixels.lineTo(block.x, block.y);
        pixels.lineTo(block.x, block.y + block.height);
        pixels.lineTo(IMAGE, top + IMAGE);
        pixels.fill();
        pixels.globalAlpha = 1;
    }

    drawLinks(pixels, colors, k) {
        const { frame, number } = this.shown(), links = frame?.[`links${k}`], strengths = frame?.[`strengths${k}`];
        if (!links?.shape[1]) return;
        const count = links.shape[1], next = this.blocks[k + 1];
        for (let i = number * count; i < (number + 1) * count; i++) {
            const [x, y, size] = this.placeOf(k, links[2 * i]), to = links[2 * i + 1];
            const [right, below, far] = next ? this.placeOf(k + 1, to) : [...this.barOf(to), 0];
            pixels.globalAlpha = 0.15 + 0.65 * Math.abs(strengths[i]) / STEPS;
            pixels.strokeStyle = strengths[i] > 0 ? colors.ink : colors.error;
            pixels.beginPath();
            pixels.moveTo(x + size / 2, y + size / 2);
            pixels.lineTo(right + far / 2, below + far / 2);
            pixels.stroke();
        }
        pixels.globalAlpha = 1;
    }

    drawLayer(pixels, colors, layer, k) {
        const { frame, number } = this.shown(), found = frame?.[`activations${k}`], shape = found?.shape.slice(2) ?? [];
        const area = shape.reduce((a, b) => a * b, 1), start = number * layer.shown * area;
        for (let unit = 0; unit < layer.shown; unit++) {
            const [x, y, size] = this.placeOf(k, unit);
            pixels.clearRect(x, y, size - 1, size - 1);
            pixels.globalAlpha = 0.18;
            pixels.fillStyle = colors.quiet;
            pixels.fillRect(x, y, size - 1, size - 1);
            pixels.globalAlpha = 1;
            const values = found?.subarray(start + unit * area, start + (unit + 1) * area);
            if (values && area > 1) {
                drawSigned(pixels, colors, Float32Array.from(values, value => value / STEPS), shape, x, y, size - 1);
            } else if (values) {
                pixels.globalAlpha = Math.abs(values[0]) / STEPS;
                pixels.fillStyle = values[0] > 0 ? colors.ink : colors.error;
                pixels.fillRect(x, y, size - 1, size - 1);
                pixels.globalAlpha = 1;
            }
            if (this.pointed?.layer === k && this.pointed.unit === unit) {
                pixels.strokeStyle = colors.text;
                pixels.strokeRect(x - 0.5, y - 0.5, size, size);
            }
        }
        const { x, width } = this.blocks[k];
        const rest = layer.shown < layer.units ? [say("first {count} shown", { count: layer.shown })] : [];
        const units = layer.filters ? say("{units} filters", { units: layer.units }) : layer.units;
        this.write(pixels, colors, [`${units} ${say(layer.activation)}`, ...rest], x + width / 2);
    }

    drawBars(pixels, colors) {
        const { names, classes } = this.scene, shown = this.shown();
        const found = this.answerOf(shown), best = found && largestOf(found);
        names.slice(0, classes).forEach((name, i) => {
            const [x, y] = this.barOf(i), left = x + 6 + (name.length > 1 ? 0 : 12);
            pixels.textAlign = "left";
            pixels.fillStyle = !found || shown.label < 0 ? colors.quiet : i === shown.label ? colors.ink : colors.error;
            pixels.globalAlpha = 0.8;
            if (found) pixels.fillRect(left, y - 4, (BARS - 18) * found[i], 9);
            pixels.globalAlpha = 1;
            pixels.fillStyle = colors.text;
            pixels.fillText(name.length > 9 ? `${name.slice(0, 8)}…` : name, x + 6, y + 4);
            if (i === best && name.length === 1 && found[i] < 0.6) {
                pixels.fillText(figure(found[i], 0, "percent"), left + (BARS - 18) * found[i] + 4, y + 4);
            }
        });
        this.write(pixels, colors, [say("its answer")], this.width - BARS / 2);
    }

    write(pixels, colors, lines, x) {
        pixels.textAlign = "center";
        pixels.fillStyle = colors.text;
        lines.forEach((line, i) => pixels.fillText(line, x, BLOCK + 13 + 14 * i));
    }

    // One sentence on the whole picture, and one line for each layer with units that do not react.
    describe() {
        if (!this.frame) return;
        const { names, layers } = this.scene, { guest } = choice, shown = this.shown();
        const found = this.answerOf(shown), best = found && largestOf(found);
        const answer = found && article(names[best]);
        if (!this.pointed && found) {
            const said = { answer, sure: figure(found[best], 0, "percent") };
            const sentence = shown.label < 0 ? say("The network and your drawing: its answer is {answer}, {sure} sure.", said)
                : say("The network and the image of {thing}: its answer is {answer}, {sure} sure.",
                    { ...said, thing: article(names[shown.label]) });
            this.canvas.setAttribute("aria-label", `${sentence} ${say("Arrow keys go through its units.")}`);
        }
        const hint = layers.length ? say("Point at a unit. Blue is above 0, orange below.") : "";
        this.hint.textContent = ` ${guest ? this.guestInWords(guest, answer) : hint}`;
        const lines = layers.map(({ units, filters }, k) => {
            const values = { layer: k + 1, stuck: this.frame.stuck[k], units };
            return filters ? say("Layer {layer}: {stuck} of {units} filters answer the same to all twelve images.", values)
                : say("Layer {layer}: {stuck} of {units} units answer the same to all twelve images.", values);
        });
        this.note.textContent = [...lines.filter((_, k) => this.frame.stuck[k]), this.changes()].join(" ");
    }

    guestInWords({ index, label }, answer) {
        if (index < 0) return say("Your drawing, read as {answer}.", { answer });
        const thing = article(this.scene.names[label]);
        return say("Test image {index} of {thing}, read as {answer}.", { index: figure(index), thing, answer });
    }

    // How much the weights of each layer have moved since the last picture.
    changes() {
        const { changes, batches } = this.frame, percent = { style: "percent", maximumSignificantDigits: 2 };
        if (!changes) return "";
        const last = changes.length - 1, moved = changes.map((change, k) => {
            const name = k < last ? say("layer {layer}", { layer: k + 1 }) : say("output");
            return `${name} ${change === null ? say("not a number") : change.toLocaleString(LANGUAGE, percent)}`;
        }).join(", ");
        return batches === 1 ? say("Weights changed by: {moved} (last batch).", { moved })
            : say("Weights changed by: {moved} (last {batches} batches).", { moved, batches });
    }

    unitAt({ clientX, clientY }) {
        const box = this.canvas.getBoundingClientRect(), [across, down] = [clientX - box.left, clientY - box.top];
        for (const [layer, { x, y, width, height, size, rows }] of (this.blocks ?? []).entries()) {
            if (across < x || across >= x + width || down < y || down >= y + height) continue;
            const unit = Math.floor((across - x) / size) * rows + Math.floor((down - y) / size);
            if (unit < this.scene.layers[layer].shown) return { layer, unit };
        }
        return null;
    }

    // Arrow keys: along the layer, and to the next one.
    step(event) {
        const { layers } = this.scene, at = this.pointed;
        const steps = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
        const [across, along] = steps[event.key] ?? [0, 0];
        if (event.key === "Escape") this.point(null);
        if (!layers.length || !(across || along)) return;
        event.preventDefault();
        const layer = at ? Math.min(Math.max(at.layer + across, 0), layers.length - 1) : 0;
        const unit = at ? Math.min(Math.max(at.unit + along, 0), layers[layer].shown - 1) : 0;
        this.point({ layer, unit });
    }

    point(place) {
        if (place?.layer === this.pointed?.layer && place?.unit === this.pointed?.unit) return;
        this.pointed = place;
        this.tip.hidden = !place;
        this.weights = null;
        clearTimeout(this.wait);
        if (place) this.wait = setTimeout(() => this.ask(place), POINTER_REST);  // Not while the pointer passes by.
        this.draw({});
        // Once for each unit, not for each frame.
        const said = place ? [...this.tip.querySelectorAll("b, p")].slice(0, 2) : [];
        this.spoken.textContent = said.map(one => one.textContent).join(". ");
    }

    async ask(place) {
        const weights = await this.weightsOf(place.layer, place.unit);
        if (this.pointed !== place || !weights) return;
        this.weights = weights;
        this.drawTip();
    }

    // The pointed unit: its activation, the images that excite it most, and its weights.
    drawTip() {
        const { layer, unit } = this.pointed, { shown, filters } = this.scene.layers[layer], { images } = this.scene;
        const [x, , size] = this.placeOf(layer, unit), found = this.frame?.[`activations${layer}`];
        this.tip.replaceChildren();
        add(this.tip, "b", {}, filters
            ? say("Filter {unit} of layer {layer}", { unit: unit + 1, layer: layer + 1 })
            : say("Unit {unit} of layer {layer}", { unit: unit + 1, layer: layer + 1 }));
        if (found) {
            const count = images.shape[0], area = found.length / count / shown;
            const of = i => found.subarray((i * shown + unit) * area, (i * shown + unit + 1) * area);
            const excited = Array.from({ length: count }, (_, i) => of(i).reduce((a, b) => Math.max(a, b), -STEPS));
            const { frame, number } = this.shown(), own = frame[`activations${layer}`];
            const here = own.subarray((number * shown + unit) * area, (number * shown + unit + 1) * area);
            const value = here.reduce((a, b) => Math.max(a, b), -STEPS) / STEPS * frame.scales[layer];
            add(this.tip, "p", {}, filters
                ? say("Largest activation: {value}", { value: precise(value) })
                : say("Activation: {value}", { value: precise(value) }));
            const isExcited = Math.max(...excited) > 0;
            add(this.tip, "p", {}, isExcited ? say("Largest activation for:") : say("It is 0 or less for all twelve images."));
            const row = add(this.tip, "div", { class: "exciting" });
            const order = excited.map((_, i) => i).sort((a, b) => excited[b] - excited[a]);
            for (const i of order.slice(0, isExcited ? MOST_EXCITING : 0)) {
                drawImage(add(row, "canvas", { width: images.shape[2], height: images.shape[1] }), images, i);
            }
        }
        if (this.weights) this.drawWeights(layer);
        const left = Math.max(0, Math.min(x + size + 8, this.width - TIP_WIDTH));
        this.tip.style.left = `${left > x + size ? left : Math.max(0, x - TIP_WIDTH - 12)}px`;
    }

    drawWeights(layer) {
        const { weights } = this, before = this.scene.layers[layer - 1];
        add(this.tip, "p", {}, before && !before.filters ? say("Its weights for the units before:") : say("Its weights:"));
        const isRow = weights.shape[2] > 1 && weights.shape[1] === 1, [count, ...shape] = weights.shape;
        // The units before are in columns, so their weights are drawn at the same places.
        const rows = isRow ? this.blocks[layer - 1].rows : shape[0];
        const across = isRow ? Math.ceil(weights.length / rows) : shape[1];
        const values = Array.from({ length: count * rows * across }, (_, i) => isRow
            ? (weights[i % across * rows + Math.floor(i / across)] ?? 0) / STEPS : weights[i] / STEPS);
        const columns = Math.min(count, 4), side = count > 1 ? 40 : Math.min(84, across * 9);
        const tall = side * rows / across;
        const canvas = add(this.tip, "canvas", { class: "weights", width: 2 * columns * (side + 2),
            height: 2 * Math.ceil(count / columns) * (tall + 2) });
        canvas.style.width = `${columns * (side + 2)}px`;
        const pixels = canvas.getContext("2d"), colors = colorsOf(canvas);
        for (let i = 0; i < count; i++) {
            drawSigned(pixels, colors, values.slice(i * rows * across, (i + 1) * rows * across), [rows, across],
                2 * (i % columns) * (side + 2), 2 * Math.floor(i / columns) * (tall + 2), 2 * side);
        }
    }
}
