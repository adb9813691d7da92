"""What the site's prover says of an answer, and of a changed equation. The browser runs it, too.

The equations that a reply needs are recalled first, once for all replies: that takes seconds.
"""

from statements import Statement, stated

from ddpm_course.proofs import NotProved, ProofError, Refuted, Undefined, Unreadable
from ddpm_course.proofs.book import in_book
from ddpm_course.proofs.display import facts, line
from ddpm_course.proofs.workbook import EXERCISES, check_answer
from ddpm_course.proofs.workbook.kinds import Hole, Line, derivation
from ddpm_course.proofs.workbook.replies import counterexample

Said = dict[str, str]  # verdict: one word or two, for the page's colours; text: Markdown


def recall_for_answer(number: str) -> None:
    kind = EXERCISES[number].kind
    if isinstance(kind, Hole | Line):
        derivation(kind.after)


def answer(number: str, text: str) -> Said:
    reply = check_answer(number, text)
    return {"verdict": reply.verdict, "text": f"**{reply.verdict}** · {reply.why}"}


def recall_for_change(number: str, notebook: str) -> None:
    statement(number, notebook)


def change(number: str, notebook: str, latex: str) -> Said:
    """What becomes of an equation that says something else, proved as its chapter proves it."""
    try:
        book = statement(number, notebook).saying(latex).run()
    except ProofError as error:
        verdict, why = refused(error)
        return {"verdict": verdict, "text": f"**{verdict}** · {why}"}
    with in_book(book):
        known = facts(book[number], book)
    return {"verdict": known["verdict"], "text": line(known)}


def refused(error: ProofError) -> tuple[str, str]:
    """The verdict on a changed equation, and why, from the error that `eq` raises."""
    match error:
        case Refuted():
            return "refuted", counterexample(error)
        case Undefined():
            return "undefined", counterexample(error)
        case Unreadable(at=at, why=why):
            return "unread", f"could not read this from here on: `{at or 'the end'}` ({why})"
        case NotProved():
            return "not proved", "no numbers refute it, and the chapter's way does not prove it"
    return "not proved", f"the chapter's way of proof does not take it: {error}"


def statement(number: str, notebook: str) -> Statement:
    return next(one for one in stated(notebook)[0] if (one.kind, one.number) == ("eq", number))
