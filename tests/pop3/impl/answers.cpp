// SPDX-License-Identifier: MIT
// What the application decides: logins, listings, bodies, removal.
#include <pop3/session.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "server.hpp"

namespace {

using pop3::AuthRequest;
using pop3::BodyRequest;
using pop3::Chunk;
using pop3::Code;
using pop3::CommitRequest;
using pop3::ListRequest;
using pop3::Outcome;
using pop3::RetrieveRequest;
using std::chrono::milliseconds;
using std::chrono::seconds;
using tests::is_error;
using tests::is_ok;
using tests::log_in;
using tests::Mail;
using tests::plain_config;
using tests::Server;
using tests::visible;

constexpr Code codes[] = {Code::none, Code::auth,     Code::in_use,  Code::login_delay,
                          Code::utf8, Code::sys_temp, Code::sys_perm};
// As they are written behind "-ERR ", in the order of `codes`.
constexpr const char* code_texts[] = {"",        "[AUTH] ",     "[IN-USE] ",  "[LOGIN-DELAY] ",
                                      "[UTF8] ", "[SYS/TEMP] ", "[SYS/PERM] "};
// A text that would be three lines, a response code, and far too long.
const std::string hostile = "[X]\r\n+OK fake\r\n." + std::string(600, '\xE4');

bool is_one_error(const std::string& reply, const std::string& code) {
  return reply.substr(0, 5 + code.size()) == "-ERR " + code && reply.size() > 7 + code.size() && reply.size() <= 512 &&
         reply.find("\r\n") == reply.size() - 2 && reply[5 + code.size()] != (code.empty() ? '[' : '\0') &&
         std::all_of(reply.begin(), reply.end() - 2, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

// ---- refusals -----------------------------------------------------------------------------------------------------

TEST_CASE(
    "R7-R9 R90-R92 F-ERRTEXT: refusals with every code and any text: one line, and codes only where they are legal") {
  for (std::size_t i = 0; i < sizeof codes / sizeof codes[0]; ++i) {
    const std::string code = code_texts[i];
    const bool system = codes[i] == Code::sys_temp || codes[i] == Code::sys_perm;
    const bool of_message = codes[i] == Code::utf8;
    const std::string of_login = of_message ? "" : code;
    for (const std::string& text : {std::string(), std::string("no"), hostile}) {
      CAPTURE(code);
      CAPTURE(text.size());
      const pop3::Refusal why{codes[i], text};
      {
        // Credentials that are refused without a code are wrong (RFC 3206, 6).
        Server server;
        server.harness.refuse(server.ask<AuthRequest>(log_in), why);
        CHECK(is_one_error(server.say(""), code.empty() ? "[AUTH] " : of_login));
        CHECK(server.session.counters().failed_logins == (codes[i] == Code::none || codes[i] == Code::auth ? 1 : 0));
        CHECK(server.session.state() == pop3::State::authorization);
      }
      {
        Server server;
        server.harness.refuse(server.ask<ListRequest>(log_in), why);
        CHECK(is_one_error(server.say(""), of_login));
        CHECK(server.session.counters().failed_logins == 0);
        CHECK(server.session.state() == pop3::State::authorization);
      }
      {
        Server server;
        server.log_in();
        server.harness.refuse(server.ask<RetrieveRequest>("RETR 1\r\n"), why);
        CHECK(is_one_error(server.say(""), system || of_message ? code : ""));
        CHECK(is_ok(server.command("NOOP")));
        CHECK_FALSE(server.saw("BodyDone number=1 complete=no"));
      }
      {
        // Nothing was removed: an -ERR that blames the system, unless the application says whom.
        Server server;
        server.log_in();
        server.harness.refuse(server.ask<CommitRequest>("DELE 1\r\nQUIT\r\n"), why);
        CHECK(is_one_error(server.say(""), system ? code : codes[i] == Code::none ? "[SYS/TEMP] " : ""));
        CHECK(server.harness.events.back() == "Closed quit release=no");
        CHECK(server.session.counters().removed == 0);
      }
      {
        Server server;
        server.log_in();
        server.harness.shutdown(why);
        CHECK(is_one_error(server.say(""), system ? code : codes[i] == Code::none ? "[SYS/TEMP] " : ""));
        CHECK(server.harness.events.back() == "Closed shutdown release=yes");
        CHECK(server.faults() == "");
      }
    }
  }
}

// ---- login --------------------------------------------------------------------------------------------------------

TEST_CASE(
    "R23 R25-R27 R48 F-LOCK: a maildrop that is not had: -ERR, nothing to release, and one may try again or quit") {
  for (const bool again : {false, true}) {
    Server server;
    const ListRequest request = server.ask<ListRequest>(log_in);
    CHECK(server.harness.output == "+OK POP3 server ready\r\n+OK send PASS\r\n");  // no +OK to PASS before the lock
    server.harness.refuse(request, {Code::in_use, ""});
    CHECK(is_one_error(server.say(""), "[IN-USE] "));
    CHECK(is_error(server.command("STAT")));
    CHECK(is_error(server.command("PASS pw")));
    if (again) CHECK(is_ok(server.log_in()));
    CHECK(is_ok(server.command("QUIT")));
    CHECK(server.harness.events.back() == "Closed quit release=no");
    CHECK(server.saw("CommitRequest numbers=") == again);
    CHECK(server.faults() == "");
  }
}

TEST_CASE("R30 F-LOCK: a name alone opens and releases nothing, however the session ends") {
  for (const char* lines : {"USER victim\r\n", "USER victim\r\nQUIT\r\n", "USER victim\r\nPASS guess\r\n"}) {
    Server server;
    server.say(lines);
    server.harness.end_of_input();
    server.say("");
    CHECK(server.session.finished());
    CHECK(server.harness.events.back().find("release=no") != std::string::npos);
  }
}

TEST_CASE("R26 R58 F-UID: a listing that breaks the rules is not taken: invalid, [SYS/PERM], and no maildrop is open") {
  const std::string long_uid(71, 'x');
  const std::vector<std::vector<pop3::MessageInfo>> listings = {{{1, ""}},           {{1, "ok"}, {1, "a b"}},
                                                                {{1, "a\r\n.\r\n"}}, {{1, long_uid}},
                                                                {{1, "\xC3\xA4"}},   {{1, "a"}, {1, "b"}, {1, "c"}}};
  pop3::Config config = plain_config();
  config.limits.messages = 2;
  for (const auto& listing : listings) {
    Server server(config);
    const ListRequest request = server.ask<ListRequest>(log_in);
    CHECK(server.session.accept(request.token, {listing.data(), listing.size()}) == Outcome::invalid);
    CHECK(server.session.state() == pop3::State::authorization);
    CHECK(is_one_error(server.say(""), "[SYS/PERM] "));
    CHECK(is_error(server.command("STAT")));
    CHECK(is_ok(server.log_in()));
    CHECK(server.command("STAT") == "+OK 2 53\r\n");
    CHECK(server.command("QUIT") == "+OK bye\r\n");
    CHECK(server.faults() == "");
  }
}

TEST_CASE("R59: two sessions with one listing show the same unique-ids, also when the first one never reached UPDATE") {
  Server first, second;
  first.log_in();
  first.command("DELE 1");
  first.harness.disconnect();
  first.say("");
  CHECK(first.harness.events.back() == "Closed disconnected release=yes");
  second.log_in();
  CHECK(second.command("UIDL") == "+OK unique-id listing follows\r\n1 uid-1\r\n2 uid-2\r\n.\r\n");
}

TEST_CASE("R65 R69: so many failed logins end the session, and trouble of the system is not counted") {
  for (const unsigned limit : {0U, 1U, 3U}) {
    CAPTURE(limit);
    pop3::Config config = plain_config();
    config.limits.failed_logins = limit;
    config.limits.login_attempts = 0;
    Server server(config);
    for (int i = 0; i < 5; ++i) {
      server.harness.refuse(server.ask<AuthRequest>(log_in), {Code::sys_temp, ""});
      CHECK(is_one_error(server.say(""), "[SYS/TEMP] "));
    }
    for (unsigned i = 1; i <= (limit == 0 ? 50 : limit); ++i) {
      CHECK_FALSE(server.session.finished());
      server.harness.refuse(server.ask<AuthRequest>(log_in));
      CHECK(is_one_error(server.say(""), "[AUTH] "));
      CHECK(server.session.counters().failed_logins == i);
    }
    CHECK(server.session.finished() == (limit > 0));
    if (limit > 0) CHECK(server.harness.events.back() == "Closed failed_logins release=no");
    CHECK(server.faults() == "");
  }
}

TEST_CASE(
    "R114: the -ERR to a failed login waits for its time, counted from the request, and what is sent behind it as "
    "well") {
  struct Case {
    milliseconds delay, answer_after, reply_after;
  };
  static constexpr Case cases[] = {
      {milliseconds(0), milliseconds(0), milliseconds(0)},
      {milliseconds(2000), milliseconds(0), milliseconds(2000)},
      {milliseconds(2000), milliseconds(1500), milliseconds(500)},
      {milliseconds(2000), milliseconds(1999), milliseconds(1)},
      {milliseconds(2000), milliseconds(2000), milliseconds(0)},
      {milliseconds(2000), milliseconds(9000), milliseconds(0)},
  };
  for (const Case& c : cases) {
    CAPTURE(c.delay.count());
    CAPTURE(c.answer_after.count());
    pop3::Config config = plain_config();
    config.limits.failed_login_delay = c.delay;
    Server server(config);
    const AuthRequest request = server.ask<AuthRequest>("USER ann\r\nPASS no\r\nCAPA\r\n");
    CHECK(server.wait(c.answer_after) == "");
    server.harness.refuse(request);
    if (c.reply_after > milliseconds(0)) {
      CHECK(server.say("USER ann\r\n") == "");
      CHECK(server.session.deadline() == server.harness.now + c.reply_after);
      CHECK(server.wait(c.reply_after - milliseconds(1)) == "");
      CHECK(is_error(server.wait(milliseconds(1))));
    } else {
      CHECK(is_error(server.say("")));
    }
    CHECK(server.harness.output.find("capability") != std::string::npos);
    CHECK(server.faults() == "");
  }
}

// ---- secrets ------------------------------------------------------------------------------------------------------

TEST_CASE("F-LOG: a password is gone from where the request showed it, and from the input, as soon as it is answered") {
  enum class End { accept, refuse, hold, shutdown, disconnect, timeout, end };
  for (const End end : {End::accept, End::refuse, End::hold, End::shutdown, End::disconnect, End::timeout}) {
    for (const std::size_t size : {8U, 240U, 504U}) {
      CAPTURE(static_cast<int>(end));
      CAPTURE(size);
      pop3::Config config = plain_config();
      config.limits.answer = seconds(30);
      if (end == End::hold) config.limits.failed_login_delay = seconds(2);
      Server server(config);
      server.say("USER " + std::string(size, 'u') + "\r\n");
      const std::string octets = "PASS " + std::string(size, '#') + "\r\nCAPA\r\n";
      const char* const input = server.session.input_buffer().data;
      const AuthRequest request = server.ask<AuthRequest>(octets);
      const std::string_view password = request.password.reveal();
      CHECK(std::string(password) == std::string(size, '#'));
      CHECK(std::count(input, input + octets.size(), '#') == 0);
      switch (end) {
        case End::accept: server.harness.accept(request); break;
        case End::refuse:
        case End::hold: server.harness.refuse(request); break;
        case End::shutdown: server.session.shutdown(); break;
        case End::disconnect: server.session.disconnect(); break;
        case End::timeout: server.harness.now += seconds(30); break;
        case End::end: break;
      }
      if (end == End::accept) {
        const ListRequest list = server.next<ListRequest>();
        CHECK(list.user == std::string(size, 'u'));
      } else if (end != End::hold) {
        server.say("");
      }
      // A held reply may stand there now; nothing else may.
      CHECK(std::count(password.begin(), password.end(), '#') == 0);
      if (end == End::shutdown || end == End::disconnect || end == End::timeout) {
        CHECK(server.session.finished());
        CHECK(std::string(password) == std::string(size, '\0'));
        CHECK(std::string(request.user) == std::string(size, '\0'));
      }
      CHECK(server.faults() == "");
    }
  }
}

TEST_CASE("F-LOG: a digest is gone as soon as it is answered") {
  for (const bool accepted : {false, true}) {
    Server server(plain_config(), tests::with_apop());
    const auto request = server.ask<pop3::DigestRequest>("APOP ann dddddddddddddddddddddddddddddddd\r\n");
    CHECK(std::string(request.user) == "ann");
    CHECK(std::string(request.challenge) == "<1@x>");
    const std::string_view digest = request.digest;
    CHECK(std::string(digest) == std::string(32, 'd'));
    if (accepted) {
      server.harness.accept(request);
      CHECK(std::string(digest) == std::string(32, '\0'));
      CHECK(std::string(server.next<ListRequest>().user) == "ann");
    } else {
      server.harness.refuse(request);
      CHECK(digest.find("ddd") == digest.npos);
      CHECK(is_one_error(server.say(""), "[AUTH] "));
    }
  }
}

// ---- bodies -------------------------------------------------------------------------------------------------------

namespace {

enum class Answer { lend, send, accept_then_lend, accept_then_send };
constexpr Answer answers[] = {Answer::lend, Answer::send, Answer::accept_then_lend, Answer::accept_then_send};

// RETR 1 with a body in these chunks; what comes, and the offsets that are asked for.
std::string retrieve(Server& server, const std::vector<std::string>& chunks, Answer way, std::string* offsets = nullptr,
                     const char* line = "RETR 1\r\n") {
  const RetrieveRequest request = server.ask<RetrieveRequest>(line);
  const std::size_t before = server.harness.output.size();
  std::size_t next = 0;
  const auto give = [&](const auto& to) {
    const Chunk last = next + 1 == chunks.size() ? Chunk::last : Chunk::more;
    if (way == Answer::lend || way == Answer::accept_then_lend)
      server.harness.lend(to, chunks[next], last);
    else
      server.harness.send(to, chunks[next], last);
    ++next;
  };
  if (way == Answer::lend || way == Answer::send)
    give(request);
  else
    server.harness.accept(request);
  while (!server.saw("BodyDone number=1 complete=yes")) {
    const auto event = server.harness.poll();
    if (event && std::holds_alternative<BodyRequest>(*event)) {
      const auto& body = std::get<BodyRequest>(*event);
      if (offsets != nullptr) *offsets += std::to_string(body.offset) + ' ';
      if (next == chunks.size()) return "too many requests";
      give(body);
    } else if (!event && server.harness.take_output(~std::size_t{0}) == 0) {
      return "stuck";
    }
  }
  server.say("");
  return server.harness.output.substr(before);
}

}  // namespace

TEST_CASE("R11 R13 R38 R74 F-DOT F-PE3: a body given in any chunks in any way is the same on the wire") {
  const std::string body = ".A: 1\r\n\n.\r\n..x\n\r.\r\r\n.end\r";
  const std::string wire = "..A: 1\r\n\r\n..\r\n...x\r\n\r.\r\r\n..end\r\r\n.\r\n";
  const std::vector<Mail> mails = {{"u", body}};
  for (const Answer way : answers) {
    for (std::size_t cut = 0; cut <= body.size(); ++cut) {
      CAPTURE(static_cast<int>(way));
      CAPTURE(cut);
      Server server(plain_config(), {}, mails);
      server.log_in();
      std::string offsets;
      const std::string reply = retrieve(server, {body.substr(0, cut), body.substr(cut)}, way, &offsets);
      CHECK(visible(reply) == visible("+OK 29 octets\r\n" + wire));
      const bool first = way == Answer::lend || way == Answer::send;
      CHECK(offsets == (first ? "" : "0 ") + std::to_string(cut) + ' ');
      CHECK(server.command("LIST 1") == "+OK 1 29\r\n");
      CHECK(server.session.counters().retrieved == 1);
      CHECK(server.faults() == "");
    }
    std::vector<std::string> octets;
    for (const char c : body) octets.emplace_back(1, c);
    Server server(plain_config(), {}, mails);
    server.log_in();
    CHECK(visible(retrieve(server, octets, way)) == visible("+OK 29 octets\r\n" + wire));
  }
}

TEST_CASE("R10 R13: empty chunks and empty bodies") {
  for (const Answer way : answers) {
    const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
        {{""}, ""},
        {{"", "", ""}, ""},
        {{"a\r\n", ""}, "a\r\n"},
        {{"", "a\r\n", "", "", ".b"}, "a\r\n..b\r\n"},
        {{"a\r", "", "\n", ""}, "a\r\n"},
    };
    for (const auto& c : cases) {
      Server server;
      server.log_in();
      const std::string reply = retrieve(server, c.first, way);
      CHECK(visible(reply.substr(reply.find('\n') + 1)) == visible(c.second + ".\r\n"));
      CHECK(server.faults() == "");
    }
  }
}

TEST_CASE("R53-R55 F-TOP F-DOT: TOP over chunks takes no further chunk than it needs") {
  const std::string body = "A: 1\r\n\r\n.one\r\ntwo\r\nthree\r\n";
  for (std::size_t n = 0; n <= 4; ++n) {
    const std::size_t end = n == 0 ? 8 : n == 1 ? 14 : n == 2 ? 19 : 26;  // where the n-th line ends
    for (const Answer way : answers) {
      for (std::size_t cut = 0; cut < body.size(); ++cut) {
        CAPTURE(n);
        CAPTURE(cut);
        Server server;
        server.log_in();
        std::string offsets;
        const std::string line = "TOP 1 " + std::to_string(n) + "\r\n";
        const std::string reply =
            retrieve(server, {body.substr(0, cut), body.substr(cut)}, way, &offsets, line.c_str());
        std::string wanted = body.substr(0, end);
        if (n > 0) wanted.insert(8, ".");
        CHECK(visible(reply) == visible("+OK top of message follows\r\n" + wanted + ".\r\n"));
        const bool whole = cut >= end && n < 4;  // the first chunk had it all
        CHECK((offsets.find(std::to_string(cut) + ' ') == std::string::npos || (cut == 0 && whole)) == whole);
        CHECK(server.session.counters().tops == 1);
        CHECK(server.faults() == "");
      }
    }
  }
}

TEST_CASE("a big clean body goes out of the application's own memory, not out of a copy") {
  struct Kind {
    std::size_t size;
    bool verbatim;
  };
  // With a last piece that is lent, and with one so small that it is copied.
  for (const Kind kind : {Kind{20'000, false}, Kind{100'000, false}, Kind{256 * 1024, false}, Kind{256 * 1024, true}}) {
    CAPTURE(kind.size);
    std::string body;
    while (body.size() < kind.size) body += std::string(70, 'x') + "\r\n";
    pop3::Config config = plain_config();
    if (kind.verbatim) config.body_lines = pop3::BodyLines::verbatim;
    Server server(config, {}, {{"u", body}});
    server.log_in();
    const RetrieveRequest request = server.ask<RetrieveRequest>("RETR 1\r\n");
    CHECK(server.session.lend_body(request.token, body, Chunk::last) == Outcome::applied);
    std::size_t copied = 0, lent = 0;
    std::string sent;
    for (bool done = false; !done;) {
      const auto event = server.session.poll(server.harness.now);
      done = event && std::holds_alternative<pop3::BodyDone>(*event);
      pop3::ConstBuffer runs[4];
      std::size_t octets = 0;
      for (std::size_t i = 0, count = server.session.gather(runs, 4); i < count; ++i) {
        const bool inside = runs[i].data >= body.data() && runs[i].data + runs[i].size <= body.data() + body.size();
        (inside ? lent : copied) += runs[i].size;
        if (inside) CHECK(runs[i].data == body.data() + lent - runs[i].size);  // in order, none twice
        octets += runs[i].size;
        sent.append(runs[i].data, runs[i].size);
      }
      server.session.consume_output(octets);
      REQUIRE((octets > 0 || event));
    }
    CHECK(lent >= body.size() - 16 * 1024);
    CHECK(lent + copied == sent.size());
    const std::string wanted = "+OK " + std::to_string(body.size()) + " octets\r\n" + body + ".\r\n";
    CHECK(sent.size() == wanted.size());
    CHECK((sent == wanted));
    CHECK(server.session.output().empty());
  }
}

TEST_CASE("R11 R74 F-DOT: big bodies that need repair, with readers of all speeds") {
  struct Kind {
    const char* what;
    std::string line, sent;
  };
  const Kind kinds[] = {
      {"bare LF", std::string(70, 'x') + "\n", std::string(70, 'x') + "\r\n"},
      {"dots", ".\r\n", "..\r\n"},
      {"only LF", "\n", "\r\n"},
      {"long lines", std::string(30'000, 'y') + "\n.", std::string(30'000, 'y') + "\r\n.."},
      {"no line ends", std::string(100, 'z'), std::string(100, 'z')},
      {"one dot in much", std::string(40'000, 'w') + "\r\n.\r\n", std::string(40'000, 'w') + "\r\n..\r\n"},
  };
  for (const Kind& kind : kinds) {
    CAPTURE(kind.what);
    std::string body, wire;
    while (body.size() < 200'000) body += kind.line, wire += kind.sent;
    if (wire.substr(wire.size() - 2) != "\r\n") wire += "\r\n";
    for (const std::size_t most : {std::size_t{997}, std::size_t{65'536}, ~std::size_t{0}}) {
      CAPTURE(most);
      Server server(plain_config(), {}, {{"u", body}});
      server.log_in();
      server.harness.output.clear();
      const auto base = server.session.counters().octets_out;
      const RetrieveRequest request = server.ask<RetrieveRequest>("RETR 1\r\n");
      server.session.lend_body(request.token, body, Chunk::last);
      std::string sent;
      std::size_t most_queued = 0;
      for (bool done = false; !done || !server.session.output().empty();) {
        const auto event = server.session.poll(server.harness.now);
        done = done || (event && std::holds_alternative<pop3::BodyDone>(*event));
        most_queued = std::max(most_queued, tests::queued(server.session));
        pop3::ConstBuffer runs[4];
        std::size_t taken = 0;
        for (std::size_t i = 0, count = server.session.gather(runs, 4); i < count; ++i) {
          const std::size_t n = std::min(runs[i].size, most - taken);
          sent.append(runs[i].data, n);
          taken += n;
        }
        server.session.consume_output(taken);
        REQUIRE((taken > 0 || event));
      }
      CHECK((sent.substr(sent.find('\n') + 1) == wire + ".\r\n"));
      CHECK(server.session.counters().octets_out - base == sent.size());
      CHECK(most_queued <= 192 * 1024);
    }
  }
}

TEST_CASE("a body that cannot be completed is seen to be cut short: no final dot, no further reply") {
  for (const bool refused : {false, true}) {
    Server server;
    server.log_in();
    const RetrieveRequest request = server.ask<RetrieveRequest>("DELE 2\r\nRETR 1\r\nNOOP\r\nQUIT\r\n");
    server.harness.lend(request, "Subject: one\r\n", Chunk::more);
    const BodyRequest body = server.next<BodyRequest>();
    CHECK(body.offset == 14);
    if (refused)
      server.harness.refuse(body, {Code::sys_temp, "too late for a text"});
    else
      server.harness.abort(body);
    server.say("");
    CHECK(server.harness.output.substr(server.harness.output.rfind('+')) == "+OK 31 octets\r\nSubject: one\r\n");
    const std::vector<std::string> last(server.harness.events.end() - 2, server.harness.events.end());
    CHECK(last[0].find("BodyDone number=1 complete=no") == 0);
    CHECK(last[1] == "Closed body_aborted release=yes");
    CHECK(server.session.counters().retrieved == 0);
    CHECK(server.faults() == "");
  }
}

TEST_CASE("R37: every body is asked for from its first octet on, and BodyDone tells how many octets it had") {
  const std::vector<Mail> mails = {{"a", "x\n.\n"}, {"b", "yy"}};
  Server server(plain_config(), {}, mails);
  server.log_in();
  for (const std::size_t i : {0U, 1U, 0U}) {
    CAPTURE(i);
    server.harness.accept(server.ask<RetrieveRequest>("RETR " + std::to_string(i + 1) + "\r\n"));
    const BodyRequest first = server.next<BodyRequest>();
    CHECK(first.offset == 0);
    CHECK(first.number == i + 1);
    server.harness.lend(first, mails[i].octets.substr(0, 1), Chunk::more);
    const BodyRequest second = server.next<BodyRequest>();
    CHECK(second.offset == 1);
    server.harness.lend(second, mails[i].octets.substr(1), Chunk::last);
    const auto done = server.next<pop3::BodyDone>();
    CHECK(done.complete);
    CHECK(done.number == i + 1);
    CHECK(done.octets == server.session.message(done.number).size);
    server.say("");
  }
  CHECK(server.faults() == "");
}

TEST_CASE("what was announced in one body does not leak into the next") {
  Server server(plain_config(), {}, {{"a", "x\r"}, {"b", "\n.\r\n"}});
  server.log_in();
  CHECK(visible(server.say("RETR 1\r\nRETR 2\r\nTOP 2 0\r\nRETR 2\r\n")) ==
        visible("+OK 4 octets\r\nx\r\r\n.\r\n"
                "+OK 5 octets\r\n\r\n..\r\n.\r\n"
                "+OK top of message follows\r\n\r\n.\r\n"
                "+OK 5 octets\r\n\r\n..\r\n.\r\n"));
  CHECK(server.faults() == "");
}

// ---- QUIT ---------------------------------------------------------------------------------------------------------

TEST_CASE("R41 R46-R49 R51 F-QUIT F-PE10: QUIT asks for the removal first, and its reply tells the result") {
  struct Case {
    std::size_t removed;
    Outcome outcome;
    const char* reply;
    std::uint32_t counted;
  };
  static constexpr Case cases[] = {
      {2, Outcome::applied, "+OK bye\r\n", 2},
      {1, Outcome::applied, "-ERR [SYS/TEMP] 1 of 2 deleted messages removed\r\n", 1},
      {0, Outcome::applied, "-ERR [SYS/TEMP] 0 of 2 deleted messages removed\r\n", 0},
      {3, Outcome::invalid, nullptr, 0},
      {~std::size_t{0}, Outcome::invalid, nullptr, 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.removed);
    Server server(plain_config(), {}, {{"a", "1\r\n"}, {"b", "2\r\n"}, {"c", "3\r\n"}});
    server.log_in();
    const CommitRequest request = server.ask<CommitRequest>("DELE 3\r\nDELE 1\r\nQUIT\r\nRSET\r\nDELE 2\r\n");
    CHECK(server.harness.events.back() == "CommitRequest numbers=1,3");
    CHECK(server.session.state() == pop3::State::update);
    CHECK_FALSE(server.session.wants_input());
    CHECK(server.say("") == "");  // no reply before the work is done
    CHECK(server.harness.accept(request, c.removed) == c.outcome);
    const std::string reply = server.say("");
    if (c.reply != nullptr)
      CHECK(reply == c.reply);
    else
      CHECK(is_one_error(reply, "[SYS/TEMP] "));
    CHECK(server.harness.events.back() == "Closed quit release=no");
    CHECK(server.session.counters().removed == c.counted);
    CHECK(server.session.counters().marked == 2);
    CHECK(server.faults() == "");
  }
}

TEST_CASE("R47 R48: which messages were removed may be told; what was not asked for is not believed") {
  struct Case {
    std::vector<std::uint32_t> removed;
    Outcome outcome;
    const char* reply;
  };
  const Case cases[] = {
      {{1, 3}, Outcome::applied, "+OK bye\r\n"},
      {{3, 1}, Outcome::applied, "+OK bye\r\n"},
      {{3}, Outcome::applied, "-ERR [SYS/TEMP] 1 of 2 deleted messages removed\r\n"},
      {{}, Outcome::applied, "-ERR [SYS/TEMP] 0 of 2 deleted messages removed\r\n"},
      {{2}, Outcome::invalid, nullptr},
      {{1, 2}, Outcome::invalid, nullptr},
      {{1, 1}, Outcome::invalid, nullptr},
      {{0}, Outcome::invalid, nullptr},
      {{4}, Outcome::invalid, nullptr},
      {{1, 2, 3}, Outcome::invalid, nullptr},
  };
  for (const Case& c : cases) {
    CAPTURE(c.removed.size());
    Server server(plain_config(), {}, {{"a", "1\r\n"}, {"b", "2\r\n"}, {"c", "3\r\n"}});
    server.log_in();
    const CommitRequest request = server.ask<CommitRequest>("DELE 3\r\nDELE 1\r\nQUIT\r\n");
    CHECK(server.session.is_marked(1));
    CHECK_FALSE(server.session.is_marked(2));
    CHECK_FALSE(server.session.is_marked(4));
    const pop3::Numbers removed{c.removed.data(), c.removed.size()};
    CHECK(server.harness.accept(request, removed) == c.outcome);
    CHECK(server.harness.accept(request, removed) == Outcome::stale);
    const std::string reply = server.say("");
    if (c.reply != nullptr)
      CHECK(reply == c.reply);
    else
      CHECK(is_one_error(reply, "[SYS/TEMP] "));
    CHECK(server.faults() == "");
  }
}

TEST_CASE("R46: QUIT asks also when nothing is marked, since the maildrop is to be unlocked") {
  Server server;
  server.log_in();
  const CommitRequest request = server.ask<CommitRequest>("DELE 1\r\nRSET\r\nQUIT\r\n");
  CHECK(request.numbers.count == 0);
  server.harness.accept(request);
  CHECK(server.say("") == "+OK bye\r\n");
  CHECK(server.harness.events.back() == "Closed quit release=no");
}

TEST_CASE("R7 R8: a refusal may quote the request that it answers, which is wiped only then") {
  pop3::Config config = plain_config();
  config.limits.command_line = 255;
  const std::string user(248, 'u');
  for (const Code code : {Code::auth, Code::in_use}) {
    Server server(config);
    const auto request = server.ask<AuthRequest>("USER " + user + "\r\nPASS x\r\n");
    server.harness.refuse(request, {code, request.user});
    CHECK(server.say("").find("] " + user + "\r\n") != std::string::npos);
  }
  Server server(config);
  const auto request = server.ask<ListRequest>(log_in);
  server.harness.refuse(request, {Code::in_use, request.user});
  CHECK(server.say("") == "-ERR [IN-USE] ann\r\n");
}

TEST_CASE("a refused login without words of its own says what its code means, and what is no code says the least") {
  using pop3::detail::login_refused;
  CHECK(login_refused(Code::auth) == pop3::Text::auth_failed);
  for (const Code code : {Code::none, Code::utf8, static_cast<Code>(200)})
    CHECK(login_refused(code) == pop3::Text::no_maildrop);
}

TEST_CASE("what a client of OAUTHBEARER is told is JSON, whatever the settings hold") {
  mailwire::ByteBuffer out;
  pop3::detail::append_json(out, "a\"b\\c\r\n\x7F\xE4");
  CHECK(out.view() == "\"a\\\"b\\\\c    \"");
}

TEST_CASE("F-MEMORY: the next piece of a body is asked for when no more than output_high is unsent") {
  for (const bool full : {false, true}) {
    pop3::Config config = plain_config();
    config.limits.output_high = 100;
    Server server(config);
    server.log_in();
    const auto request = server.ask<RetrieveRequest>("RETR 1\r\n");
    const std::string line(full ? 100 : 50, 'x');
    CHECK(server.harness.send(request, line + "\r\n", Chunk::more) == Outcome::applied);
    const auto next = server.harness.poll();
    CHECK(next.has_value() == !full);
    if (full) {
      CHECK(server.harness.take_output(100) == 100);
      CHECK(std::holds_alternative<BodyRequest>(server.harness.poll().value()));
    }
    CHECK(server.faults() == "");
  }
}

TEST_CASE("a large clean piece that is not the last one is lent, and the next one follows it") {
  Server server;
  server.log_in();
  const std::string line(62, 'x');
  std::string piece;
  while (piece.size() < 32 * 1024) piece += line + "\r\n";
  const auto request = server.ask<RetrieveRequest>("RETR 1\r\n");
  CHECK(server.harness.lend(request, piece, Chunk::more) == Outcome::applied);
  const auto next = server.ask<BodyRequest>();
  CHECK(next.offset == piece.size());
  const std::size_t before = server.harness.output.size();
  CHECK(server.harness.lend(next, piece, Chunk::last) == Outcome::applied);
  server.say("");
  CHECK(server.harness.output.substr(before) == piece + ".\r\n");
  CHECK(server.faults() == "");
}

TEST_CASE("F-MEMORY: a long listing takes half of what a trace may hold, whether it is taken or not") {
  for (const bool taken : {true, false}) {
    pop3::Config config = plain_config();
    config.trace = true;
    config.limits.trace = 2000;
    const std::vector<Mail> mails(300, Mail{"uid", "x\r\n"});
    Server server(config, {}, mails);
    if (taken) {
      server.log_in();
    } else {  // too soon after the last login
      const auto request = server.ask<ListRequest>(log_in);
      const std::vector<pop3::MessageInfo> infos(300, pop3::MessageInfo{3, "uid"});
      pop3::Account account;
      account.login_delay = 60;
      account.last_login = server.harness.now;
      CHECK(server.harness.accept(request, {infos.data(), infos.size()}, account) == Outcome::invalid);
    }
    const std::string trace = server.session.take_trace();
    const std::size_t start = trace.find("accept uid:3 ");
    REQUIRE(start != std::string::npos);
    const std::string line = trace.substr(start, trace.find('\n', start) - start);
    CHECK(line.size() >= 1000);
    CHECK(line.size() < 1030);
  }
}

TEST_CASE("16 KiB of clean octets are lent and fewer copied; 64 KiB are looked at, or copied, at a time") {
  struct Piece {
    std::string chunk;
    std::size_t lent, copied;  // at first
  };
  const std::string xs(200'000, 'x');
  const Piece pieces[] = {{xs.substr(0, 16 * 1024), 16 * 1024, 0},
                          {xs.substr(0, 16 * 1024 - 1), 0, 16 * 1024 - 1},
                          {xs.substr(0, 16 * 1024) + "\n" + xs.substr(0, 100), 16 * 1024, 0},
                          {xs, 64 * 1024, 0},
                          {"." + xs, 0, 64 * 1024}};
  for (const Piece& piece : pieces) {
    CAPTURE(piece.chunk.size());
    Server server;
    server.log_in();
    server.harness.accept(server.ask<RetrieveRequest>("RETR 1\r\n"));
    const auto request = server.ask<BodyRequest>();
    CHECK(server.session.lend_body(request.token, piece.chunk, Chunk::more) == Outcome::applied);
    static_cast<void>(server.session.poll(server.harness.now));
    pop3::ConstBuffer runs[4];
    std::size_t lent = 0, copied = 0;
    for (std::size_t i = 0, count = server.session.gather(runs, 4); i < count; ++i) {
      const bool inside = runs[i].data >= piece.chunk.data() && runs[i].data < piece.chunk.data() + piece.chunk.size();
      (inside ? lent : copied) += runs[i].size;
    }
    CHECK(lent == piece.lent);
    CHECK(copied == piece.copied);
  }
}

TEST_CASE("R7 F-ERRTEXT: of what the application says about a failed login nothing is taken for a place of a number") {
  pop3::Config config = plain_config();
  config.texts[pop3::Text::no_message] = "no message, {1} and {2}";
  Server server(config);
  server.harness.refuse(server.ask<AuthRequest>(log_in), {Code::auth, "{1} {2} {} %"});
  CHECK(server.say("") == "-ERR [AUTH] {1} {2} {} %\r\n");
  server.harness.refuse(server.ask<ListRequest>(log_in), {Code::in_use, "{1} {2} {} %"});
  CHECK(server.say("") == "-ERR [IN-USE] {1} {2} {} %\r\n");
  server.log_in();
  CHECK(server.command("RETR 9") == "-ERR no message, 0 and 0\r\n");  // a place for which there is no number
}

TEST_CASE("R47: a list of removed messages that names all of many is believed") {
  std::vector<std::string> uids;
  std::vector<pop3::MessageInfo> infos;
  for (int i = 0; i < 1000; ++i) uids.push_back("u" + std::to_string(i));
  for (const std::string& uid : uids) infos.push_back({1, uid});
  Server server;
  server.harness.accept(server.ask<ListRequest>(log_in), infos);
  std::string lines;
  for (int i = 1; i <= 1000; ++i) lines += "DELE " + std::to_string(i) + "\r\n";
  for (std::size_t at = 0; at < lines.size(); at += 500) server.say(std::string_view(lines).substr(at, 500));
  const auto request = server.ask<CommitRequest>("QUIT\r\n");
  CHECK(request.numbers.size() == 1000);
  CHECK(server.harness.accept(request, request.numbers) == Outcome::applied);
  CHECK(server.session.counters().removed == 1000);
}
