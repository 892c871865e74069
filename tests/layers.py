# SPDX-License-Identifier: MIT
"""Holds what can be read off the headers: layers.py INCLUDE_FOLDER.

- who includes whom: arrows point down only, and each protocol stays by itself;
- the standard headers that may be used, and no other library;
- no globals, exceptions, RTTI, clocks, randomness, printing; no macros but those listed;
- every header is named in meson.build, so that it is installed and tested alone.
"""
import pathlib
import re
import sys

# First match wins. A machine is what users drive: session.hpp, later client.hpp.
GROUPS = [
    ('octets', 'mailwire/*.hpp'),
    ('types', '*/types.hpp'),
    ('config', '*/config.hpp'),
    ('config', '*/texts.hpp'),
    ('events', '*/events.hpp'),
    ('detail', '*/detail/*.hpp'),
    ('bodies', '*/impl/*.ipp'),
    ('src', '*/src.hpp'),
    ('dispatch', '*/dispatch.hpp'),
    ('optional', '*/digest.hpp'),
    ('machine', '*/*.hpp'),
    ('umbrella', '*.hpp'),
]
VOCABULARY = {'octets', 'types', 'config', 'events'}
MAY_INCLUDE = {
    'octets': {'octets'},
    'types': {'octets'},
    'config': {'octets', 'types', 'config'},
    'events': {'octets', 'types'},
    'detail': VOCABULARY | {'detail'},
    'bodies': VOCABULARY | {'detail', 'machine'},
    'machine': VOCABULARY | {'detail', 'bodies'},
    'dispatch': VOCABULARY | {'machine'},
    'optional': {'octets', 'types'},  # and nobody includes an optional header
    'src': {'bodies'},
    'umbrella': VOCABULARY | {'machine', 'dispatch'},
}
STANDARD = set('''
    array cassert chrono cstddef cstdint cstring limits optional string string_view type_traits utility variant vector
'''.split())
MACROS = re.compile(r'POP3_INLINE|POP3_ASSERT|POP3_SEPARATE|MAILWIRE_COLD|MAILWIRE_PREFETCH|MAILWIRE_NO_SIMD|MAILWIRE_SSE2|'
                    r'MAILWIRE_VERSION(_MAJOR|_MINOR|_PATCH)?')
# These decide at compile time; every other include is unconditional, or the single header could not be pasted.
CONDITIONAL = {('mailwire/macros.hpp', '<cassert>'), ('mailwire/line_scan.hpp', '<emmintrin.h>')}

FORBIDDEN = [re.compile(pattern) for pattern in (
    r'\b(throw|try|catch|dynamic_cast|typeid|thread_local|goto)\b',
    r'::now\s*\(', r'\bs?rand(om)?\s*\(', r'\brandom_device\b',
    r'\bstd::(cout|cerr|clog|cin|function|locale|mutex|thread|atomic|any|shared_ptr)\b',
    r'\b(f|s|sn|v|vs|vsn)?printf\s*\(', r'\b(getenv|setlocale|exit|abort|signal|sleep|usleep|nanosleep)\s*\(', r'\berrno\b',
    r'\b(isalpha|isdigit|isspace|isprint|toupper|tolower|strtol|strtoul|strtoull|atoi|stoi|stoul)\s*\(',
)]


def group(name):
    return next(g for g, pattern in GROUPS if name.match(pattern))


def protocol(name):
    """'pop3' for pop3.hpp and pop3/..., '' for mailwire/..."""
    first = name.parts[0].removesuffix('.hpp')
    return '' if first == 'mailwire' else first


def machine_of(name):
    """Which machine a body belongs to: session.hpp has several .ipp files, client.hpp has one."""
    return 'client' if name.stem == 'client' else 'session'


def blank(text):
    """The code with comments and the insides of literals blanked out, line numbers kept."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'', re.S)

    def replace(match):
        if match[0][0] in '"\'':
            return match[0][0] * 2
        return '\n' * match[0].count('\n') or ' '
    return token.sub(replace, text)


def variables(code):
    """(line, statement) of each variable with static storage that is not constexpr."""
    code = re.sub(r'^[ \t]*#(?:.*\\\n)*.*$', '', code, flags=re.M)
    scopes, outer, statement, line = ['namespace'], [], '', 1
    for char in code:
        line += char == '\n'
        if char == '{':
            head = statement.strip()
            if re.search(r'\bnamespace\b', head) or head.startswith('extern'):
                kind = 'namespace'
            elif re.search(r'\b(class|struct|union|enum)\b', head) and not head.endswith(('=', ')')):
                kind = 'class'
            elif scopes[-1] in ('namespace', 'class') and '(' in head:
                kind = 'function'
            else:
                kind = 'value'  # an initializer, or a block in a function
            if kind == 'function' and re.search(r'\bstatic\b', head) and scopes[-1] == 'function':
                yield line, head
            scopes.append(kind)
            outer.append(statement if kind == 'value' else '')  # a statement goes on behind its initializer
            statement = ''
        elif char == '}':
            scopes.pop()
            statement = outer.pop()
        elif char == ';':
            head = re.sub(r'\b(public|private|protected)\s*:', '', statement).strip()
            word = re.match(r'\w*', head)[0]
            if head and 'constexpr' not in head and '(' not in head.split('=')[0]:
                declares = word not in ('using', 'typedef', 'friend', 'template', 'class', 'struct', 'enum', 'union',
                                        'static_assert')
                if scopes[-1] == 'namespace' and declares:
                    yield line, head
            if scopes[-1] == 'class' and re.search(r'\bstatic\b', head) and '(' not in head.split('=')[0] \
                    and 'constexpr' not in head:
                yield line, head
            if scopes[-1] in ('function', 'value') and re.match(r'static\b', head) and 'constexpr' not in head:
                yield line, head
            statement = ''
        else:
            statement += char


def check(include):
    files = sorted(p for p in include.rglob('*') if p.suffix in ('.hpp', '.ipp'))
    problems = []
    for path in files:
        name = path.relative_to(include)

        def problem(line, text):
            problems.append(f'include/{name}:{line}: {text}')

        text = path.read_text(encoding='utf-8')
        if not text.startswith('// SPDX-License-Identifier: MIT\n'):
            problem(1, 'the first line is not the licence line')
        guard = re.sub(r'\W', '_', str(name)).upper()
        if not re.search(rf'^#ifndef {guard}\n#define {guard}\n(?s:.*)^#endif\n\Z', text, re.M):
            problem(1, f'the include guard is not {guard}')

        depth = 0
        for number, line in enumerate(text.splitlines(), 1):
            depth += bool(re.match(r'\s*#\s*if', line)) - bool(re.match(r'\s*#\s*endif', line))
            if match := re.match(r'\s*#\s*include\s*(.*)', line):
                what = match[1].strip()
                conditional = depth > 1
                if what.startswith('<'):
                    if what[1:-1] not in STANDARD and (str(name), what) not in CONDITIONAL:
                        problem(number, f'{what} is not one of the standard headers that we use')
                    if conditional and (str(name), what) not in CONDITIONAL:
                        problem(number, f'{what} is included under a condition')
                    continue
                target = (path.parent / what.strip('"')).resolve()
                if not what.startswith('"') or not target.is_file() or include not in target.parents:
                    problem(number, f'{what} is no relative include of one of our headers')
                    continue
                to = target.relative_to(include)
                own, other = group(name), group(to)
                if other not in MAY_INCLUDE[own]:
                    problem(number, f'{own} header includes {other} header {to}')
                if protocol(to) not in ('', protocol(name)):
                    problem(number, f'{protocol(name)} includes {protocol(to)}')
                if {own, other} == {'bodies', 'machine'} and machine_of(name) != machine_of(to):
                    problem(number, f'{to} belongs to another machine')
                if conditional and (own, other) != ('machine', 'bodies'):
                    problem(number, f'{to} is included under a condition')
            elif match := re.match(r'\s*#\s*(?:define|undef)\s+(\w+)', line):
                if match[1] != guard and not MACROS.fullmatch(match[1]):
                    problem(number, f'macro {match[1]}')

        code = blank(text)
        for number, line in enumerate(code.splitlines(), 1):
            for pattern in FORBIDDEN:
                if match := pattern.search(line):
                    problem(number, f'forbidden: {match[0].strip()}')
        for number, statement in variables(code):
            problem(number, f'a variable that is not constexpr: {" ".join(statement.split())}')

    listed = set(re.findall(r"'([^']+\.[hi]pp)'", (include / 'meson.build').read_text(encoding='utf-8')))
    present = {str(p.relative_to(include)) for p in files}
    problems += [f'include/meson.build does not list {name}' for name in sorted(present - listed)]
    return len(files), problems


def self_test():
    """The finder of globals is hand-made, so it has to show that it finds them, and nothing else."""
    bad = ['int x;', 'namespace a { static int x = 0; }', 'inline std::string s{"x"};', 'const char* p = nullptr;',
           'inline int f() { static int n = 0; return n; }', 'struct S { static int n; };', 'struct S {} s;',
           'int f() { if (true) { static bool b; } return 0; }', 'extern int x;', 'constexpr int a = 1; int b[] = {1};']
    good = ['constexpr int x = 1;', 'inline constexpr A k[] = {{1}, {2}};', 'struct S { int n = 0; static int f(); };',
            'int f(int a = 1);', 'int f() { int n; static constexpr int k = 1; return n + k; }', 'using A = int;',
            'enum class E : char { a, b };', 'template <class T> struct X { T t{}; };', 'struct S; class C;',
            'struct S { S() : n{0} {} int n; static constexpr int k = 2; };', 'static_assert(true);',
            'bool S::f() const noexcept { return static_cast<bool>(n); }', 'template <class... F> S(F...) -> S<F...>;']
    return [f'self-test: {code}' for code in bad if not list(variables(code))] + \
           [f'self-test: {code}' for code in good if list(variables(code))]


def main():
    count, problems = check(pathlib.Path(sys.argv[1]).resolve())
    problems += self_test()
    print('\n'.join(problems))
    print(f'{count} headers, {len(problems)} problems')
    return 1 if problems or not count else 0


if __name__ == '__main__':
    sys.exit(main())
