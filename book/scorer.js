// Whole words come first: who looks for "eta" does not mean "betas". Of pages that hold a word, those
// of chapters 00 to 08, where things are explained, come before the others. A part of a title counts
// nearly as a word: the search forgets that a page holds the whole word when its title holds a part.
var Scorer = {
    objNameMatch: 11,
    objPartialMatch: 1,
    objPrio: {0: 5, 1: 0, 2: -5},
    objPrioDefault: 0,
    title: 15,
    partialTitle: 7,
    term: 8,
    partialTerm: 0.5,
    score: ([page, , , , score]) => score + (/^(nbs\/)?0/.test(page) ? 3 : 0),
};
