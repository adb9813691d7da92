// The exact world of chapter 06 in the plane, and the sampler of chapter 07: equal round Gaussians,
// the linear chain of 1000 times. A world is {centres: [[x, y], ...], spread}.
export const T = 1000;

export const signal = [1];
for (let t = 0; t < T; t++)
    signal.push(signal[t] * (1 - (1e-4 + (0.02 - 1e-4) * t / (T - 1))));

// The mean of the image given the state, the mean of the noise (6.10), and the score (6.12a).
export function predict({centres, spread}, state, t) {
    const root = Math.sqrt(signal[t]), noise = 1 - signal[t];
    const variance = signal[t] * spread ** 2 + noise, gain = root * spread ** 2 / variance;
    const off = centres.map((centre) => centre.map((c, k) => state[k] - root * c));
    const logs = off.map(([x, y]) => -(x * x + y * y) / (2 * variance));
    const largest = Math.max(...logs), weights = logs.map((log) => Math.exp(log - largest));
    const total = weights.reduce((a, b) => a + b);
    const image = [0, 1].map((k) =>
        centres.reduce((sum, centre, i) => sum + weights[i] * (centre[k] + gain * off[i][k]), 0) / total);
    const epsilon = image.map((x, k) => (state[k] - root * x) / Math.sqrt(noise));
    return {image, epsilon, score: epsilon.map((e) => -e / Math.sqrt(noise))};
}

// One step (7.38), from t to any earlier s, given the predictions at t; fresh is standard normal
// noise, and signal holds the chain's products.
export function step(signal, {image, epsilon}, t, s, eta, fresh) {
    const sigma = eta * Math.sqrt((1 - signal[s]) / (1 - signal[t]) * (1 - signal[t] / signal[s]));
    const rest = Math.sqrt(Math.max(1 - signal[s] - sigma ** 2, 0));
    return image.map((x, k) => Math.sqrt(signal[s]) * x + rest * epsilon[k] + sigma * fresh[k]);
}

// The times of a walk, from T to 0: equally far apart, or "quadratic", closer towards the image.
export function times(steps, spacing = "trailing") {
    const power = {trailing: 1, quadratic: 2}[spacing];
    return Array.from({length: steps + 1}, (_, i) => steps - i)
        .map((i) => Math.max(i, Math.round(T * (i / steps) ** power)));
}

// Standard normal numbers that are the same for the same seed (mulberry32, Box and Muller).
export function normals(seed) {
    const uniform = () => {
        seed = (seed + 0x6d2b79f5) | 0;
        let a = Math.imul(seed ^ (seed >>> 15), 1 | seed);
        a = (a + Math.imul(a ^ (a >>> 7), 61 | a)) ^ a;
        return ((a ^ (a >>> 14)) >>> 0) / 2 ** 32;
    };
    return () => {
        const radius = Math.sqrt(-2 * Math.log(1 - uniform())), angle = 2 * Math.PI * uniform();
        return [radius * Math.cos(angle), radius * Math.sin(angle)];
    };
}

// The states of a walk from each of these starts: one list of states for every time.
export function walk(world, starts, steps, eta, draw) {
    const [first, ...rest] = times(steps), states = [starts];
    let t = first;
    for (const s of rest) {
        states.push(states.at(-1).map((state) =>
            step(signal, predict(world, state, t), t, s, eta, draw())));
        t = s;
    }
    return states;
}
