"""A sheet as Markdown, LaTeX (booktabs), CSV and HTML."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from itertools import groupby

from bench.report.tables.sheet import Entry, Header, Sheet
from bench.report.tables.tables import as_text, pipe_table

LONG, WIDE = 40, 90
"""Characters of a text that wants more than a line, and of a row that an upright page has no room for."""
SWITCH = '<label class="switch"><input type="checkbox"> All columns</label>'
"""Shows the columns of a table on the page that are `more`."""
_LATEX = {
    "\\": r"\textbackslash{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\N{MINUS SIGN}": "$-$",
    "\N{LESS-THAN OR EQUAL TO}": r"$\le$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\ge$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{HORIZONTAL ELLIPSIS}": r"\dots{}",
    "\N{LEFT DOUBLE QUOTATION MARK}": "``",
    "\N{RIGHT DOUBLE QUOTATION MARK}": "''",
    "\N{DAGGER}": r"$^\dagger$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def as_markdown(sheet: Sheet) -> str:
    """The table in Markdown, with its title and notes."""
    return "\n\n".join([f"**{as_text(sheet.title)}**", markdown_table(sheet), *map(as_text, sheet.notes)]) + "\n"


def markdown_table(sheet: Sheet) -> str:
    """The bare table, with the best in bold and the second best underlined."""
    marks = {"": "{}", "best": "**{}**", "second": "<u>{}</u>", "predicted": "*{}*"}
    rows = [
        [
            marks[entry.mark].format(as_text(_shown(header, entry)))
            for header, entry in zip(sheet.headers, row, strict=True)
        ]
        for row in sheet.rows
    ]
    left = [as_text(header.flat) for header in sheet.headers if not header.number]
    return pipe_table([[as_text(header.flat) for header in sheet.headers]], rows, left=left)


def as_latex(sheet: Sheet) -> str:
    r"""A table that fits a page; its first line names the packages that the document must load.

    A table with long texts goes over several pages, turned, in paragraphs; one that is wide is turned; and one that is
    still wider than the line is made smaller.
    """
    heads = [r"\toprule", *_latex_groups(sheet), " & ".join(_tex(header.text) for header in sheet.headers) + r" \\"]
    caption = rf"\caption{{{_tex(' '.join([sheet.title + '.', *sheet.notes]))}}}"
    lengths = _lengths(sheet)
    if max(lengths) > LONG:
        packages = "array, booktabs, longtable, pdflscape"
        small = r"\footnotesize\setlength{\tabcolsep}{3pt}\setlength{\LTcapwidth}{\linewidth}"
        begin = [r"\begin{landscape}", small, rf"\begin{{longtable}}{{{_paragraphs(sheet, lengths)}}}"]
        head = [caption + r" \\", *heads, r"\midrule", r"\endhead"]
        end = [r"\end{longtable}", r"\end{landscape}"]
    else:
        turned = sum(lengths) + 2 * len(lengths) > WIDE
        packages = "adjustbox, booktabs" + (", rotating" if turned else "")
        table = "sidewaystable" if turned else "table"
        columns = "".join("r" if header.number else "l" for header in sheet.headers)
        begin = [
            rf"\begin{{{table}}}", r"\centering", caption, r"\begin{adjustbox}{max width=\linewidth}",
            rf"\begin{{tabular}}{{{columns}}}",
        ]  # fmt: skip
        head = [*heads, r"\midrule"]
        end = [r"\end{tabular}", r"\end{adjustbox}", rf"\end{{{table}}}"]
    lines = [rf"% needs \usepackage{{{packages}}}", *begin, *head, *_latex_rows(sheet), r"\bottomrule", *end]
    return "\n".join(lines) + "\n"


def as_csv(sheet: Sheet) -> str:
    """Numbers with ten significant digits, texts as they are, nothing where there is no value."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header.flat for header in sheet.headers)
    writer.writerows([_plain(entry) for entry in row] for row in sheet.rows)
    return buffer.getvalue()


def as_html(sheet: Sheet) -> str:
    """A `figure` with the table and its notes; heads have their scope."""
    marks = {"": "{}", "best": "<b>{}</b>", "second": "<u>{}</u>", "predicted": "<i>{}</i>"}
    grouped = any(header.group for header in sheet.headers)
    kinds = _kinds(sheet)
    heads = [f"{kind}>{escape(header.text)}</th>" for kind, header in zip(kinds, sheet.headers, strict=True)]
    top, bottom = [], []
    for group, headers in _groups(sheet):
        if group:
            more = ' class="more"' if all(header.more for header in headers) else ""
            top.append(f'<th scope="colgroup"{more} colspan="{len(headers)}">{escape(group)}</th>')
            bottom += [f'<th scope="col"{heads.pop(0)}' for _ in headers]
        else:
            span = ' rowspan="2"' if grouped else ""
            top += [f'<th scope="col"{span}{heads.pop(0)}' for _ in headers]
    head = f"<tr>{''.join(top)}</tr>" + (f"<tr>{''.join(bottom)}</tr>" if grouped else "")
    body = []
    for index, row in enumerate(sheet.rows):
        shown = (_shown(header, entry) for header, entry in zip(sheet.headers, row, strict=True))
        texts = [marks[entry.mark].format(escape(text)) for entry, text in zip(row, shown, strict=True)]
        cells = [f'<th scope="row"{kinds[0]}>{texts[0]}</th>']
        cells += [f"<td{kind}>{text}</td>" for kind, text in zip(kinds[1:], texts[1:], strict=True)]
        rule = ' class="rule"' if index and index in sheet.rules else ""
        body.append(f"<tr{rule}>{''.join(cells)}</tr>")
    notes = "".join(f"<p>{escape(note)}</p>" for note in sheet.notes)
    switch = SWITCH * any(header.more for header in sheet.headers)
    return (
        f'<figure class="sheet">{switch}'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(sheet.title)}">'
        f"<table><caption>{escape(sheet.title)}</caption>\n<thead>{head}</thead>\n<tbody>\n"
        + "\n".join(body)
        + f"\n</tbody></table></div><figcaption>{notes}</figcaption></figure>\n"
    )


FORMATS: Mapping[str, Callable[[Sheet], str]] = {
    "md": as_markdown,
    "tex": as_latex,
    "csv": as_csv,
    "html": as_html,
}
"""How a sheet is written, by the ending of the file."""


def _latex_rows(sheet: Sheet) -> Iterator[str]:
    marks = {"": "{}", "best": r"\textbf{{{}}}", "second": r"\underline{{{}}}", "predicted": r"\textit{{{}}}"}
    for index, row in enumerate(sheet.rows):
        if index and index in sheet.rules:
            yield r"\midrule"
        texts = (_tex(_shown(header, entry)) for header, entry in zip(sheet.headers, row, strict=True))
        yield " & ".join(marks[entry.mark].format(text) for entry, text in zip(row, texts, strict=True)) + r" \\"


def _shown(header: Header, entry: Entry) -> str:
    """The text, with a sign at a figure that was measured on a card."""
    return f"{entry.text}\N{DAGGER}" if header.measured and entry.value is not None else entry.text


def _lengths(sheet: Sheet) -> list[int]:
    """Characters of the longest text of each column."""
    return [
        max([len(header.text), *(len(row[i].text) for row in sheet.rows)]) for i, header in enumerate(sheet.headers)
    ]


def _paragraphs(sheet: Sheet, lengths: Sequence[int]) -> str:
    """Columns that share the whole line by the lengths of their texts, of which long ones get several lines."""
    shown = [min(length, LONG) for length in lengths]
    return "".join(
        rf">{{\{'raggedleft' if header.number else 'raggedright'}\arraybackslash}}"
        rf"p{{\dimexpr {length / sum(shown):.4f}\linewidth - 2\tabcolsep\relax}}"
        for header, length in zip(sheet.headers, shown, strict=True)
    )


def _kinds(sheet: Sheet) -> list[str]:
    """The class of each column on the page: texts stand to the left, and long ones get several lines."""
    names = [
        [
            name
            for name, holds in (
                ("text", not header.number),
                ("long", length > LONG),
                ("measured", header.measured),
                ("more", header.more),
            )
            if holds
        ]
        for header, length in zip(sheet.headers, _lengths(sheet), strict=True)
    ]
    return [f' class="{" ".join(those)}"' if those else "" for those in names]


def _groups(sheet: Sheet) -> list[tuple[str, list]]:
    return [(group, list(headers)) for group, headers in groupby(sheet.headers, key=lambda header: header.group)]


def _latex_groups(sheet: Sheet) -> list[str]:
    if not any(header.group for header in sheet.headers):
        return []
    heads, rules, column = [], [], 1
    for group, headers in _groups(sheet):
        last = column + len(headers) - 1
        heads.append(rf"\multicolumn{{{len(headers)}}}{{c}}{{{_tex(group)}}}")
        if group:
            rules.append(rf"\cmidrule(lr){{{column}-{last}}}")
        column = last + 1
    return [" & ".join(heads) + r" \\", " ".join(rules)]


def _tex(text: str) -> str:
    escaped = "".join(_LATEX.get(character, character) for character in text)
    return "--" if escaped == "-" else re.sub(r"(?<![\w)}])-(?=[\d ])", "$-$", escaped)


def _plain(entry: Entry) -> str:
    if entry.value is not None:
        return f"{entry.value:.10g}"
    return "" if entry.text == "-" else entry.text
