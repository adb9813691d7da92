// Make a formula that is wider than its column smaller.
function fit(box) {
    box.style.fontSize = "";
    if (box.scrollWidth > box.clientWidth)
        box.style.fontSize = `${Math.floor(1000 * box.clientWidth / box.scrollWidth) / 1000}em`;
}

// Once the formulas have their size: fit them, go to what the
// address names, and let whoever has no mouse scroll what is wider than the page.
window.addEventListener("load", async () => {
    await window.MathJax?.startup?.promise;
    const each = (what, work) => document.querySelectorAll(what).forEach(work);
    const arrange = () => {
        each(".math-wrapper", fit);
        each(".table-wrapper, pre", (box) =>
            box.scrollWidth > box.clientWidth ? (box.tabIndex = 0) : box.removeAttribute("tabindex"));
    };
    arrange();
    document.getElementById(location.hash.slice(1))?.scrollIntoView({behavior: "instant"});
    window.addEventListener("resize", arrange);
    // One mark is open at a time; Escape, or a click elsewhere, closes it.
    const close = (but) => each(".mark[open]", (mark) => mark === but || (mark.open = false));
    document.addEventListener("click", (event) => close(event.target.closest(".mark")));
    document.addEventListener("keydown", (event) => event.key === "Escape" && close());
});
