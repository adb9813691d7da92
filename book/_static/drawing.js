// The page "Playground": a trained network draws, by two samplers from the same noise.
import {normals, step, times} from "./world.js";

const folder = new URL("../network/", import.meta.url);
const COUNT = 10;

// The states of a walk, as they come. predict gives the network's image for a state at t; draw
// gives two standard normal numbers; the image is kept within [-1, 1], as in training.
export async function* walk(signal, predict, start, {steps, spacing, eta}, draw) {
    const [first, ...rest] = times(steps, spacing);
    let state = start, t = first;
    yield state;
    for (const s of rest) {
        const root = Math.sqrt(signal[t]), left = Math.sqrt(1 - signal[t]);
        const predicted = await predict(state, t);
        const image = predicted.map((x) => Math.max(-1, Math.min(1, x)));
        const epsilon = state.map((x, k) => (x - root * image[k]) / left);
        state = step(signal, {image, epsilon}, t, s, eta, fill(state.length, draw));
        t = s;
        yield state;
    }
}

export function fill(length, draw) {
    const numbers = new Float32Array(length);
    for (let k = 0; k < length; k += 2) numbers.set(draw().slice(0, length - k), k);
    return numbers;
}

// A network by its name: its facts, and what it predicts for states of images with these labels.
export async function load(name) {
    const ort = await import(new URL("ort.wasm.min.mjs", folder));
    ort.env.wasm.wasmPaths = folder.href;
    ort.env.wasm.numThreads = 1;
    const facts = await (await fetch(new URL(`${name}.json`, folder))).json();
    const session = await ort.InferenceSession.create(new URL(`${name}.onnx`, folder).href);
    const whole = (numbers) => new ort.Tensor("int64", BigInt64Array.from(numbers, BigInt), [numbers.length]);
    const predict = (labels) => async (state, t) => {
        const x = new ort.Tensor("float32", state, [labels.length, ...facts.shape]);
        const {image} = await session.run({x, t: whole(labels.map(() => t)), labels: whole(labels)});
        return image.data;
    };
    return {...facts, predict};
}

const place = document.getElementById("network");
if (place) offer();

async function offer() {
    const {networks: options, runtime} = await (await fetch(new URL("about.json", folder))).json();
    place.innerHTML = `<form>
        <label>network <select name="network">${Object.entries(options).map(([name, {about, size}]) =>
            `<option value="${name}">${about}, ${size} MB</option>`).join("")}</select></label>
        <label>class <select name="label"><option value="">the classes in turn</option></select></label>
        <label>noise number <input name="seed" type="number" min="0" value="1"></label>
        ${["left", "right"].map((side, k) => `<fieldset><legend>${side}</legend>
            <label>steps <output></output><input type="range" name="steps" min="1" max="100" value="${[5, 20][k]}"></label>
            <label>η <output></output><input type="range" name="eta" min="0" max="1" step="0.1" value="0"></label>
            <label>times <select name="spacing"><option>trailing</option><option>quadratic</option></select></label>
            <canvas role="img" aria-label="the images of the ${side} sampler"></canvas><output class="time"></output>
        </fieldset>`).join("")}
        <div class="buttons"><button type="submit">Draw</button></div>
        <p class="cost">The first drawing loads ${runtime} MB from this site, which runs networks in a browser, and the network.</p>
        <output class="said"></output></form>`;
    const form = place.querySelector("form"), said = place.querySelector(".said");
    const sides = [...place.querySelectorAll("fieldset")], loaded = {};
    const show = () => place.querySelectorAll("input[type=range]").forEach((input) =>
        (input.previousElementSibling.value = input.value));
    const name = () => form.elements.network.value;
    const classes = () => form.elements.label.replaceChildren(new Option("the classes in turn", ""),
        ...options[name()].classes.map((word, k) => new Option(word, k)));
    form.addEventListener("input", show);
    form.elements.network.addEventListener("change", classes);
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        const button = form.querySelector("button");
        if (button.getAttribute("aria-disabled")) return;
        button.setAttribute("aria-disabled", "true");
        try {
            said.value = "Loading ...";
            loaded[name()] ??= await load(name());
            const began = performance.now();
            said.value = "Drawing ...";
            for (const side of sides) await draw(loaded[name()], side, form.elements);
            said.value = `Drawn in ${((performance.now() - began) / 1000).toFixed(1)} seconds.`;
        } catch (error) {
            said.value = `This browser could not do it: ${error.message}`;
        }
        button.removeAttribute("aria-disabled");
    });
    show();
    classes();
}

async function draw(network, side, {label, seed}) {
    const [steps, eta] = [...side.querySelectorAll("input")].map((input) => Number(input.value));
    const spacing = side.querySelector("select").value;
    const labels = Array.from({length: COUNT}, (_, k) => label.value === "" ? k % network.classes.length : Number(label.value));
    const source = normals(Number(seed.value));
    const start = fill(COUNT * network.shape.reduce((a, b) => a * b), source);
    const all = times(steps, spacing);
    let count = 0;
    for await (const state of walk(network.signal, network.predict(labels), start, {steps, spacing, eta}, source)) {
        paint(side.querySelector("canvas"), state, network.shape);
        side.querySelector(".time").value = `t = ${all[count++]}`;
        await new Promise(requestAnimationFrame);
    }
}

// The images, of one colour or three: five in a row, a pixel apart.
function paint(canvas, state, [channels, height, width]) {
    const across = 5, size = height * width;
    canvas.width = across * (width + 1) - 1;
    canvas.height = COUNT / across * (height + 1) - 1;
    const pen = canvas.getContext("2d"), pixels = pen.createImageData(canvas.width, canvas.height);
    for (let image = 0; image < COUNT; image++)
        for (let k = 0; k < size; k++) {
            const row = Math.floor(image / across) * (height + 1) + Math.floor(k / width);
            const place = 4 * (row * canvas.width + (image % across) * (width + 1) + k % width);
            for (let colour = 0; colour < 3; colour++)
                pixels.data[place + colour] = 127.5 * (1 + state[(image * channels + colour % channels) * size + k]);
            pixels.data[place + 3] = 255;
        }
    pen.putImageData(pixels, 0, 0);
}
