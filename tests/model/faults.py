# SPDX-License-Identifier: MIT
"""Faults on purpose: each breaks one rule of the session, and the explorer has to see it.

faults.py write INCLUDE FOLDER SWITCH   FOLDER: a copy of the headers with all faults, each behind a switch that is
                                        thrown at run time; SWITCH: the header of that switch
faults.py run PROGRAM                   the explorer, compiled with these: without a fault it finds nothing, with each
                                        of them it does

A fault is a place in a header, between [[ and ]], with what stands around it as far as that is needed to find it, and what
is broken there: an expression, or, if it ends with a semicolon, statements.
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

SESSION, COMMANDS, ANSWERS = 'pop3/impl/session.ipp', 'pop3/impl/commands.ipp', 'pop3/impl/answers.ipp'
EXTENSIONS, SASL, REPLIES = 'pop3/impl/extensions.ipp', 'pop3/impl/sasl.ipp', 'pop3/impl/replies.ipp'
MAILDROP, CAPABILITIES, STUFFER = 'pop3/detail/maildrop.hpp', 'pop3/detail/capabilities.hpp', 'mailwire/dot_stuffer.hpp'

# name, header, place, what is broken there
FAULTS = [
    # time
    ('a write that stalls is waited for', SESSION, '!output_.empty() && over(waiting_since_, limits.write_stall)', 'false'),
    ('a login may take for ever', SESSION, 'logging_in() && over(began_, limits.login)', 'false'),
    ('nobody is ever idle', SESSION, 'waits_for_client() && over(waiting_since_, idle_limit())', 'false'),
    ('an answer may take for ever', SESSION, 'told_ && over(asked_at_, answer_limit())', 'false'),
    ('what is read does not restart the clock', SESSION, 'progress_ || (was_busy_ && waits_for_client())',
     'was_busy_ && waits_for_client()'),
    ('a reply does not restart the clock', REPLIES,
     '[[if (output_.empty()) progress_ = true;]]\n  mailwire::ByteBuffer& out', ';'),
    ('the deadline forgets the answer', SESSION, 'if (told_) add(asked_at_, answer_limit());', ';'),
    ('the deadline forgets the login', SESSION, 'if (logging_in()) add(began_, config_.limits.login);', ';'),
    ('the deadline forgets a held reply', SESSION, 'if (activity_ == Activity::hold) first = auth_->hold_until;', ';'),
    ('a late answer is told inside a message', SESSION, 'if ([[!in_body]]) say_error', 'true'),
    ('a handshake may take as long as an answer', SESSION,
     'waits_for_handshake() ? config_.limits.handshake : config_.limits.answer', 'config_.limits.answer'),
    ('a held reply leaves at once', SESSION, 'now_ < auth_->hold_until', 'false'),
    # the end
    ('the maildrop is released although it was committed', SESSION,
     'if (state_ == State::update) maildrop_open_ = false;', ';'),
    ('the maildrop is never released', ANSWERS, 'maildrop_open_ = true;', ';'),
    ('whoever leaves has had a maildrop', SESSION, 'Closed{reason_, maildrop_open_}', 'Closed{reason_, true}'),
    ('the last reply is lost', SESSION, '[[if (!output_.empty()) return false;]]\n  activity_ = Activity::closed;', ';'),
    ('a lost connection is written to', SESSION, 'if (ending_ == Ending::forced) output_.drop();', ';'),
    ('the last reason counts', SESSION, '[[if (state_ == State::closed) return;]]\n  reason_ = reason;',
     'reason_ = reason; if (state_ == State::closed) return;'),
    ('the end of input is the end of all that came before', SESSION, 'end_of_input_ = due_ = true;',
     'end_of_input_ = due_ = true; input_.clear();'),
    ('octets are read behind the end', SESSION, 'activity_ != Activity::tls && [[!end_of_input_]]', 'true'),
    ('octets are read behind QUIT', SESSION, '[[state_ != State::update]] && activity_ !=', 'true'),
    ('a shutdown interrupts the commit', SESSION, '[[state_ == State::update]] || state_ == State::closed', 'false'),
    ('a shutdown is told inside a message', SESSION, 'if ([[!inside_answer]]) refuse_by_system', 'true'),
    ('a shutdown waits for a slow peer', SESSION, '[[inside_answer ? Ending::cut : Ending::flush]]', 'Ending::flush'),
    ('a body that was cut is not given back', SESSION, 'body_cut_ && !output_.has_run()', 'false'),
    ('QUIT before a login does not close', COMMANDS, 'return close(CloseReason::quit, Ending::flush);', 'return;'),
    # commands
    ('a name is kept for a later PASS', COMMANDS,
     'if (command.verb != Verb::pass || !command.well_formed) forget_login();', ';'),
    ('PASS needs no name', COMMANDS, '[[auth_->user_size == 0]]) return bad_command', 'false'),
    ('STAT before a login', COMMANDS, '? [[info.in_authorization]] : info', 'info.in_authorization || verb == Verb::stat'),
    ('USER after a login', COMMANDS, ': [[info.in_transaction]];', 'info.in_transaction || verb == Verb::user'),
    ('bad commands are forgiven one too many', COMMANDS, 'bad_in_a_row_ >= limit', 'bad_in_a_row_ > limit'),
    ('a good command does not make up for bad ones', COMMANDS, 'activity_ != Activity::sasl) [[bad_in_a_row_ = 0;]]', ';'),
    ('one attempt to log in less', COMMANDS, 'count(Verb::auth) > [[limit]];', 'limit - 1'),
    ('APOP is not counted as an attempt', COMMANDS, 'count(Verb::pass) + count(Verb::apop)', 'count(Verb::pass)'),
    ('one wrong login more', SESSION, 'counters_.failed_logins >= limit', 'counters_.failed_logins > limit'),
    ('USER in the clear', COMMANDS,
     'if (!detail::password_login_allowed(config_, encrypted_)) return bad_command(Text::needs_tls);', ';'),
    ('PASS in the clear is not reported', COMMANDS, 'report_failure(LoginFailed::Fault::not_encrypted, '
     'AuthMethod::user_pass, {});', ';'),
    ('STAT counts what is marked', COMMANDS, 'ok_numbers(reply(), [[maildrop_.left()]]', 'maildrop_.count()'),
    ('LIST lists what is marked', SESSION, '!maildrop_.is_marked(cursor_)', 'true'),
    ('a marked message is still there', COMMANDS, 'exists && !maildrop_.is_marked(number)', 'exists'),
    ('RSET does nothing', COMMANDS, 'maildrop_.unmark_all();', ';'),
    ('RSET forgets the octets', MAILDROP, 'if (message.marked) octets_left_ += message.size;', ';'),
    ('what is marked still counts', MAILDROP, 'octets_left_ -= message.size;', ';'),
    ('DELE in a maildrop that is read only', COMMANDS, 'if (read_only_) return say_error(Text::read_only);', ';'),
    ('what was retrieved is removed', COMMANDS, 'numbers_to_remove([[removes_retrieved()]])', 'true'),
    ('what is to be removed once retrieved stays', COMMANDS, 'numbers_to_remove([[removes_retrieved()]])', 'false'),
    ('TOP counts as retrieved', ANSWERS, '[[!cut_top_]] && maildrop_.form(cursor_)', 'true'),
    ('half a message counts as retrieved', ANSWERS, '[[complete && cursor_ > 0]]) {', 'cursor_ > 0'),
    ('TOP gives as much as it likes of what goes away', COMMANDS, 'removes_retrieved() ? 0 : command.lines',
     'command.lines'),
    ('UTF-8 goes to whoever did not ask for it', COMMANDS,
     'maildrop_.form(number) != detail::Maildrop::Form::needs_utf8', 'true'),
    ('TOP gives all', COMMANDS, 'cut_top_ = command.verb == Verb::top;', 'cut_top_ = false;'),
    # answers
    ('a late answer is taken', ANSWERS, 'request == nullptr || request->token != token', 'request == nullptr'),
    ('an answer is taken twice', ANSWERS, '[[asked_ = told_ = false;]]\n  due_ = true;', 'asked_ = false;'),
    ('wrong logins are not counted', ANSWERS, 'if (code == Code::auth) ++counters_.failed_logins;', ';'),
    ('any refused login is wrong credentials', ANSWERS,
     'why.code == Code::none ? Code::auth : [[detail::legal(why.code, detail::Refused::login)]]', 'Code::auth'),
    ('the name outlives a maildrop that cannot be had', ANSWERS, '[[forget_login();]]\n  close_if_wanted(why);', ';'),
    ('a maildrop that cannot be had is wrong credentials', ANSWERS,
     'say_refused(why, code, detail::login_refused(code));',
     'say_refused(why, Code::auth, detail::login_refused(code));'),
    ('a listing that is not valid is taken', ANSWERS, 'if ([[!valid]]) {', 'false'),
    ('a wish to hang up is not heard', REPLIES, 'if (why.close) close(CloseReason::refused, Ending::flush);', ';'),
    ('the same after a wrong login', SESSION, 'if (close_after_hold_) close(CloseReason::refused, Ending::flush);', ';'),
    ('QUIT says +OK to whatever was removed', ANSWERS, 'removed == wanted', 'true'),
    ('more is removed than was marked', ANSWERS, 'removed > wanted ? Outcome::invalid : Outcome::applied',
     'Outcome::applied'),
    ('a refused commit does not close', ANSWERS,
     'not_removed);\n  [[close(CloseReason::quit, Ending::flush);]]', ';'),
    ('an aborted body gets its end', ANSWERS, 'close(CloseReason::body_aborted, Ending::flush);', 'chunk_last_ = true;'),
    ('the offset is that of the last piece', ANSWERS, 'offset_ += chunk.size();', 'offset_ = chunk.size();'),
    ('TOP goes on', ANSWERS, 'chunk_last_ = chunk_last_ || top_cut_.done();', ';'),
    ('TOP may be promised unseen', ANSWERS, 'cut_top_ ? Outcome::invalid : Outcome::applied', 'Outcome::applied'),
    ('pieces are asked for without room', ANSWERS,
     '[[if (output_.size() > config_.limits.output_high) return false;]]\n  BodyRequest request{};', ';'),
    ('a code of logins in another reply', ANSWERS,
     '[[detail::legal(why.code, detail::Refused::message)]], Text::not_available);\n  close_if_wanted', 'why.code'),
    # messages
    ('a dot at the start of a line is not doubled', STUFFER, "octet == '.' ? [[line_start_]] :", 'false'),
    # extensions
    ('STLS under TLS', EXTENSIONS, '!detail::stls_allowed(config_, capability_facts())', '!config_.offer_stls'),
    ('octets from before TLS are executed', EXTENSIONS,
     'drop_read_ = input_.is_lent();\n  [[input_.clear();]]', ';'),
    ('what was said before TLS is kept', EXTENSIONS, '[[forget_client_settings();]]\n  encrypted_ = true;', ';'),
    ('after a failed handshake all goes on', EXTENSIONS, 'close(CloseReason::tls_failed, Ending::forced);',
     'activity_ = Activity::commands;'),
    ('TLS begins inside the +OK', EXTENSIONS, 'if (!output_.empty()) return false;', ';'),
    ('octets are read behind STLS', SESSION, '[[activity_ != Activity::tls]] && !end_of', 'true'),
    ('UTF8 does nothing', EXTENSIONS, 'utf8_ = true;', ';'),
    ('an unknown language is none', EXTENSIONS, 'if (found == 0) return say_error(Text::no_language);',
     'if (found == 0) { language_ = 0; return say_error(Text::no_language); }'),
    ('a command that is to go on says nothing', EXTENSIONS,
     'execute(detail::parse_command(line.view().substr(verb_size)));', ';'),
    ('an answered verb is still bad', EXTENSIONS, '[[bad_in_a_row_ = 0;]]\n  trace_accept(text);', ';'),
    ('CAPA offers STLS under TLS', CAPABILITIES, 'if (stls_allowed(config_, facts_)) line("STLS");',
     'if (config_.offer_stls) line("STLS");'),
    ('CAPA offers USER in the clear', CAPABILITIES,
     'if (password_login_allowed(config_, facts_.encrypted)) line("USER");', 'line("USER");'),
    ('PLAIN in the clear', CAPABILITIES, '!shows_secret(method) || password_login_allowed(config, facts.encrypted)',
     'true'),
    # AUTH
    ('an asterisk is only bad base64', SASL, 'line == "*"', 'false'),
    ('an exchange goes on after a mistake', SASL, 'forget_login();\n  [[activity_ = Activity::commands;]]\n}', ';'),
    ('whatever follows success is good', SASL, '*size == 0', 'true'),
    ('success with data needs no answer', SASL, 'if ([[data.empty()]]) {', 'true'),
    ('nobody may log in', SASL, 'if ([[user.empty()]]) {', 'false'),
    ('each message is an attempt', SASL, 'if (first) ++counters_.logins;', '++counters_.logins;'),
    ('AUTH with a mistake is a good command', SASL, 'malformed, {});\n  [[bad_command(Text::bad_response);]]', 'say_error(Text::bad_response);'),
    ('an unknown mechanism closes', SASL, 'if (mechanism == nullptr) return say_error(Text::no_mechanism);',
     'if (mechanism == nullptr) return bad_command(Text::no_mechanism);'),
]


def place_of(fault, code):
    """Where it begins and ends."""
    name, header, place, _ = fault
    before, inside, after = re.fullmatch(r'(.*)\[\[(.*)\]\](.*)', place, re.S).groups() if '[[' in place else ('', place, '')
    count = code.count(before + inside + after)
    if count != 1:
        sys.exit(f'faults.py: "{name}" is {count} times in {header}, not once:\n{place}')
    start = code.index(before + inside + after) + len(before)
    return start, start + len(inside)


def switched(number, right, broken):
    if right.endswith(';'):
        return f'{{ if (mailwire_fault == {number}) {{ {broken} }} else {{ {right} }} }}'
    return f'(mailwire_fault == {number} ? ({broken}) : ({right}))'


SWITCH = """// SPDX-License-Identifier: MIT
// Made by faults.py: which rule is broken, 0 = none.
#ifndef TESTS_MODEL_FAULT_HPP
#define TESTS_MODEL_FAULT_HPP

inline int mailwire_fault = 0;

#endif
"""


def write(include, folder, switch):
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(include, folder)
    for header in sorted({fault[1] for fault in FAULTS}):
        code = (include / header).read_text(encoding='utf-8')
        places = {}
        for number, fault in enumerate(FAULTS, 1):
            if fault[1] == header:
                places.setdefault(place_of(fault, code), []).append((number, fault[3]))
        last = len(code)
        for (start, end), faults in sorted(places.items(), reverse=True):
            if end > last:
                sys.exit(f'faults.py: two faults overlap in {header}:\n{code[start:end]}')
            last = start
            right = code[start:end]
            for number, broken in faults:
                right = switched(number, right, broken) + (';' if right.endswith(';') and len(faults) > 1 else '')
            code = code[:start] + right + code[end:]
        (folder / header).write_text(code, encoding='utf-8')
    switch.write_text(SWITCH, encoding='utf-8')


# Most faults are found by the first depth; one that the second does not find wants a larger figure there.
DEPTHS = [4, 6]


def explore(program, number):
    """Exit status, what was said, seconds."""
    start = time.monotonic()
    for depth in DEPTHS:
        done = subprocess.run([program, '--quick', '--depth', str(depth), '--fault', str(number)], capture_output=True,
                              text=True, errors='replace', check=False)
        if done.returncode != 0 or number == 0:
            break
    return done.returncode, done.stdout + done.stderr, time.monotonic() - start


def run(program):
    begin = time.monotonic()
    missed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda number: explore(program, number), range(len(FAULTS) + 1))
        for number, (status, said, took) in enumerate(results):
            lines = said.splitlines()
            found = [place for place, line in enumerate(lines) if line.startswith('DIFFERENCE')]
            good = status == 0 if number == 0 else status == 1 and bool(found)
            name = FAULTS[number - 1][0] if number else 'no fault'
            how = '\n      '.join(line.strip()[:200] for line in lines[found[0]:found[0] + 2]) if found else 'no difference'
            print(f'{"ok" if good else "NOT OK"} {number} {name} ({took:.1f} s)\n      {how}', flush=True)
            if not good:
                missed += 1
                print(f'status {status}\n{said}')
    print(f'{len(FAULTS)} faults, {missed} results that are wrong, {time.monotonic() - begin:.1f} s')
    return 1 if missed else 0


def main():
    if len(sys.argv) == 5 and sys.argv[1] == 'write':
        write(*map(pathlib.Path, sys.argv[2:]))
        return 0
    if len(sys.argv) == 3 and sys.argv[1] == 'run':
        return run(sys.argv[2])
    sys.exit(__doc__)


if __name__ == '__main__':
    sys.exit(main())
