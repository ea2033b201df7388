// The parts of the live panel. Each gets a scene once for a run, and one of them asks for frames at its address;
// `unpack` is the inverse of `live_frame.pack`. Their code is in live_curves.js, live_timeline.js and live_network.js.

const SVG = "http://www.w3.org/2000/svg";
// How long to wait for an answer, how often to ask again after a failure, and how long a slow server may need for another
// page, in milliseconds.
const [PATIENCE, FIRST_WAIT, LONGEST_WAIT, LONGEST_LEAVING] = [20_000, 500, 8_000, 60_000];

function unpack(bytes) {
    const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const { arrays, ...rest } = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
    const types = { float32: Float32Array, int16: Int16Array, int8: Int8Array, uint8: Uint8Array };
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

// Streamlit sends a component's request with the page that is on the screen. After a click on the link of another page
// that would bring the visitor back, so the panel does not ask for its page until that one should have come.
let leftAt = -Infinity, here = location.pathname;
const leave = () => { leftAt = performance.now(); };
const hasJustLeft = () => performance.now() - leftAt < LONGEST_LEAVING;
addEventListener("click", event => {
    const link = event.composedPath().find(one => one.tagName === "A");
    const isOfPage = link?.origin === location.origin && link.target !== "_blank";
    if (isOfPage && link.pathname !== location.pathname) leave();
}, true);
addEventListener("popstate", () => { if (location.pathname !== here) leave(); });  // Not between steps of one page.

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

    // The newest frame, drawn; nothing if it did not come.
    async next() {
        const address = this.address;
        const frame = await fetchPacked(address, `after=${this.version}&language=${LANGUAGE}`);
        if (!frame || address !== this.address) return frame;  // The page may show another run by now.
        this.version = frame.version;
        this.draw(address, frame);
        if (frame.page !== this.page) this.ask(frame.page);
        else this.isAwaited = frame.isActive;
        return frame;
    }

    // Once for each state of the run, and again if nothing has come of it.
    ask(page) {
        if (hasJustLeft()) return;
        if (this.asked === page && performance.now() - this.askedAt < LONGEST_WAIT) return;
        [this.asked, this.askedAt] = [page, performance.now()];
        this.askForPage(page);
    }
}

// All parts of the panel draw the same frames. This module is loaded once for a page, so they meet here. `past` is the
// moment that is shown instead of the newest frame; the curves go on.
const parts = new Set();
let newest = { address: null, frame: {} };
let past = { address: null, moment: null, frame: null };

function show(address, frame) {
    if (newest.address !== address) newest = { address, frame: {} };
    Object.assign(newest.frame, frame);
    const isPast = past.address === address && past.moment;
    for (const part of parts) if (part.address === address && !(part.isInside && isPast)) part.draw(frame);
    answerTheDoor();
}

function showMoment(address, moment, frame) {
    past = { address, moment, frame };
    for (const part of parts) {
        if (part.address !== address) continue;
        part.drawn.forEach(one => one.mark?.(moment));
        if (part.isInside) part.draw(moment ? frame : newest.frame);
    }
}

// What an address has for a query, unpacked; undefined if it has no such thing, null if there was no answer.
// If the server does not know the address any more, the page is asked for, and brings another one.
async function fetchPacked(address, query) {
    try {
        const answer = await fetch(`${address}?${query}`, { signal: AbortSignal.timeout(PATIENCE) });
        if (answer.status === 404) return undefined;
        if (answer.status === 410) for (const part of parts) if (part.address === address) part.follower?.ask("unknown");
        return answer.ok ? unpack(new Uint8Array(await answer.arrayBuffer())) : null;
    } catch {
        return null;
    }
}

// The same at the moment that is shown.
function fetchThen(address, query) {
    const then = past.address === address && past.moment ? `&epoch=${past.moment[0]}&step=${past.moment[1]}` : "";
    return fetchPacked(address, query + then);
}

const weightsOf = async (address, layer, unit) =>
    (await fetchThen(address, `layer=${layer}&unit=${unit}`))?.weights;

// The visitor's last drawing, for an address; empty for none.
let drawing = "";
const tellChoice = () => { for (const part of parts) part.drawn.forEach(one => one.choose?.()); };

// Shows a guest: another image than the twelve. One question at a time: the visitor's last press comes first, then what
// the network of now makes of the guest. `network` is the one on the page. A press waits until the network is there, and
// for an answer.
const door = { network: null, press: null, isStale: false, isOpen: false, visits: 0 };

function isNetworkThere() {
    const { address, frame } = newest;
    return address === door.network?.scene.address && Boolean(frame.probabilities || frame.isActive === false);
}

async function answerTheDoor() {
    if (door.isOpen) return;
    door.isOpen = true;
    let wait = FIRST_WAIT;
    while (isNetworkThere() && (door.press || (door.isStale && choice.guest))) {
        const { network, press, visits } = door, query = press ?? choice.guest.query;
        Object.assign(door, { press: null, isStale: false });
        const found = await fetchThen(network.scene.address, query);
        wait = found === null ? Math.min(2 * wait, LONGEST_WAIT) : FIRST_WAIT;
        if (visits !== door.visits) continue;  // The visitor has chosen something else.
        if (found === null || network !== door.network) {  // No answer, or there is another network on the page.
            Object.assign(door, { press, isStale: true });
            if (found === null) await new Promise(resolve => setTimeout(resolve, wait));
            continue;
        }
        choice.isFlawless = Boolean(found && !found.image);
        if (found?.image) choice.guest = { ...found, query: found.index < 0 ? query : `image=${found.index}` };
        else choice.guest = null;  // No mistake, or no such image.
        tellChoice();
    }
    door.isOpen = false;
}

// Draws a part anew for another run, and returns it. `tell` says what the visitor has chosen.
function build(root, scene, tell) {
    root.replaceChildren();
    const row = () => add(root, "div", { class: "row" });
    const choose = image => {
        Object.assign(choice, { image, guest: null, isFlawless: false });
        Object.assign(door, { press: null, visits: door.visits + 1 });
        tellChoice();
    };
    const invite = press => {
        Object.assign(door, { press, visits: door.visits + 1 });
        answerTheDoor();
    };
    let drawn;
    if (scene.pictures) {
        const box = row();
        const askAgain = () => {
            door.isStale = true;
            answerTheDoor();
        };
        door.network = new Network(box, scene, (...unit) => weightsOf(scene.address, ...unit), askAgain);
        drawn = [door.network, new FirstLayer(box, scene)];
        askAgain();  // The guest was seen by another network.
    } else if (scene.images) {
        drawn = [new Samples(root, scene, choose, invite)];
    } else {
        const progress = new Progress(root), box = row();
        past = { address: scene.address, moment: null, frame: null };
        drawn = [progress, new Curves(box, "accuracy", scene, tellChoice), new Curves(box, "loss", scene, tellChoice),
            new Timeline(root, scene, (...moment) => showMoment(scene.address, ...moment), tell), new Speaker(root)];
    }
    const { address } = scene, isInside = Boolean(scene.images);
    const part = { address, isInside, drawn, draw: frame => drawn.forEach(one => one.draw(frame)) };
    if (isInside && past.address === address && past.moment) part.draw(past.frame);
    else if (newest.address === address) part.draw(newest.frame);
    return part;
}

export default function ({ data, parentElement, setTriggerValue }) {
    const scene = unpack(data), isNew = !parentElement.part;
    if (isNew) [leftAt, here] = [-Infinity, location.pathname];  // The visitor has arrived.
    const tell = moment => { if (!hasJustLeft()) setTriggerValue("moment", moment?.join(".") ?? "now"); };
    // The page's script may send the same scene again.
    if (parentElement.part?.address !== scene.address || parentElement.isLarge !== scene.isLarge) {
        parentElement.isLarge = scene.isLarge;
        parts.delete(parentElement.part);
        parentElement.part = build(parentElement.querySelector(".live"), scene, tell);
        parts.add(parentElement.part);
    }
    if (!scene.images) {
        if (scene.drawing !== drawing) {
            drawing = scene.drawing;
            tellChoice();
        }
        parentElement.follower ??= new Follower(show, page => setTriggerValue("outdated", page));
        parentElement.part.follower = parentElement.follower;
        parentElement.follower.follow(scene);
    }
    if (isNew) {
        return () => {
            parentElement.follower?.stop();
            parts.delete(parentElement.part);
            if (parentElement.part.drawn.includes(door.network)) {
                Object.assign(door, { network: null, press: null, visits: door.visits + 1 });
            }
        };
    }
}
