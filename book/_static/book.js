// Once the formulas have their size: go to what the address names, and let whoever has no mouse
// scroll what is wider than the page.
window.addEventListener("load", async () => {
    await window.MathJax?.startup?.promise;
    document.getElementById(location.hash.slice(1))?.scrollIntoView({behavior: "instant"});
    const boxes = () => document.querySelectorAll(".math-wrapper, .table-wrapper, pre").forEach(
        (box) => box.scrollWidth > box.clientWidth ? (box.tabIndex = 0) : box.removeAttribute("tabindex"));
    boxes();
    window.addEventListener("resize", boxes);
});
