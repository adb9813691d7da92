var ready = false;  // to be shown, or to be printed

// Formulas are set, and made to fit, while all slides are laid out; then reveal.js takes over.
MathJax = {
    options: {enableMenu: false},
    svg: {fontCache: "local"},  // the speaker's view gets a copy of the notes alone
    startup: {pageReady: async () => {
        await MathJax.startup.defaultPageReady();
        fit();
        if (window.Reveal) await begin();
        ready = true;
    }},
};

function fit() {
    for (const box of document.querySelectorAll(".math.block")) {
        box.style.setProperty("--fit", Math.min(1, box.clientWidth / box.scrollWidth));
    }
    for (const slide of document.querySelectorAll(".slide")) {
        for (let size = 1; slide.scrollHeight > slide.clientHeight && size > 0.5; size -= 0.05) {
            slide.style.setProperty("--fit", size);
        }
    }
    document.body.classList.remove("measured");
}

async function begin() {
    const printed = new Promise(done => Reveal.on("pdf-ready", done));
    await Reveal.initialize({
        width: 1280, height: 720, margin: 0, center: false, hash: true, slideNumber: "c/t",
        transition: "none", plugins: [RevealNotes],
    });
    if (Reveal.isPrintView()) await printed;
}
