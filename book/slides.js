var ready = false;

// Formulas are set, and made to fit, while all slides are laid out; then reveal.js takes over.
MathJax = {
    options: {enableMenu: false},
    svg: {fontCache: "local"},  // the speaker's view gets a copy of the notes alone
    startup: {pageReady: () => MathJax.startup.defaultPageReady().then(start).then(() => ready = true)},
};

function start() {
    for (const box of document.querySelectorAll(".formula .math")) {
        box.style.fontSize = `${Math.min(1, box.clientWidth / box.scrollWidth)}em`;
    }
    for (const slide of document.querySelectorAll(".slide")) {
        for (let size = 0.95; slide.scrollHeight > slide.clientHeight && size > 0.5; size -= 0.05) {
            slide.style.fontSize = `${size}em`;
        }
    }
    document.body.classList.remove("measured");
    return window.Reveal?.initialize({
        width: 1280, height: 720, margin: 0, center: false, hash: true, slideNumber: "c/t",
        transition: "none", plugins: [RevealNotes],
    });
}
