// Boxes to type into, below the exercises and in the marks of equations, and what the prover replies.
// It runs in a worker, which is loaded when it is asked for the first time.
(() => {
    const script = document.currentScript, {hash, bytes, compressed, holds} = script.dataset;
    const size = (count) => `${(count / 1e6).toFixed(1)} MB`;
    let worker, queue = Promise.resolve(), shown = Promise.resolve();

    const cannot =
        location.protocol === "file:"
            ? "This page was opened as a file, and a browser lets no such page start the prover. "
              + "Serve the folder of the site, for example with: python -m http.server"
        : !window.Worker || !window.WebAssembly
            ? "This browser cannot run the prover: it has no WebAssembly or no workers."
        : "";

    // --- Asking ---------------------------------------------------------------------------------

    function start() {
        return new Worker(new URL("prover.js", script.src), {type: "module"});
    }

    // One question at a time. What takes longer than the limit ends with its worker.
    function ask(question, progress) {
        return (queue = queue.then(() => new Promise((done) => {
            let clock;
            const end = (reply, broken) => {
                clearTimeout(clock);
                if (broken) worker = worker.terminate();
                done(reply);
            };
            const stopped = (why) => end({verdict: "stopped", text: `**stopped** · ${why}`}, true);
            worker ??= start();
            worker.onerror = (event) => {
                event.preventDefault();
                stopped("the prover could not be loaded. Is this browser older than 2023?");
            };
            worker.onmessage = ({data}) => {
                if (data.progress) progress(data.progress);
                if (data.begun) {
                    progress("Trying numbers, then a proof ...");
                    const {seconds} = script.dataset;
                    clock = setTimeout(
                        () => stopped(`no reply within ${seconds} seconds. The next one starts anew.`),
                        1000 * seconds);
                }
                if (data.reply) end(data.reply);
                if (data.failed) stopped(data.failed);
            };
            worker.postMessage({...question, hash});
        })));
    }

    // --- Showing --------------------------------------------------------------------------------

    function element(name, properties = {}, ...children) {
        const made = Object.assign(document.createElement(name), properties);
        made.append(...children);
        return made;
    }

    // MathJax wants one call at a time; what it cannot show stays as it is typed.
    function show(box, ...content) {
        return (shown = shown.then(() => {
            MathJax.typesetClear([box]);
            box.replaceChildren(...content);
            return MathJax.typesetPromise([box]);
        }).catch(() => {}));
    }

    // Text with $formulas$, `code` and **stress**, as the replies have it.
    function rich(text) {
        return text.split(/(\$[^$]+\$|`[^`]+`|\*\*[^*]+\*\*)/).map((part, i) => {
            if (i % 2 === 0) return part;
            if (part[0] === "$") return element("span", {className: "math", textContent: `\\(${part.slice(1, -1)}\\)`});
            if (part[0] === "`") return element("code", {textContent: part.slice(1, -1)});
            return element("strong", {textContent: part.slice(2, -2)});
        });
    }

    function cost() {
        return element("details", {className: "cost"},
            element("summary", {}, `The first check loads Python and the prover from this site, ${size(bytes)}`),
            `${size(compressed)} where the server compresses: ${holds}, and the course's prover, in a `
            + "package whose SHA-256 is checked: ", element("code", {textContent: hash}),
            `. Nothing that you type leaves this browser, which keeps it for you.`);
    }

    const kept = {
        read(key) { try { return localStorage.getItem(key); } catch { return null; } },
        write(key, text) { try { localStorage.setItem(key, text); } catch { /* it keeps nothing */ } },
        drop(key) { try { localStorage.removeItem(key); } catch { /* it keeps nothing */ } },
    };

    // --- The two kinds of box -------------------------------------------------------------------

    function put(place, {label, what, about, original = "", example = ""}) {
        const key = ["ddpm_course", what, ...about].join(" ");
        const field = element("textarea", {rows: original ? 3 : 1, spellcheck: false, autocapitalize: "off",
            placeholder: example && `for example ${example}`, value: kept.read(key) ?? original});
        const formula = element("div", {className: "math"});
        const preview = element("div", {className: "math-wrapper"}, formula);
        const output = element("output");
        output.setAttribute("aria-live", "polite");
        const check = element("button", {textContent: "Check"});
        const restore = element("button", {type: "button", textContent: "Restore", hidden: !original});
        const box = element("form", {}, element("label", {}, label, field), preview,
            ...(cannot ? [element("p", {}, cannot)]
                : [element("div", {className: "buttons"}, check, restore), output, cost()]));

        let waiting;
        async function draw() {
            await show(formula, field.value.trim() && `\\[${field.value}\\]`);
            fit(preview);
        }
        function say(reply) {
            output.dataset.verdict = reply.verdict ?? "";
            return show(output, ...rich(reply.text));
        }
        field.addEventListener("input", () => {
            kept.write(key, field.value);
            clearTimeout(waiting);
            waiting = setTimeout(draw, 150);
        });
        field.addEventListener("keydown", (event) => {
            if (event.key !== "Enter" || event.shiftKey) return;
            event.preventDefault();
            box.requestSubmit();
        });
        restore.addEventListener("click", () => {
            field.value = original;
            kept.drop(key);
            draw();
            box.requestSubmit();
        });
        box.addEventListener("submit", async (event) => {
            event.preventDefault();
            if (cannot || check.ariaDisabled) return;
            check.ariaDisabled = "true";
            const progress = (text) => say({text});
            progress(worker ? "Waiting ..." : "Loading Python ...");
            await say(await ask({what, about, text: field.value}, progress));
            check.ariaDisabled = null;
        });
        place.replaceChildren(box);
        if (field.value) draw();
        return field;
    }

    window.addEventListener("load", async () => {
        await window.MathJax?.startup?.promise;
        for (const place of document.querySelectorAll("[data-exercise]")) {
            const {exercise, example} = place.dataset;
            put(place, {label: `Your answer to ${exercise}`, what: "answer", about: [exercise], example});
        }
        for (const place of document.querySelectorAll("[data-equation]")) {
            const {equation, notebook, latex, fixed} = place.dataset;
            if (fixed) {
                place.append(element("p", {}, `It cannot be changed here: ${fixed}.`));
                continue;
            }
            const open = element("button", {type: "button", textContent: "Break this equation"});
            open.addEventListener("click", (event) => {
                event.stopPropagation();
                put(place, {label: `Change (${equation}), and see what becomes of it`, what: "change",
                    about: [equation, notebook], original: latex}).focus();
            });
            place.append(open);
        }
    });
})();
