# SPDX-License-Identifier: GPL-3.0-or-later
"""contrib/check/mutants.py - the generator of contrib/check/mutate: what can be broken in a file.

A mutant is a file of C with one line changed; where two cells of a table are swapped, two. The list
follows from the text alone: the same source gives the same mutants in the same order. It reads C
as it is formatted here (one statement per line), by its tokens and not by a grammar: a mutant that
the compiler refuses is no mutant.
"""

import re
from dataclasses import dataclass

TOKEN = re.compile(r'[A-Za-z_]\w*|\d\w*|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[+\-*/%&|^]=|\S')
QUOTED = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
DECLARATION = re.compile(r'(const|struct|enum|static|unsigned|size_t|u?int\w*|bool|char|_cleanup\w*)\b')
SPARED = re.compile(r'\s*(#|assert\(|static_assert\(|return;)')

OTHER = {
    '<': '<=', '<=': '<', '>': '>=', '>=': '>', '==': '!=', '!=': '==',
    '&&': '||', '||': '&&', '+=': '-=', '-=': '+=', '++': '--', '--': '++',
    'true': 'false', 'false': 'true', 'break': '', 'continue': '',
    '+': '-', '-': '+', '%': '/', '!': '',
}
# What stands in the cells of ipc/errors_table.c besides numbers and booleans.
CELL = {
    'NONE': 'DEVICE', 'DEVICE': 'ADAPTER', 'ADAPTER': 'NONE',
    'GIVE_UP': 'RETRY', 'RETRY': 'CLEAR', 'CLEAR': 'ROTATE', 'ROTATE': 'RETRY',
    'ERRORS_WHEN_CONNECT': 'ERRORS_WHEN_GATT', 'ERRORS_WHEN_GATT': 'ERRORS_WHEN_DISCOVERY',
    'ERRORS_WHEN_DISCOVERY': 'ERRORS_WHEN_CONNECT', 'ERRORS_WHEN_ANY': 'ERRORS_WHEN_CONNECT',
    'ERRORS_WHILE_ON_DEVICE': 'ERRORS_WHILE_DISCOVERING',
    'ERRORS_WHILE_DISCOVERING': 'ERRORS_WHILE_ON_DEVICE',
}


@dataclass
class Mutant:
    """One change: lines maps a line's number (from 0) to its new text."""
    file: str
    lines: dict
    before: str
    after: str
    area: str = ''
    number: int = 0

    @property
    def line(self):
        return min(self.lines) + 1

    def text(self, source):
        return '\n'.join(self.lines.get(i, line) for i, line in enumerate(source.split('\n')))

    def __str__(self):
        return f'{self.file}:{self.line}: {self.before} -> {self.after}'


def blank(match):
    """A comment or string as as many characters that are neither token nor line."""
    text = match.group()
    fill = ' ' if text.startswith('/*') else '"'
    return ''.join('\n' if c == '\n' else fill for c in text)


def tokens(line):
    return [(m.group(), m.start(), m.end()) for m in TOKEN.finditer(line)]


def number(token):
    if not token.isdigit():
        return None  # 0x..u: a mask or a factor of a hash
    value = int(token)
    return str(value + 1 if value < 10 else value * 2)


def is_value(token):
    return re.fullmatch(r'\w+|[)\]]', token) is not None and token != 'return'


def replace_tokens(line, is_table):
    """The line with one token another, once for each that can be."""
    seen = tokens(line)
    names = [t for t, _, _ in seen]
    is_for = names[:1] == ['for']
    for i, (token, start, end) in enumerate(seen):
        previous = names[i - 1] if i else ''
        new = OTHER.get(token) if not is_table else OTHER.get(token) or CELL.get(token)
        if new is None:
            new = number(token)
        if new is None or token in '+-' and not is_value(previous):
            continue
        # Backwards for ever is noticed by any test that comes there, after a long time.
        if is_for and token in ('++', '--') or is_table and previous == '[':
            continue
        yield line[:start] + new + line[end:]


def is_statement(text, previous):
    """Whether the line is a statement that may be left out."""
    if not text.endswith(';') or DECLARATION.match(text) or text.startswith(('return', 'for', 'goto')):
        return False
    if text.count('(') != text.count(')') or previous.endswith((',', '=', '(', '&&', '||', '?')):
        return False
    return re.match(r'[\w*(].*( [+\-|&]?= |\(|\+\+|--)', text) is not None and \
        not re.match(r'(break|continue|while|if|do)\b', text)


def negate(line):
    """if (something) as if (!(something)), where no operator in it is another mutant."""
    match = re.fullmatch(r'(\s*(?:\} else )?if \()(.*)(\)(?: \{)?)', line)
    if match and not re.search(r'[<>=!?]=?(?!\w*\()|&&|\|\|', match.group(2).replace('->', '..')):
        return f'{match.group(1)}!({match.group(2)}){match.group(3)}'
    return None


def squeeze(text):
    return ' '.join(text.split())


def swap_cells(file, lines, masked, is_table):
    """The class of a row of a table with that of the next row that has another one."""
    rows = []
    for i, line in enumerate(masked):
        found = [m for m in re.finditer(r'\bCLASS_\w+', line) if line[m.start() - 1] != '[']
        if is_table[i] and found:
            rows.append((i, found[-1]))
        elif not is_table[i]:
            rows.append(None)
    for at, row in enumerate(rows):
        for other in rows[at + 1:]:
            if row is None or other is None:
                break
            if row[1].group() == other[1].group():
                continue
            new = {}
            for (i, m), name in ((row, other[1].group()), (other, row[1].group())):
                new[i] = lines[i][:m.start()] + name + lines[i][m.end():]
            if row[0] != other[0]:
                yield Mutant(file, new, squeeze(lines[row[0]]),
                             squeeze(new[row[0]]) + f' (and line {other[0] + 1} the other way)')
            break


def mutants_of(file, source):
    """All mutants of a file, in the order of its lines."""
    lines = source.split('\n')
    masked = QUOTED.sub(blank, source).split('\n')
    is_table, inside = [], False
    for line in masked:
        if re.match(r'(static )?const .*= \{', line):
            inside = True
        is_table.append(inside)
        inside = inside and not re.search(r'\};$', line)
    out = []
    for i, line in enumerate(masked):
        if SPARED.match(line) or not line.strip():
            continue
        changed = list(replace_tokens(line, is_table[i]))
        if not is_table[i]:
            changed.append(negate(line))
            if is_statement(line.strip(), masked[i - 1].strip()):
                changed.append(line[:len(line) - len(line.lstrip())] + ';')
        for new in changed:
            if new is None or new == line:
                continue
            text = restore(new, line, lines[i])
            out.append(Mutant(file, {i: text}, squeeze(lines[i]), squeeze(text)))
    out += swap_cells(file, lines, masked, is_table)
    return sorted(out, key=lambda mutant: mutant.line)


def restore(new, masked, line):
    """What was masked has its text again: the change is between a common head and a common tail."""
    head = 0
    while head < min(len(new), len(masked)) and new[head] == masked[head]:
        head += 1
    tail = 0
    while tail < min(len(new), len(masked)) - head and new[-1 - tail] == masked[-1 - tail]:
        tail += 1
    return line[:head] + new[head:len(new) - tail] + line[len(line) - tail:]
