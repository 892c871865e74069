# SPDX-License-Identifier: MIT
"""Finds the places of include/ that can be changed, in clang's AST, and writes headers that hold all the changes.

Each place becomes `(mutant(17) ? changed : mutant(18) ? changed otherwise : (original))`: one compile holds all mutants,
and a number given at run time says which is the one that lives (mutation.hpp).
"""
import bisect
import collections
import json
import re
import subprocess

OPERATORS = {
    '<': '<=', '<=': '<', '>': '>=', '>=': '>', '==': '!=', '!=': '==', '&&': '||', '||': '&&',
    '+': '-', '-': '+', '*': '/', '/': '*', '%': '/', '<<': '>>', '>>': '<<', '&': '|', '|': '&', '^': '&',
    '+=': '-=', '-=': '+=', '*=': '/=', '/=': '*=', '%=': '/=', '<<=': '>>=', '>>=': '<<=', '&=': '|=', '|=': '&=',
    '^=': '&=',
}
COMPARISONS = {'<', '<=', '>', '>=', '==', '!='}
# Not the text that stands there, not a value of the running program, or a copy of what is seen elsewhere.
SKIPPED = {'StaticAssertDecl', 'ConstantExpr', 'SubstNonTypeTemplateParmExpr', 'ClassTemplateSpecializationDecl',
           'CXXDefaultArgExpr', 'CXXDefaultInitExpr', 'NonTypeTemplateParmDecl', 'EnumConstantDecl'}
TRANSPARENT = {'ImplicitCastExpr', 'ExprWithCleanups', 'ParenExpr', 'CXXBindTemporaryExpr', 'MaterializeTemporaryExpr'}
NAMES = {'MemberExpr', 'DeclRefExpr', 'CallExpr', 'CXXMemberCallExpr', 'CXXDependentScopeMemberExpr'}
STATEMENTS = {'CallExpr', 'CXXMemberCallExpr', 'BinaryOperator', 'CompoundAssignOperator', 'UnaryOperator',
              'CXXOperatorCallExpr', 'CXXDeleteExpr'}
FUNCTIONS = {'FunctionDecl', 'CXXMethodDecl', 'CXXConstructorDecl', 'CXXConversionDecl'}
INTEGER = re.compile(r'(const )?((unsigned |signed )?(char|short|int|long)|unsigned|(std::)?u?int\d+_t|(std::)?size_t)')

Mutant = collections.namedtuple('Mutant', 'number file line kind text change constant')


class Source:
    def __init__(self, path):
        self.text = path.read_bytes()
        self.lines = [0] + [match.end() for match in re.finditer(b'\n', self.text)]
        self.places = {}  # (begin, end): {changed: (kind, constant)}, in the order in which they were found

    def line(self, offset):
        return bisect.bisect_right(self.lines, offset)

    def piece(self, begin, end):
        """Text on one line, without comments."""
        text = re.sub(r'//[^\n"]*\n', ' ', self.text[begin:end].decode())
        return re.sub(r'\s+', ' ', text) if '"' not in text else text.replace('\n', ' ')


class Finder:
    """Walks the AST of one translation unit."""

    def __init__(self, folder):
        self.folder = folder
        self.sources = {}
        self.file = None

    def walk(self, tree):
        self.file = None
        self.locate(tree)
        self.visit(tree, False)

    def locate(self, tree):
        """The dump names a file only where it changes: here each place gets its own."""
        if 'offset' in tree:
            self.file = tree.setdefault('file', self.file)
            return
        for key, value in tree.items():
            if isinstance(value, dict) and key != 'includedFrom':
                self.locate(value)
            elif isinstance(value, list):
                for item in value:
                    if isinstance(item, dict):
                        self.locate(item)

    def extent(self, node):
        """(source, begin, end); nothing if it is not in the folder, or comes from a macro."""
        begin, end = node.get('range', {}).get('begin', {}), node.get('range', {}).get('end', {})
        if 'offset' not in begin or 'offset' not in end or begin['file'] != end['file']:
            return None
        path = (self.folder / begin['file']).resolve()
        if self.folder not in path.parents:
            return None
        if path not in self.sources:
            self.sources[path] = Source(path)
        return self.sources[path], begin['offset'], end['offset'] + end['tokLen']

    def change(self, node, kind, constant, make):
        """`make` gets the function that gives a node's text."""
        where = self.extent(node)
        if where is None:
            return

        def text_of(part):
            source, begin, end = self.extent(part)
            return source.piece(begin, end)
        try:
            changed = make(text_of)
        except TypeError:  # a part comes from a macro
            return
        if changed is not None:
            where[0].places.setdefault(where[1:], {}).setdefault(changed, (kind, constant))

    def visit(self, node, constant):
        kind = node.get('kind')
        if kind in SKIPPED or node.get('isImplicit'):
            return
        inner = [part for part in node.get('inner', []) if part.get('kind')]
        if kind == 'FunctionTemplateDecl':  # the template itself, none of its instances
            functions = [part for part in inner if part['kind'] in FUNCTIONS]
            inner = [part for part in inner if part not in functions[1:]]
        if kind in FUNCTIONS or kind == 'VarDecl':
            constant = constant or node.get('constexpr', False)
        self.expression(node, kind, inner, constant)
        self.statement(node, kind, inner, constant)
        if kind == 'IfStmt' and node.get('isConstexpr'):
            inner = inner[1:]
        if kind == 'CXXForRangeStmt':  # the range and the body; what is between them is written nowhere
            inner = inner[:1] + inner[-1:]
        for part in inner:
            self.visit(part, constant)

    def expression(self, node, kind, inner, constant):
        if kind in ('BinaryOperator', 'CompoundAssignOperator') and node['opcode'] in OPERATORS and len(inner) == 2:
            self.binary(node, node['opcode'], inner, constant)
        elif kind == 'CXXOperatorCallExpr' and len(inner) == 3:
            name = operator_name(inner[0])
            if name in COMPARISONS:
                self.binary(node, name, inner[1:], constant)
        elif kind == 'UnaryOperator' and node['opcode'] == '!':
            self.change(node, 'not', constant, lambda text: f'static_cast<bool>({text(inner[0])})')
        elif kind == 'UnaryOperator' and node['opcode'] in ('++', '--'):
            other = '--' if node['opcode'] == '++' else '++'
            self.change(node, 'arithmetic', constant, lambda text:
                        text(inner[0]) + other if node['isPostfix'] else other + text(inner[0]))
        elif kind == 'IntegerLiteral':
            self.change(node, 'constant', constant, lambda text: f'{text(node)} + 1')
        elif kind == 'CharacterLiteral':
            self.change(node, 'constant', constant, lambda text: f'static_cast<char>({text(node)} + 1)')
        elif kind == 'CXXBoolLiteralExpr':
            self.change(node, 'constant', constant, lambda text: f'!{text(node)}')
        elif kind == 'ConditionalOperator':
            self.negate(inner[0], constant)

    def binary(self, node, operator, parts, constant):
        if operator == '-' and all(is_pointer(part) for part in parts):
            return
        if operator in ('&&', '||'):
            for part in parts:
                self.negate(part, constant)
        kind = 'relation' if operator in COMPARISONS else 'logic' if operator in ('&&', '||') else 'arithmetic'
        self.change(node, kind, constant,
                    lambda text: f'{operand(text(parts[0]))} {OPERATORS[operator]} {operand(text(parts[1]))}')

    def negate(self, node, constant):
        """Conditions that no operator changes."""
        if bare(node).get('kind') in NAMES:
            self.change(node, 'condition', constant, lambda text: f'!({text(node)})')

    def statement(self, node, kind, inner, constant):
        before = 1 + bool(node.get('hasInit')) + bool(node.get('hasVar'))  # the branches of an "if"
        if kind in ('IfStmt', 'WhileStmt') and not node.get('hasVar') and not node.get('isConstexpr'):
            self.negate(inner[before - 1], constant)
        if kind == 'ReturnStmt' and inner:
            self.returned(inner[0], constant)
        branches = {'CompoundStmt': inner, 'IfStmt': inner[before:], 'ForStmt': inner[-1:], 'WhileStmt': inner[-1:],
                    'CXXForRangeStmt': inner[-1:], 'CaseStmt': inner[1:], 'DefaultStmt': inner}.get(kind, [])
        for part in branches:
            if bare(part).get('kind') in STATEMENTS:
                self.change(part, 'statement', constant, lambda text: 'void()')

    def returned(self, node, constant):
        type_ = node.get('type', {})
        types = {type_.get('qualType'), type_.get('desugaredQualType')}
        if bare(node).get('kind') not in NAMES | {'ConditionalOperator'}:
            return
        if 'bool' in types:
            self.change(node, 'return', constant, lambda text: f'!({text(node)})')
        elif any(INTEGER.fullmatch(name or '') for name in types):
            self.change(node, 'return', constant, lambda text: f'({text(node)}) + 1')


def operand(text):
    return text if re.fullmatch(r"[\w.:\[\]]+(\(\))?|'.*'|\([^()]*\)", text) else f'({text})'


def bare(node):
    while node.get('kind') in TRANSPARENT and node.get('inner'):
        node = node['inner'][0]
    return node


def operator_name(node):
    name = bare(node).get('referencedDecl', {}).get('name', '')
    return name[len('operator'):] if name.startswith('operator') else ''


def is_pointer(node):
    type_ = node.get('type', {})
    return re.search(r'\*( ?const)?$', type_.get('desugaredQualType', type_.get('qualType', ''))) is not None


def find(folder):
    """{path: Source} of the headers in `folder`."""
    headers = sorted(path for path in folder.rglob('*.hpp') if path.name != 'src.hpp')
    unit = ''.join(f'#include "{path}"\n' for path in headers)
    finder = Finder(folder)
    for name in ('mailwire', 'pop3'):
        dump = subprocess.run(
            ['clang++', '-std=c++17', '-fsyntax-only', '-Xclang', '-ast-dump=json', '-Xclang', f'-ast-dump-filter={name}',
             '-x', 'c++', '-'], input=unit, stdout=subprocess.PIPE, text=True, check=True).stdout
        decoder, at = json.JSONDecoder(), 0
        while (at := dump.find('{', at)) >= 0:
            tree, at = decoder.raw_decode(dump, at)
            finder.walk(tree)
    return finder.sources


def number(sources, folder, left_out):
    """All mutants, but for those on lines that are left out."""
    mutants = []
    for path, source in sorted(sources.items()):
        name = str(path.relative_to(folder))
        for (begin, end), changes in sorted(source.places.items()):
            line = source.line(begin)
            for changed, (kind, constant) in changes.items():
                if (name, line) not in left_out:
                    text = source.piece(begin, end)
                    mutants.append(Mutant(len(mutants) + 1, name, line, kind, text, changed, constant))
    return mutants


def rewrite(sources, folder, mutants):
    """{name: text} of headers that hold these mutants. Lines keep their numbers."""
    numbers = {(mutant.file, mutant.line, mutant.text, mutant.change): [] for mutant in mutants}
    for mutant in mutants:
        numbers[mutant.file, mutant.line, mutant.text, mutant.change].append(mutant.number)
    texts = {}
    for path, source in sorted(sources.items()):
        name = str(path.relative_to(folder))
        out, open_until, at = [], [], 0
        # Outer places come before those inside them.
        for (begin, end), changes in sorted(source.places.items(), key=lambda item: (item[0][0], -item[0][1])):
            text, line = source.piece(begin, end), source.line(begin)
            kept = [(key, changed) for changed in changes if (key := (name, line, text, changed)) in numbers]
            if not kept:
                continue
            while open_until and open_until[-1][0] <= begin:
                stop, closing = open_until.pop()
                out += [source.text[at:stop].decode(), closing]
                at = stop
            out.append(source.text[at:begin].decode())
            at = begin
            # Both sides of a "?" need one type: a condition may be anything that tests, a statement anything at all.
            cast = '' if all(changed[:2] != '!(' and changed != 'void()' for _, changed in kept) else \
                'static_cast<void>' if any(changed == 'void()' for _, changed in kept) else 'static_cast<bool>'
            switches = ''.join(f'mutant({numbers[key].pop(0)}) ? {cast}({changed}) : ' for key, changed in kept)
            out.append(f'({switches}{cast}(')
            open_until.append((end, '))'))
        while open_until:
            stop, closing = open_until.pop()
            out += [source.text[at:stop].decode(), closing]
            at = stop
        texts[name] = ''.join(out) + source.text[at:].decode()
    return texts
