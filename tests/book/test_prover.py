"""The prover on the built site: what is typed is checked in the browser, as Python checks it."""

import random
import time

import psutil
import pytest
from browser import MISSING, PHONE, SITE, chromium, open_page, serious
from judge import answer, change
from mutants import mutants
from notebooks import ROOT
from statements import course

from ddpm_course.proofs.workbook import EXERCISES
from ddpm_course.proofs.workbook.kinds import Hole

pytest.importorskip("axe_playwright_python", reason="needs .[book]: run make book")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not chromium(), reason=MISSING),
    pytest.mark.skipif(not (SITE / "prover").exists(), reason="needs npm: run make book"),
]
PATIENCE = 600_000  # milliseconds, on a machine that has other work to do
SAID = "output[data-verdict]:not([data-verdict=''])"


def check(box, text):
    """Type something, ask, and return the verdict and the reply."""
    box.get_by_role("textbox").fill(text)
    box.get_by_role("textbox").press("Enter")
    return said(box)


def said(box):
    box.locator(SAID).wait_for(timeout=PATIENCE)
    box.locator("button[aria-disabled]").wait_for(state="detached")
    output = box.locator("output")
    return output.get_attribute("data-verdict"), output.inner_text()


class Watch:
    """The seconds that pass, and those for which the browser computes: these do not grow as much
    where the machine has other work, and with two cores of its own it is done within them."""

    def __init__(self):
        self.begun = self.now()

    @staticmethod
    def now():
        browser = psutil.Process().children(recursive=True)
        return time.perf_counter(), sum(sum(one.cpu_times()[:2]) for one in browser)

    def read(self):
        return [now - begun for now, begun in zip(self.now(), self.begun)]


def test_an_answer_is_checked_on_the_page(page, record_property):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    open_page(page, "01_forward_process.html")
    box = page.locator("[data-exercise='1.1']")
    box.get_by_role("textbox").fill(r"\sqrt{u(1-a^2)}")
    box.locator("mjx-container").wait_for()
    assert not any("/prover/" in url or url.endswith("prover.js") for url in asked)
    watch = Watch()
    assert check(box, r"\sqrt{u(1-a^2)}") == ("right", "right · proved")
    first, watch = watch.read(), Watch()
    assert check(box, "√(u·(1−a²))")[0] == "right"
    following = watch.read()
    assert check(box, r"\sqrt{u}")[0] == "not yet"
    assert box.locator("output mjx-container").count() > 3
    verdict, text = check(box, r"\sqrt{u}}&%")
    assert verdict == "unread" and "from here on" in text
    for name, (seconds, computed) in [("first answer", first), ("next", following)]:
        record_property(name, seconds)
        print(f"{name}: {seconds:.1f} s, {computed:.1f} s of computing")
    assert first[1] < 60 and following[1] < 5
    check(box, r"\sqrt{u}")
    for size in (page.viewport_size, PHONE):
        page.set_viewport_size(size)
        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.reload()
    assert box.get_by_role("textbox").input_value() == r"\sqrt{u}"
    assert page.faults == []


@pytest.mark.parametrize(
    "page_name, number, old, new",
    [
        ("01_forward_process", "1.12", "-", "+"),
        ("02_closed_form", "2.2", r"\bar\alpha_t", r"\alpha_t"),
        ("03_posterior", "3.6", r"\bar\alpha_t", r"\alpha_t"),
        ("04_kl_to_mse", "4.10", "-", "+"),
        ("05_epsilon", "5.2", r"\bar\alpha_t", r"\alpha_t"),
        ("06_exact_world", "6.10", "-", "+"),
        ("07_ddim", "7.20", "-", "+"),
    ],
)
def test_an_equation_is_broken_and_restored(page, page_name, number, old, new):
    open_page(page, f"{page_name}.html")
    mark = page.locator(f"#eq-{number.replace('.', '-')} .mark")
    mark.locator("summary").first.focus()
    page.keyboard.press("Enter")
    mark.get_by_role("button", name="Break this equation").press("Enter")
    latex = mark.get_by_role("textbox").input_value()
    verdict, text = check(mark, latex.replace(old, new))
    assert verdict == "refuted" and mark.locator("output mjx-container").count() > 2, text
    assert serious(page) == []
    mark.get_by_role("button", name="Restore").press("Enter")
    verdict, text = said(mark)
    assert verdict == "derived", text
    assert mark.get_by_role("textbox").input_value() == latex
    assert page.faults == []


def test_what_cannot_be_broken_says_why(page):
    open_page(page, "01_forward_process.html")
    for number, why in [("1-19", "what a symbol means"), ("1-22", "from its source")]:
        mark = page.locator(f"#eq-{number} .mark")
        mark.locator("summary").click()
        assert why in mark.inner_text() and not mark.get_by_role("button").count()


def test_an_answer_that_takes_too_long_is_stopped_and_the_next_one_starts_anew(page):
    open_page(page, "01_forward_process.html")
    box, limit = page.locator("[data-exercise='1.4']"), "document.querySelector('[data-hash]')"
    page.evaluate(f"{limit}.dataset.seconds = 0")
    verdict, text = check(page.locator("[data-exercise='1.1']"), r"\sqrt{u}")
    assert verdict == "stopped" and "no reply within 0 seconds" in text
    page.evaluate(f"{limit}.dataset.seconds = 30")
    assert check(box, "90")[0] == "right"


def test_another_package_than_that_of_the_page_is_refused(page):
    open_page(page, "01_forward_process.html")
    page.evaluate("document.querySelector('[data-hash]').dataset.hash = '0'.repeat(64)")
    page.reload()
    page.route("**/package.zip*", lambda route: route.fulfill(body=b"something else"))
    verdict, text = check(page.locator("[data-exercise='1.4']"), "90")
    assert verdict == "stopped" and "not the one that this page was made with" in text


def test_a_page_that_is_opened_as_a_file_says_that_it_cannot_prove(browser):
    page = browser.new_page()
    open_page(page, (SITE / "01_forward_process.html").as_uri())
    box = page.locator("[data-exercise='1.1']")
    assert "opened as a file" in box.inner_text() and not box.get_by_role("button").count()
    page.close()


def test_hints_come_one_by_one_and_the_answer_last(page):
    open_page(page, "01_forward_process.html")
    folded = page.locator(".hints").first.locator("summary")
    assert [one.inner_text()[:6] for one in folded.all()] == [
        "hint 1",
        "hint 2",
        "hint 3",
        "answer",
    ]
    for step in range(4):
        assert [one.is_visible() for one in folded.all()] == [n <= step for n in range(4)]
        folded.nth(step).press("Enter")


def test_the_browser_says_of_200_formulas_what_python_says(page, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tests")
    from test_exercises import ANSWERS

    chosen = random.Random(16)
    typed = [
        ("answer", (number,), text)
        for number, answers in ANSWERS.items()
        for text in sum(answers, [])
        if isinstance(EXERCISES[number].kind, Hole) and isinstance(text, str)
    ]
    proved = [one for one in course() if one.kind == "eq" and one.chapter < "08"]
    changed = [
        ("change", (one.number, one.chapter), text)
        for one in chosen.sample(proved, 50)
        for text in (one.latex, chosen.choice([*mutants(one.latex)]))
    ]
    questions = chosen.sample(typed, 100) + changed
    replies = {"answer": answer, "change": change}
    python = [replies[what](*about, text) for what, about, text in questions]
    open_page(page, "index.html")
    asked = [{"what": what, "about": about, "text": text} for what, about, text in questions]
    browser = page.evaluate(ALL_REPLIES, asked)
    differ = [(q, a, b) for q, a, b in zip(questions, python, browser) if a != b.get("reply")]
    assert differ == []
    verdicts = [reply["verdict"] for reply in python]
    assert min(map(verdicts.count, ("right", "not yet", "derived", "refuted"))) >= 20


ALL_REPLIES = """questions => new Promise(done => {
    const {hash} = document.querySelector("[data-hash]").dataset, said = [];
    const worker = new Worker("_static/prover.js", {type: "module"});
    const next = () => said.length < questions.length
        ? worker.postMessage({...questions[said.length], hash}) : done(said);
    worker.onmessage = ({data}) => (data.reply || data.failed) && (said.push(data), next());
    next();
})"""
