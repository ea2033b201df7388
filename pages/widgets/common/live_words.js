// The words of the live panel. Before this stand LANGUAGE, and WORDS: the translations by the text in English.

const say = (text, values = {}) =>
    (WORDS[text] ?? text).replace(/\{(\w+)\}/g, (_, name) => values[name]);

// A number as the language writes it.
const figure = (value, digits = 0, style = "decimal") => value.toLocaleString(LANGUAGE,
    { style, minimumFractionDigits: digits, maximumFractionDigits: digits });

// With three figures, as `toPrecision` writes it.
const precise = value => value.toPrecision(3).replace(".", figure(0.1, 1)[1]);
