// Goes back to the kept moments of a run, and plays it from its start.

const [PLAY_TIME, SHORTEST_STEP] = [5_000, 150];
const KEY_REST = 300;  // Arrow keys go through many moments; only the last one is told to the page.

const sameMoment = (one, other) => one?.[0] === other?.[0] && one?.[1] === other?.[1];

// The last place of the slider is the newest frame, or the end of the run. `show(moment, frame)` draws a moment, or the
// newest frame for null; `tell(moment)` says what the visitor has chosen.
class Timeline {
    constructor(parent, scene, show, tell) {
        Object.assign(this, { scene, show, tell, moments: [], moment: null, frames: new Map() });
        const box = add(parent, "div", { class: "timeline", role: "group", "aria-label": say("Time machine") });
        this.play = add(box, "button", { type: "button", class: "play" });
        this.range = add(box, "input", { type: "range", min: 0, step: 1, "aria-label": say("Moment of the run"),
            title: say("Go back to an earlier moment of the run.") });
        this.text = add(box, "span", { class: "moment" });
        this.now = add(box, "button", { type: "button", class: "link" }, say("Back to now"));
        this.play.addEventListener("click", () => this.isPlaying ? this.pause() : this.playAll());
        this.range.addEventListener("input", () => this.choose(Number(this.range.value), KEY_REST));
        this.range.addEventListener("pointerup", () => this.choose(Number(this.range.value)));
        this.now.addEventListener("click", () => this.choose(this.moments.length));
        this.describe();
    }

    // More moments come during a run, and some leave. The slider stays where it is.
    draw({ moments, steps, isActive }) {
        if (isActive !== undefined) this.isActive = isActive;
        if (moments) [this.moments, this.steps] = [moments, steps];
        if (moments && this.scene.moment) {  // Chosen on an earlier visit of the page.
            const before = this.moments.findIndex(one => sameMoment(one, this.scene.moment));
            this.scene.moment = null;
            if (before >= 0) this.go(before);
        }
        this.describe();
    }

    get index() {
        const found = this.moment && this.moments.findIndex(one => sameMoment(one, this.moment));
        return found === null || found < 0 ? this.moments.length : found;
    }

    get isOver() { return this.isActive === false && this.moments.length > 0; }

    get name() {
        if (!this.moment) return this.isOver ? say("The end") : say("Now");
        const [epoch, step] = this.moment, place = epoch - 1 + step / this.steps;
        if (!place) return say("The start");
        return say("Epoch {place}", { place: place < 1 ? figure(place, 2) : Math.round(place) });
    }

    describe() {
        this.range.max = Math.max(1, this.moments.length);
        this.range.value = this.moments.length ? this.index : 1;
        this.range.disabled = this.play.disabled = !this.moments.length;
        this.range.setAttribute("aria-valuetext", this.name);
        this.text.textContent = this.name;
        this.now.textContent = this.isOver ? say("To the end") : say("Back to now");
        this.now.disabled = !this.moment;
        this.play.textContent = this.isPlaying ? "❚❚" : "▶";
        const title = this.isPlaying ? say("Pause") : say("Play the run from its start, in five seconds");
        this.play.title = title;
        this.play.setAttribute("aria-label", title);
    }

    // By the visitor, not by the player. The page hears of it after `rest` milliseconds, unless there is a new choice.
    choose(index, rest = 0) {
        this.pause();
        this.go(index);
        clearTimeout(this.wait);
        this.wait = setTimeout(() => this.tell(this.moment), rest);
    }

    // Shows a moment as soon as it is here. While the slider moves fast, moments are left out.
    async go(index) {
        this.moment = this.moments[index] ?? null;
        this.describe();
        if (this.isLoading) return;
        this.isLoading = true;
        let asked;
        do {
            asked = this.moment;
            const frame = asked && await this.frameOf(asked);
            if (!this.text.isConnected) return;  // The page shows another run by now.
            if (!asked || frame) this.show(asked, frame);
            else if (asked === this.moment) this.text.textContent = say("Not available");
        } while (asked !== this.moment);
        this.isLoading = false;
    }

    async frameOf([epoch, step]) {
        const key = `epoch=${epoch}&step=${step}`;
        if (!this.frames.has(key)) {
            const frame = await fetchPacked(this.scene.address, key);
            if (frame) this.frames.set(key, frame);
        }
        return this.frames.get(key);
    }

    async playAll() {
        const token = this.isPlaying = {}, wait = Math.max(SHORTEST_STEP, PLAY_TIME / this.moments.length);
        for (let i = 0; i <= this.moments.length && this.isPlaying === token && this.text.isConnected; i++) {
            const rest = new Promise(resolve => setTimeout(resolve, wait));
            await this.go(i);
            await rest;
        }
        if (this.isPlaying === token) this.pause();
    }

    pause() {
        this.isPlaying = null;
        this.describe();
    }
}
