# SPDX-License-Identifier: MIT
"""The maildrop: what is listed, sent and removed (RFC 1939, 5 to 7 and 11)."""
import re

import mail
from harness import MUST, SHOULD, NUMBER, NotApplicable, Skip, quit_and_close, rule, scan, stat
from wire import Wrong, is_err, is_ok, stuffed, unstuffed


@rule('R31', MUST, '1939 5', 'STAT: "+OK", the number of messages, their octets')
@rule('R33', SHOULD, '1939 5', 'STAT and LIST have nothing behind the size')
def form_of_stat(t):
    client = t.entered()
    said = client.ask('STAT')
    found = re.match(rb'\+OK [0-9]+ [0-9]+', said)
    if not found:
        t.wrong(said, '+OK nn mm', ['R31'])
    elif found[0] != said:
        t.wrong(said, 'nothing behind the size', ['R33'])
    for line in client.listing('LIST'):
        if not re.fullmatch(rb'[0-9]+ [0-9]+', line):
            t.wrong(line, 'a number and a size in LIST', ['R33'])
            break


@rule('R29', MUST, '1939 4', 'numbers and sizes are decimal, without sign or zeros in front')
def numbers(t):
    client = t.entered()
    for line in [client.ask('STAT')[4:], *client.listing('LIST')]:
        if not re.match(NUMBER + b' ' + NUMBER + rb'(?: |\Z)', line):
            raise Wrong(line, 'two decimal numbers')


@rule('R28', MUST, '1939 4', 'messages are numbered from 1, without gaps')
@rule('R34', MUST, '1939 5', 'LIST: a line for each message')
@rule('R32', MUST, '1939 5', 'STAT says what LIST lists')
def listing(t):
    client = t.entered()
    count, octets = stat(client)
    sizes = scan(client)
    if sorted(sizes) != list(range(1, len(sizes) + 1)):
        t.wrong(str(sorted(sizes)), 'numbers from 1', ['R28'])
    if list(sizes) != sorted(sizes):
        t.remark('not in order')
    if len(sizes) != count:
        t.wrong(f'{len(sizes)} lines', f'{count}, as STAT says', ['R34'])
    if sum(sizes.values()) != octets:
        t.wrong(f'{octets} octets in STAT', f'{sum(sizes.values())}, as LIST says', ['R32'])


@rule('R35', MUST, '1939 5', 'LIST n: one line, as LIST has it')
def list_one(t):
    client, count = t.some_message()
    for number, size in list(scan(client).items())[:20]:
        said = client.ask(f'LIST {number}')
        if not re.fullmatch(rb'\+OK %d %d(?: .*)?' % (number, size), said):
            raise Wrong(said, f'+OK {number} {size}')
    if surplus := client.silent(0.1):
        raise Wrong(surplus, 'one line')


NO_NUMBERS = ('0', '-1', '+1', '99999999', '4294967297', '18446744073709551617', '9' * 60, 'x', '1x', '0x1', '1.0')


@rule('R36', MUST, '1939 5', 'LIST of what is no message: -ERR')
def list_none(t):
    t.refused([f'LIST {number}' for number in NO_NUMBERS], t.entered)


@rule('R39', MUST, '1939 5', 'RETR of what is no message: -ERR')
def retrieve_none(t):
    t.refused([f'RETR {number}' for number in NO_NUMBERS], t.entered)


@rule('R42', MUST, '1939 5', 'DELE of what is no message: -ERR')
def delete_none(t):
    t.may_mark()
    t.refused([f'DELE {number}' for number in NO_NUMBERS], t.entered)


@rule('R29a', SHOULD, '1939 4', 'a number with zeros in front is none (our reading)')
def zeros(t):
    t.some_message()
    t.leave()
    t.refused(['LIST 01'], t.entered)


def expected(t, number, octets):
    """What should have come, for a message that did; None if nobody knows."""
    if t.store.known is None:
        return None
    if octets in t.store.known:
        return octets
    name = mail.name_of(octets)
    in_its_place = t.store.known[number - 1] if number <= len(t.store.known) else b''
    return next((known for known in t.store.known if mail.name_of(known) == name), in_its_place)


def difference(octets, right):
    at = next((at for at, (one, other) in enumerate(zip(octets, right)) if one != other), min(len(octets), len(right)))
    around = slice(max(0, at - 25), at + 25)
    return (f'{len(octets)} octets, at {at}: {octets[around]!r}', f'{len(right)} octets: {right[around]!r}')


def fetched(t, most=50):
    """number -> the message as it came, stuffed."""
    client, _ = t.some_message()
    sizes = scan(client)
    return sizes, {number: client.raw_body(f'RETR {number}') for number in list(sizes)[:most]}


@rule('R38', MUST, '1939 5', 'RETR: the message, octet for octet')
@rule('R13', MUST, '1939 3', 'a line end that is missing at the end is supplied, and no other')
def retrieve(t):
    if not t.open_end:
        t.wrong(t.refused_maildrop, 'a login, though the last line of a message has no end', ['R13'])
    elif not t.store.keeps_open_end:
        t.instead('R13', 'skip', 'no message lacks its last line end')
    _, messages = fetched(t)
    for number, raw in messages.items():
        octets = unstuffed(raw)
        if b'\n' in raw.replace(b'\r\n', b'') or raw and not raw.endswith(b'\r\n'):
            t.wrong(f'a line of message {number} that does not end with CRLF', 'CRLF', ['R38'])
        right = expected(t, number, octets)
        if right is not None and octets != right:
            ending = octets.rstrip(b'\r\n') == right.rstrip(b'\r\n')
            t.wrong(f'message {number} with ' + difference(octets, right)[0], difference(octets, right)[1],
                    ['R13' if ending else 'R38'])
    if t.store.known is None:
        raise Skip('nobody told what is in the maildrop')
    if len(messages) != min(50, len(t.store.known)):
        t.wrong(f'{len(messages)} messages', f'{len(t.store.known)}', ['R38'])


@rule('R11', MUST, '1939 3', 'a line that begins with a dot gets one more')
@rule('R12', MUST, '1939 3', 'other dots are not doubled')
def stuffing(t):
    _, messages = fetched(t)
    if t.store.known is None:
        raise Skip('nobody told what is in the maildrop')
    seen = False
    for number, raw in messages.items():
        right = expected(t, number, unstuffed(raw))
        if not right:
            continue
        # Lines with dots only: that other lines are as they should be is R38's affair.
        dots = [line for line in stuffed(right).splitlines() if line.startswith(b'.')]
        seen = seen or bool(dots)
        if (found := [line for line in raw.splitlines() if line.startswith(b'.')]) != dots:
            wrong = next((pair for pair in zip(found, dots) if pair[0] != pair[1]), (f'{len(found)} such lines', b''))
            t.wrong(wrong[0], f'{wrong[1]!r}, one of {len(dots)} such lines of message {number}', ['R11'])
        within = re.findall(rb'[^.\r\n](\.+)', right)
        if re.findall(rb'[^.\r\n](\.+)', raw) != within:
            t.wrong(f'other dots within the lines of message {number}', 'dots as they are in the message', ['R12'])
    if not seen:
        raise Skip('no message has a line that begins with a dot')


@rule('R37', MUST, '1939 11', 'the size is what RETR sends, without the dots that were added')
@rule('R74', MUST, '1939 11', 'a line end counts as two octets')
def size(t):
    sizes, messages = fetched(t)
    for number, raw in messages.items():
        octets = unstuffed(raw)
        if len(octets) != sizes[number]:
            lf = sizes[number] == len(octets) - octets.count(b'\r\n')
            stuffing_counts = sizes[number] == len(raw) != len(octets)
            why = ': line ends count once' if lf else ': added dots count' if stuffing_counts else ''
            t.wrong(f'{sizes[number]} for message {number}{why}', f'{len(octets)}, as RETR sends',
                    ['R37', 'R74'] if lf else ['R37'])


@rule('R43', MUST, '1939 5', 'NOOP: +OK')
def noop(t):
    t.entered().ok('NOOP')


# ---- marks ----------------------------------------------------------------------------------------------------------

@rule('R40', MUST, '1939 5', 'what is marked by DELE is no message any more for LIST, RETR, DELE, TOP, UIDL')
def marked(t):
    # Not all in one session: some servers hang up after five refusals.
    for commands in ('LIST 2', 'RETR 2', 'DELE 2'), ('TOP 2 0', 'UIDL 2'):
        client, _ = t.marking()
        client.ok('DELE 2')
        for command in commands:
            said = client.ask(command)
            if not is_err(said):
                t.wrong(said, f'-ERR to {command} behind DELE 2')
                if command[0] in 'RT':
                    client.body_lines()
        t.leave()


@rule('R32a', MUST, '1939 5', 'STAT, LIST and UIDL leave out what is marked; numbers stay')
@rule('R44', MUST, '1939 5', 'RSET: all is as before')
def marks(t):
    client, count = t.marking()
    before = stat(client), scan(client)
    client.ok('DELE 2')
    left = {number: octets for number, octets in before[1].items() if number != 2}
    if (said := scan(client)) != left:
        t.wrong(f'LIST {said}', f'{left}, without message 2', ['R32a'])
    if (said := stat(client)) != (count - 1, sum(left.values())):
        t.wrong(f'STAT {said}', f'{count - 1, sum(left.values())}', ['R32a'])
    said = client.ask('UIDL')
    if is_ok(said) and len(client.body_lines()) != count - 1:
        t.wrong('UIDL with another number of lines', f'{count - 1}', ['R32a'])
    client.ok('RSET')
    if (after := (stat(client), scan(client))) != before:
        t.wrong(f'{after} after RSET', f'{before}, as before', ['R44'])


@rule('R34a', MUST, '1939 5', 'LIST of an empty maildrop: +OK and a dot; STAT: 0 0')
def empty(t):
    client, count = t.deleting(1)
    for number in range(1, count + 1):
        client.ok(f'DELE {number}')
    if lines := client.listing('LIST'):
        t.wrong(lines[0], 'no line when all are marked')
    if (said := stat(client)) != (0, 0):
        t.wrong(f'STAT {said}', '0 0 when all are marked')
    if not is_ok(said := quit_and_close(client)):
        t.wrong(said, '+OK to QUIT')
    client = t.after_end()
    if lines := client.listing('LIST'):
        t.wrong(lines[0], 'no line in an empty maildrop')
    if (said := stat(client)) != (0, 0):
        t.wrong(f'STAT {said}', '0 0')
    if is_ok(said := client.ask('RETR 1')):
        t.wrong(said, '-ERR to RETR 1 of an empty maildrop')


@rule('R46', MUST, '1939 6', 'QUIT removes what was marked')
@rule('R48', MUST, '1939 6', 'and nothing else')
@rule('R41', MUST, '1939 5', 'DELE itself removes nothing')
def update(t):
    client, count = t.deleting()
    before = [mail.name_of(client.body(f'RETR {number}')) for number in range(1, count + 1)]
    stored = t.store.files()
    client.ok('DELE 1')
    client.ok(f'DELE {count}')
    if t.store.files() != stored:
        t.wrong(f'{t.store.files()} messages in the maildrop', f'{stored}, until QUIT', ['R41'])
    if not is_ok(said := quit_and_close(client)):
        t.wrong(said, '+OK to QUIT', ['R46'])
    client = t.after_end()
    after = [mail.name_of(client.body(f'RETR {number}')) for number in range(1, stat(client)[0] + 1)]
    if before[0] in after or before[-1] in after:
        t.wrong('a message that was deleted', 'that it is gone', ['R46'])
    if missing := [name for name in before[1:-1] if name not in after]:
        t.wrong(f'{len(missing)} of {count - 2} messages that were not marked are gone', 'that they stay', ['R48'])


@rule('R50', MUST, '1939 6', 'without QUIT nothing is removed: end, reset, half a QUIT, wrong QUITs')
def no_update(t):
    client, count = t.marking()
    ways = {
        'the end of the connection': lambda c: c.drop(),
        'a reset': lambda c: c.carrier.reset(),
        'QUIT without its CRLF': lambda c: (c.send(b'QUIT'), c.drop()),
        'QUIT in the middle of a line': lambda c: (c.send(b'NOOP QUIT\r\n'), c.drop()),
        'QUITE': lambda c: (c.send(b'QUITE\r\n'), c.drop()),
    }
    for what, end in ways.items():
        client.ok('DELE 1')
        end(client)
        client.open = False
        client = t.after_end()
        if (left := stat(client)[0]) != count:
            judge = t.warn if what in ('QUIT without its CRLF',) else t.wrong
            judge(f'{count - left} messages removed after {what}', 'none')
            if t.store.can_fill:
                t.fill()
            client = t.after_end()
            count = stat(client)[0]


@rule('R28a', MUST, '1939 4', 'numbers stay when a message comes in')
def numbers_stay(t):
    client, _ = t.marking()
    if not isinstance(t.store, mail.Maildir):
        raise Skip('needs --maildir')
    before = scan(client)
    known = t.store.known
    path = t.store.path / 'new' / '1.M1P1.example'  # older than all others by its name
    path.write_bytes(mail.messages()[0])
    try:
        client.ok('DELE 1')
        client.ok('RSET')
        if scan(client) != before:
            t.wrong('another listing', 'that of the login')
    finally:
        t.store.known = known


# ---- TOP and UIDL ---------------------------------------------------------------------------------------------------

def has(t, client, verb, command):
    """Whether an optional command is there."""
    said = client.ask(command)
    if is_ok(said):
        client.body_lines()
        return True
    if verb in t.tags('transaction'):
        raise Wrong(said, f'+OK to {command}: CAPA announces {verb}')
    raise NotApplicable(f'no {verb}')


def top_client(t):
    client, count = t.some_message()
    has(t, client, 'TOP', 'TOP 1 0')
    return client, count


@rule('R52', MUST, '1939 7', 'TOP has two arguments, and the second is not negative')
def top_arguments(t):
    top_client(t)
    t.leave()
    t.refused(['TOP', 'TOP 1', 'TOP 1 -1', 'TOP 1 x', 'TOP 1 0 0'], t.entered)


@rule('R53', MUST, '1939 7', 'TOP n m: the header, an empty line, m lines')
@rule('R54', MUST, '1939 7', 'TOP n 0: the header and the empty line')
@rule('R55', MUST, '1939 7', 'TOP with more lines than there are: the whole message')
def top(t):
    client, count = top_client(t)
    for number in range(1, min(count, 20) + 1):
        whole = client.raw_body(f'RETR {number}')
        header, separator, body = whole.partition(b'\r\n\r\n')
        lines = body.splitlines(keepends=True)
        for most, name in (0, 'R54'), (1, 'R53'), (5, 'R53'), (100000, 'R55'):
            right = header + separator + b''.join(lines[:most])
            if (found := client.raw_body(f'TOP {number} {most}')) != right:
                t.wrong(f'TOP {number} {most} with {difference(found, right)[0]}', difference(found, right)[1], [name])


@rule('R56', MUST, '1939 7', 'TOP of what is no message: -ERR')
def top_none(t):
    top_client(t)
    t.leave()
    t.refused([f'TOP {number} 0' for number in NO_NUMBERS], t.entered)


def uidl_client(t):
    client, count = t.some_message()
    has(t, client, 'UIDL', 'UIDL')
    return client, count


@rule('R57', MUST, '1939 7', 'UIDL and UIDL n say the same; of what is no message: -ERR')
@rule('R58', MUST, '1939 7', 'a unique-id has 1 to 70 octets of 0x21 to 0x7E, and nothing is behind it')
def uidl(t):
    client, count = uidl_client(t)
    uids = scan(client, 'UIDL')
    if sorted(uids) != list(range(1, count + 1)):
        t.wrong(str(sorted(uids)), f'numbers from 1 to {count}', ['R57'])
    if len(set(uids.values())) != len(uids):
        t.wrong('the same for two messages', 'a unique-id for each', ['R57'])
    for number, uid in list(uids.items())[:20]:
        if not re.fullmatch(rb'[\x21-\x7e]{1,70}', uid):
            t.wrong(uid, '1 to 70 octets', ['R58'])
        if (said := client.ask(f'UIDL {number}')) != b'+OK %d %s' % (number, uid):
            t.wrong(said, f'+OK {number} {uid.decode("latin-1")}', ['R57'])
    t.leave()
    t.refused([f'UIDL {number}' for number in NO_NUMBERS], t.entered, ['R57'])


@rule('R59', MUST, '1939 7', 'unique-ids stay: in the next session, after one without QUIT, when others are deleted')
def uids_stay(t):
    client, count = uidl_client(t)
    uids = sorted(scan(client, 'UIDL').values())  # whether the order stays is another matter
    if not is_ok(said := quit_and_close(client)):
        t.wrong(said, '+OK to QUIT')
    for what in ('QUIT', 'the end of the connection'):
        client = t.after_end()
        if sorted(scan(client, 'UIDL').values()) != uids:
            t.wrong(f'other unique-ids after {what}', 'those of the session before')
        client.ask('RETR 1')
        client.drop()
    if not t.store.can_fill or count < 2:
        return
    t.refill = True
    client = t.after_end()
    kept = sorted(uid for number, uid in scan(client, 'UIDL').items() if number != 1)
    client.ok('DELE 1')
    quit_and_close(client)
    if sorted(scan(t.after_end(), 'UIDL').values()) != kept:
        t.wrong('other unique-ids after another message was deleted', 'those of before')


@rule('R60', SHOULD, '1939 7', 'a unique-id is not used again')
def uids_are_new(t):
    client, _ = uidl_client(t)
    if not t.store.can_choose:
        raise Skip('needs --maildir or --mbox')
    t.refill = True
    old = set(scan(client, 'UIDL').values())
    count = stat(client)[0]
    for number in range(1, count + 1):
        client.ok(f'DELE {number}')
    quit_and_close(client)
    t.variant += 1  # other messages
    t.fill()
    new = set(scan(t.entered(), 'UIDL').values())
    if again := new & old:
        t.wrong(sorted(again)[0], 'other unique-ids than those of messages that were there before')
