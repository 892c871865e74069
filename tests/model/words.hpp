// SPDX-License-Identifier: MIT
// What can happen to a session and what can come of it, as the model has it (model.hpp).
#ifndef TESTS_MODEL_WORDS_HPP
#define TESTS_MODEL_WORDS_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace model {

using Time = std::int64_t;  // milliseconds
inline constexpr Time never = INT64_MAX;

// ---- all that can happen ------------------------------------------------------------------------------------------

// clang-format off
enum class Step : std::uint8_t {
  // the client says a line, or two at once
  user, pass, apop, auth_plain, auth_plain_initial, auth_own, auth_unknown, response, empty, star, garbage, stls, utf8,
  lang, lang_unknown, quit, stat, list, list_1, list_9, retr_1, retr_2, dele_1, dele_2, noop, rset, top_1_0, top_2_9,
  uidl, uidl_2, capa, own, unknown, malformed, too_long, user_and_pass, stls_and_quit,
  // the application answers the open question: what it means is said at Model::has_meaning()
  accept, refuse, refuse_code, refuse_close, more, wrong, other,
  late,  // answers to questions that are over, and answers of the wrong kind
  // the driver and the clock
  begin, consume, nibble, tick, expire, end_of_input, shutdown, disconnect,
};
// clang-format on
inline constexpr std::size_t step_count = static_cast<std::size_t>(Step::disconnect) + 1;
inline constexpr std::size_t line_count = static_cast<std::size_t>(Step::stls_and_quit) + 1;
constexpr std::size_t index(Step step) { return static_cast<std::size_t>(step); }

// clang-format off
enum class Verb : std::uint8_t {
  user, pass, apop, auth, stls, utf8, lang, quit, stat, list, retr, dele, noop, rset, top, uidl, capa, own, unknown,
  malformed, too_long,
};
// clang-format on

// What a line is as a command, and as a message of AUTH: is it base64 at all?
struct Line {
  const char* name;
  std::string_view text;
  Verb verb;
  bool base64 = false;
  std::uint32_t number = 0;
};
inline const std::array<Line, line_count> lines{{
    {"USER", "USER ann", Verb::user},
    {"PASS", "PASS pw", Verb::pass},
    {"APOP", "APOP ann c4c9334bac560ecc979e58001b3e22fb", Verb::apop},
    {"AUTH-PLAIN", "AUTH PLAIN", Verb::auth},
    {"AUTH-PLAIN-initial", "AUTH PLAIN AGFubgBwdw==", Verb::auth},
    {"AUTH-X-OWN", "AUTH X-OWN", Verb::auth},
    {"AUTH-unknown", "AUTH NOPE", Verb::auth},
    {"response", "AGFubgBwdw==", Verb::unknown, true},  // ann's password by PLAIN
    {"empty", "", Verb::unknown, true},
    {"star", "*", Verb::unknown},
    {"garbage", "AGFu*gBw", Verb::unknown},
    {"STLS", "STLS", Verb::stls, true},
    {"UTF8", "utf8", Verb::utf8, true},
    {"LANG", "LANG de", Verb::lang, false, 1},
    {"LANG-unknown", "LANG xx", Verb::lang},
    {"QUIT", "QUIT", Verb::quit, true},
    {"STAT", "stat", Verb::stat, true},
    {"LIST", "LIST", Verb::list, true},
    {"LIST-1", "LIST 1", Verb::list, false, 1},
    {"LIST-9", "LIST 9", Verb::list, false, 9},
    {"RETR-1", "RETR 1", Verb::retr, false, 1},
    {"RETR-2", "RETR 2", Verb::retr, false, 2},
    {"DELE-1", "DELE 1", Verb::dele, false, 1},
    {"DELE-2", "DELE 2", Verb::dele, false, 2},
    {"NOOP", "NOOP", Verb::noop, true},
    {"RSET", "RSET", Verb::rset, true},
    {"TOP-1-0", "TOP 1 0", Verb::top, false, 1},
    {"TOP-2-9", "TOP 2 9", Verb::top, false, 2},
    {"UIDL", "UIDL", Verb::uidl, true},
    {"UIDL-2", "UIDL 2", Verb::uidl, false, 2},
    {"CAPA", "CAPA", Verb::capa, true},
    {"XOWN", "XOWN", Verb::own, true},
    {"unknown", "XYZZY plugh", Verb::unknown},
    {"malformed", "DELE 1 2", Verb::malformed},
    {"too-long", {}, Verb::too_long},
    {"USER+PASS", "USER ann\r\nPASS pw", Verb::user},
    {"STLS+QUIT", "STLS\r\nQUIT", Verb::stls},
}};
constexpr bool is_line(Step step) { return index(step) < line_count; }
constexpr bool is_answer(Step step) { return step >= Step::accept && step <= Step::other; }
inline const char* name(Step step) {
  static constexpr const char* others[] = {"accept", "refuse",       "refuse-code", "refuse-close", "more",   "wrong",
                                           "other",  "late",         "begin",       "consume",      "nibble", "tick",
                                           "expire", "end-of-input", "shutdown",    "disconnect"};
  return is_line(step) ? lines[index(step)].name : others[index(step) - line_count];
}

// ---- what a server is set to --------------------------------------------------------------------------------------

struct Settings {
  const char* name = "";
  bool login_needs_tls = false, offers_stls = false, encrypted = false;
  bool has_apop = false, has_sasl = false, has_utf8 = false, has_lang = false;
  bool has_own = false;   // XOWN is the application's own verb, and DELE is watched by it
  bool lockstep = false;  // no command is taken while anything is unsent
  bool read_only = false;
  bool removes_retrieved = false;  // EXPIRE 0
  bool second_needs_utf8 = false;  // message 2, and there is no surrogate
  bool first_is_large = false;     // message 1: what is given of it is not copied but lent to the output
  unsigned bad_commands = 3, failed_logins = 2, login_attempts = 4;
  Time hold = 0, idle = 601'000, login = 907'000, stall = 307'000, handshake = 31'000, answer = 127'000;
};
inline constexpr Time one_tick = 200'000;

// The maildrop. Every piece that the application gives has four octets.
inline constexpr std::uint32_t message_count = 2;
inline constexpr std::string_view messages[] = {"A: b\r\n\r\n.x\r\ny\r\n", "C: d\r\n\r\nz\r\n"};
inline const std::string large_message = [] {
  std::string text = "A: b\r\n\r\n";
  while (text.size() < 20'000) text.append(78, 'y') += "\r\n";
  return text;
}();
inline std::string_view message(const Settings& set, std::uint32_t number) {
  return set.first_is_large && number == 1 ? std::string_view(large_message) : messages[number - 1];
}
inline constexpr std::size_t least_lent = 16 * 1024;
inline constexpr std::string_view uids[] = {"u1", "u2"};
inline constexpr std::string_view own_body = "own\r\n";
inline constexpr std::size_t piece_size = 4, most_in_pieces = 16;

// ---- what comes out -----------------------------------------------------------------------------------------------

// Replies, one octet each: how the line begins. What is to be there octet for octet stands between '"' and '\0'.
enum Reply : char {
  ok = '+',
  error = '-',
  auth_error = 'A',
  in_use = 'I',
  sys_temp = 'S',
  sys_perm = 'P',
  utf8_error = 'U',
  challenge = 'c',
  capabilities = 'k',  // then an octet: 1 = USER, 2 = SASL PLAIN, 4 = STLS
};

// clang-format off
enum class Reason : std::uint8_t {
  quit, refused, end_of_input, disconnected, shutdown, idle_timeout, login_timeout, tls_failed, write_stall,
  answer_timeout, bad_commands, failed_logins, body_aborted,
};
// clang-format on
inline const char* name(Reason reason) {
  static constexpr const char* names[] = {
      "quit",       "refused",     "end_of_input",   "disconnected", "shutdown",      "idle_timeout", "login_timeout",
      "tls_failed", "write_stall", "answer_timeout", "bad_commands", "failed_logins", "body_aborted"};
  return names[static_cast<std::size_t>(reason)];
}

enum class Question : std::uint8_t { none, password, digest, sasl, maildrop, message, piece, commit, tls, command };
enum class Fault : std::uint8_t { malformed, cancelled, not_encrypted };

// What the application is asked or told.
struct Event {
  enum Kind : std::uint8_t { asks, body_done, login_failed, closed };
  Kind kind = asks;
  std::uint8_t what = 0;     // the Question, Fault or Reason
  bool flag = false;         // body_done: complete; closed: release; asks message: TOP
  std::uint32_t number = 0;  // of the message; commit: a bit for each
  std::uint64_t octets = 0;  // piece: the offset; message: lines of TOP; body_done: how many it was
  friend bool operator==(const Event& a, const Event& b) {
    return a.kind == b.kind && a.what == b.what && a.flag == b.flag && a.number == b.number && a.octets == b.octets;
  }
};

enum class Outcome : std::uint8_t { none, applied, invalid };

struct Tally {
  std::uint64_t commands = 0, bad = 0, body_octets = 0;
  std::uint32_t failed_logins = 0, logins = 0, retrieved = 0, tops = 0, removed = 0;
};

}  // namespace model

#endif
