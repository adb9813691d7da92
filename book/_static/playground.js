// The page "Playground": three Gaussians that can be moved, and two walks from the same noise.
import {normals, predict, signal, times, walk} from "./world.js";

const SIZE = 340, REACH = 3, STARTS = 300, TRACED = 4;
const COLOURS = ["#00508c", "#c85200", "#2e8b57"];
const place = document.getElementById("three-gaussians");

const world = {centres: [[-1.2, -0.6], [1.1, -0.8], [0.2, 1.2]], spread: 0.15};
const to = (x) => (x / REACH + 1) * SIZE / 2;
const back = (pixel) => (pixel * 2 / SIZE - 1) * REACH;

place.innerHTML = `
    <div class="walks"></div>
    <form>
        ${control("time", "t", 0, 1000, 10, 0)}
        ${control("steps", "steps of the left walk", 1, 100, 1, 10)}
        ${control("eta", "η of the left walk", 0, 1, 0.05, 0)}
        ${control("spread", "spread of a Gaussian", 0.03, 0.6, 0.03, world.spread)}
        <div class="buttons">
            <button type="button" name="play">Walk from noise</button>
            <button type="button" name="noise">Other noise</button>
        </div>
        <output></output>
    </form>`;
const form = place.querySelector("form"), said = form.querySelector("output:last-child");
const [left, right] = ["your walk", "1000 steps, η = 1"].map(panel);
let seed = 1;

function control(name, label, min, max, step, value) {
    return `<label>${label} <output>${value}</output>
        <input type="range" name="${name}" min="${min}" max="${max}" step="${step}" value="${value}"></label>`;
}

const value = (name) => Number(form.elements[name].value);

// A picture with its title; the Gaussians can be dragged, or moved by the arrow keys.
function panel(title) {
    const box = document.createElement("figure");
    box.innerHTML = `<figcaption>${title}</figcaption><div>
        <canvas width="${2 * SIZE}" height="${2 * SIZE}" aria-hidden="true"></canvas>
        <svg viewBox="0 0 ${SIZE} ${SIZE}" role="group" aria-label="${title}">${world.centres.map((_, k) =>
            `<circle r="9" tabindex="0" role="img" data-centre="${k}" fill="${COLOURS[k]}"/>`).join("")}</svg></div>`;
    place.querySelector(".walks").append(box);
    const svg = box.querySelector("svg");
    svg.addEventListener("pointerdown", ({target, pointerId}) =>
        target.dataset.centre && target.setPointerCapture(pointerId));
    svg.addEventListener("pointermove", ({target, pointerId, clientX, clientY}) => {
        if (!target.dataset.centre || !target.hasPointerCapture(pointerId)) return;
        const edge = svg.getBoundingClientRect(), scale = SIZE / edge.width;
        move(target.dataset.centre, back((clientX - edge.left) * scale), -back((clientY - edge.top) * scale));
    });
    svg.addEventListener("keydown", (event) => {
        const by = {ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1]}[event.key];
        if (!by) return;
        event.preventDefault();
        const [x, y] = world.centres[event.target.dataset.centre];
        move(event.target.dataset.centre, x + by[0], y + by[1]);
    });
    return box;
}

function move(k, x, y) {
    const inside = (number) => Math.max(-0.9 * REACH, Math.min(0.9 * REACH, number));
    world.centres[k] = [inside(x), inside(y)];
    change();
}

let walks = [];

// Both walks, from the same noise.
function change() {
    world.spread = value("spread");
    const draw = normals(seed), starts = Array.from({length: STARTS}, draw);
    walks = [[left, value("steps"), value("eta")], [right, 1000, 1]].map(([box, steps, eta]) =>
        ({box, at: times(steps), states: walk(world, starts, steps, eta, draw)}));
    show();
}

// What there is to see at the time of the slider.
function show() {
    for (const input of form.querySelectorAll("input")) input.previousElementSibling.value = input.value;
    const ends = walks.map(({box, at, states}) => {
        const now = at.findLastIndex((t) => t >= value("time"));
        paint(box, at[now], states, now);
        return around(states.at(-1));
    });
    said.value = `Within three spreads of a Gaussian end ${ends[0].near} % of your walks and ${ends[1].near} % of the others. `
        + `Their own spread there is ${ends[0].spread} and ${ends[1].spread} times that of the data.`;
}

// How many points are near a Gaussian, and their spread around it, by the median of the distances.
function around(points) {
    const off = points.map(([x, y]) => Math.min(...world.centres.map(([p, q]) => Math.hypot(x - p, y - q))));
    const median = off.sort((a, b) => a - b)[points.length >> 1];
    return {
        near: Math.round(100 * off.filter((distance) => distance < 3 * world.spread).length / points.length),
        spread: (median / (world.spread * Math.sqrt(2 * Math.log(2)))).toFixed(2),
    };
}

function paint(box, t, states, now) {
    const pen = box.querySelector("canvas").getContext("2d");
    const line = (from, to_) => {
        pen.beginPath();
        pen.moveTo(to(from[0]), to(-from[1]));
        pen.lineTo(to(to_[0]), to(-to_[1]));
        pen.stroke();
    };
    pen.setTransform(2, 0, 0, 2, 0, 0);
    pen.clearRect(0, 0, SIZE, SIZE);
    box.querySelector("figcaption").dataset.time = `t = ${t}`;
    // The Gaussians as they are at t, and the direction of the score there.
    world.centres.forEach(([x, y], k) => {
        const radius = 2 * Math.sqrt(signal[t] * world.spread ** 2 + 1 - signal[t]);
        pen.strokeStyle = COLOURS[k];
        pen.beginPath();
        pen.arc(to(Math.sqrt(signal[t]) * x), to(-Math.sqrt(signal[t]) * y), radius * SIZE / (2 * REACH), 0, 7);
        pen.stroke();
    });
    pen.strokeStyle = pen.fillStyle = getComputedStyle(box).getPropertyValue("--color-foreground-muted");
    for (let x = -2.75; x < REACH; x += 0.5)
        for (let y = -2.75; y < REACH; y += 0.5) {
            const {score: [u, v]} = predict(world, [x, y], Math.max(t, 1)), size = Math.hypot(u, v);
            const head = [x + 0.25 * u / size, y + 0.25 * v / size];
            line([x, y], head);
            pen.fillRect(to(head[0]) - 1.5, to(-head[1]) - 1.5, 3, 3);
        }
    pen.strokeStyle = pen.fillStyle = getComputedStyle(box).color;
    pen.lineWidth = 0.5;
    for (let k = 0; k < TRACED; k++)
        for (let i = 0; i < now; i++) line(states[i][k], states[i + 1][k]);
    for (const [x, y] of states[now]) pen.fillRect(to(x) - 1, to(-y) - 1, 2, 2);
    pen.lineWidth = 1;
    box.querySelectorAll("circle").forEach((circle, k) => {
        const [x, y] = world.centres[k];
        circle.setAttribute("cx", to(x));
        circle.setAttribute("cy", to(-y));
        circle.setAttribute("aria-label", `Gaussian ${k + 1} at ${x.toFixed(1)}, ${y.toFixed(1)}: arrow keys move it`);
    });
}

// From noise to image in four seconds.
function play() {
    const begun = performance.now();
    const frame = (now) => {
        form.elements.time.value = Math.max(0, 1000 * (1 - (now - begun) / 4000));
        show();
        if (value("time") > 0) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
}

form.elements.time.addEventListener("input", show);
for (const name of ["steps", "eta", "spread"]) form.elements[name].addEventListener("input", change);
form.elements.play.addEventListener("click", play);
form.elements.noise.addEventListener("click", () => { seed += 1; change(); });
change();
