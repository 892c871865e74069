// SPDX-License-Identifier: MIT
// Dialogues: sessions written down as text (tests/dialogues/*.txt), and the player that plays them in every way that
// must make no difference, and with every disturbance that must do no harm.
//
//   # R11 ...           the first line says what it proves, by the ids of the RFC checklist, and why
//   config: key=value   settings (read_setting() below has the keys)
//   connection: id=7 encrypted=yes apop=<1.2@host> nonce=... hostname=...   facts of TLS: identity=... exporter=...
//   account: expire=0 login_delay=600 last_login=+0 read_only=yes language=de     what is said of the user
//   language: de Deutsch bye="auf Wiedersehen" ...       a catalogue; texts by their names in pop3::Text
//   text: bye="so long" ...                              the same for Config::texts
//   user: ann pw        who may log in (default: ann pw)
//   message: uid "octets" [needs_utf8 ["surrogate"]]     one line each; default: one small message
//   C: text             the client sends text CRLF        C- text   without CRLF
//   S: text             the server sends text CRLF        S- text   without CRLF
//   C= text {octets}    the client sends text CRLF, what stands in braces in BASE64; S= in the same way
//   C= AUTH NAME ...    a SCRAM client's first message with its AUTH line; "C= first NAME ..." without AUTH:
//                       user=... authzid=... flag=n|y|p type=tls-exporter nonce=...
//   C= final ...        its answer to the last challenge: password=... binding=... proof=wrong nonce=wrong
//   C= verify           it has checked the server's signature, and sends an empty line
//   C= cram ...         the answer to the last challenge of CRAM-MD5: user=... password=...
//   C* N                the client sends N octets that do not matter, and CRLF
//   S* N                a body of whatever octets, with its final dot (N is for the reader)
//   S* N cut            the same without its end
//   S: + ***            any challenge
//   event: Kind key=value ...     the next event; a kind that is named in a file is checked throughout that file
//   never: Kind                   such an event does not come
//   answer: ...         to that event, instead of what the default application says:
//     accept [uid:size[/utf8[/surrogate size]] ...] | accept N | accept [user [data]] | accept [text]
//     | keys password [user] | keys none | challenge "octets" | proceed | refuse [CODE] [text] [delay=N] [close]
//     | lend "octets" more|last | send "octets" more|last | body N more|last (octets that do not matter) | abort
//     | promise "octets"|N    | wait    each may end in "-> stale" or "-> invalid"
//   tls:                the client waits here for the handshake after STLS; what it sent behind STLS is lost in it
//   announce: LINE      the application announces a capability for this session;  conceal: TAG  it leaves one out
//   late: ...           an answer for the request that was left open by "answer: wait"
//   time: +10min        time goes by, then poll()
//   stall:              from here on the client reads nothing;  read: it reads again
//   end: | disconnect: | shutdown: [CODE] [text]
//
// Session::take_trace() writes dialogues, which can be played behind the settings and messages of the session that they
// were recorded from. In them "***" stands for what may be a secret. Where a client says so in an exchange of AUTH, the
// player finds something that leads to the events behind it (StandIns, below); elsewhere it is sent as it is. What a
// trace does not tell: when the peer read nothing, how octets were cut, the octets of messages and of TLS.
//
// Texts know the escapes \r \n \t \0 \\ \" \xNN.
#ifndef TESTS_DIALOGUE_HPP
#define TESTS_DIALOGUE_HPP

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <mailwire/scram.hpp>
#include <pop3/digest.hpp>

#include "harness.hpp"
#include "sasl_client.hpp"

namespace tests {

struct Step {
  enum class Kind {
    client,
    compute,
    server,
    event,
    answer,
    late,
    time,
    stall,
    read,
    tls,
    announce,
    conceal,
    end,
    disconnect,
    shutdown
  };
  Kind kind;
  std::string text;  // octets of client and server, else the line's rest
  int line;
};

struct Message {
  std::string uid, octets;
  bool needs_utf8 = false;
  std::string surrogate = {};
};

// Stand for a body, for the line of a challenge, and for a body without its end, in what is wanted.
inline constexpr char any_body = '\x01', any_challenge = '\x02', any_rest = '\x03';

struct Dialogue {
  std::string title;
  pop3::Config config;
  pop3::Connection connection;
  std::string apop_challenge, nonce, hostname, identity, exporter, server_end_point, unique;
  pop3::Account account;
  std::string account_language;
  bool has_last_login = false;
  pop3::Duration last_login{};  // before the start of time
  std::string user = "ann", password = "pw";
  std::vector<Message> messages;
  std::vector<Step> steps;
  std::set<std::string> named;  // kinds of events that are checked
  std::string problem;          // why the file cannot be read; empty = it can
};

// ---- reading --------------------------------------------------------------------------------------------------------

inline std::string unescaped(std::string_view text) {
  std::string octets;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      octets += text[i];
      continue;
    }
    switch (const char c = text[++i]; c) {
      case 'r': octets += '\r'; break;
      case 'n': octets += '\n'; break;
      case 't': octets += '\t'; break;
      case '0': octets += '\0'; break;
      case 'x':
        octets += static_cast<char>(std::strtol(std::string(text.substr(i + 1, 2)).c_str(), nullptr, 16));
        i += 2;
        break;
      default: octets += c;
    }
  }
  return octets;
}

// "words of a line", split at spaces, a quoted part kept together.
inline std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> list;
  bool inside = false, open = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ' && !inside) {
      open = false;
      continue;
    }
    if (!open) list.emplace_back(), open = true;
    list.back() += c;
    if (c == '"') inside = !inside;
    if (c == '\\' && i + 1 < text.size()) list.back() += text[++i];
  }
  return list;
}
inline std::string unquoted(const std::string& word) {
  return word.size() >= 2 && word[0] == '"' ? unescaped(std::string_view(word).substr(1, word.size() - 2)) : word;
}

// "90s", "10min", "2h", "500ms", "0"
inline pop3::Duration duration(const std::string& text) {
  std::size_t digits = text[0] == '+' ? 1 : 0;
  const std::size_t start = digits;
  while (digits < text.size() && std::isdigit(static_cast<unsigned char>(text[digits]))) ++digits;
  const long long count = std::strtoll(text.substr(start, digits - start).c_str(), nullptr, 10);
  const std::string unit = text.substr(digits);
  if (unit == "ms") return std::chrono::milliseconds(count);
  if (unit == "min") return std::chrono::minutes(count);
  if (unit == "h") return std::chrono::hours(count);
  return std::chrono::seconds(count);
}

// "a,b,c"
inline std::vector<std::string> listed(const std::string& text) {
  std::vector<std::string> list;
  std::istringstream in(text);
  for (std::string item; std::getline(in, item, ',');) list.push_back(item);
  return list;
}
// NAME, or NAME/tls, or NAME/server_first
inline void read_mechanisms(pop3::Config& config, const std::string& value) {
  config.mechanisms.clear();
  for (const std::string& item : listed(value)) {
    const std::string name = item.substr(0, item.find('/'));
    const std::string rest = item.substr(name.size());
    config.mechanisms.emplace_back(name, rest == "/tls", rest == "/server_first");
  }
}
// VERB, or VERB/states/least/most, with "a", "t" or "at" for the states
inline bool read_command_spec(pop3::Config& config, const std::string& value) {
  pop3::CommandSpec spec;
  std::vector<std::string> parts;
  std::istringstream in(value);
  for (std::string item; std::getline(in, item, '/');) parts.push_back(item);
  if (parts.size() != 1 && parts.size() != 4) return false;
  spec.verb = parts[0];
  if (parts.size() == 4) {
    spec.in_authorization = parts[1].find('a') != std::string::npos;
    spec.in_transaction = parts[1].find('t') != std::string::npos;
    spec.least_words = static_cast<unsigned>(std::strtoul(parts[2].c_str(), nullptr, 10));
    spec.most_words = static_cast<unsigned>(std::strtoul(parts[3].c_str(), nullptr, 10));
  }
  config.commands.push_back(spec);
  return true;
}
inline bool read_tolerance(pop3::Tolerance& tolerate, const std::string& value) {
  for (const std::string& item : listed(value)) {
    if (item == "bare_lf")
      tolerate.bare_lf = true;
    else if (item == "spaces")
      tolerate.spaces = true;
    else if (item == "leading_zeros")
      tolerate.leading_zeros = true;
    else if (item == "eight_bit")
      tolerate.eight_bit = true;
    else if (item == "auth_list")
      tolerate.auth_list = true;
    else
      return false;
  }
  return true;
}

// Names of texts are those of pop3::Text, in its order.
inline const std::vector<std::string>& text_names() {
  static const std::vector<std::string> names = {
      "send_pass",       "opened_one",    "opened",        "bye",         "marked",
      "capabilities",    "listing",       "uid_listing",   "octets",      "top",
      "begin_tls",       "utf8_mode",     "language_set",  "languages",   "mechanisms",
      "unknown_command", "malformed",     "line_too_long", "not_now",     "too_many_bad",
      "needs_tls",       "no_user",       "no_mechanism",  "cancelled",   "bad_response",
      "no_language",     "no_message",    "is_deleted",    "needs_utf8",  "read_only",
      "auth_failed",     "in_use",        "login_delay",   "sys_temp",    "sys_perm",
      "no_maildrop",     "not_available", "bad_listing",   "not_removed", "partly_removed",
      "timed_out",       "shutting_down"};
  return names;
}
inline bool read_texts(pop3::Texts& texts, const std::vector<std::string>& list, std::size_t from) {
  for (std::size_t i = from; i < list.size(); ++i) {
    const std::size_t equals = list[i].find('=');
    const auto& names = text_names();
    const auto found = std::find(names.begin(), names.end(), list[i].substr(0, equals));
    if (equals == std::string::npos || found == names.end()) return false;
    texts[static_cast<pop3::Text>(found - names.begin())] = unquoted(list[i].substr(equals + 1));
  }
  return true;
}

inline bool read_account(Dialogue& dialogue, const std::string& key, const std::string& value) {
  const auto count = static_cast<std::uint32_t>(std::strtoul(value.c_str(), nullptr, 10));
  if (key == "expire")
    dialogue.account.expire = value == "never" ? pop3::expire_never : count;
  else if (key == "login_delay")
    dialogue.account.login_delay = count;
  else if (key == "last_login")
    dialogue.last_login = duration(value), dialogue.has_last_login = true;
  else if (key == "read_only")
    dialogue.account.read_only = value == "yes";
  else if (key == "language")
    dialogue.account_language = unquoted(value);
  else
    return false;
  return true;
}

inline bool read_setting(Dialogue& dialogue, const std::string& key, const std::string& value) {
  pop3::Config& config = dialogue.config;
  pop3::Limits& limits = config.limits;
  const bool yes = value == "yes";
  const auto count = static_cast<unsigned>(std::strtoul(value.c_str(), nullptr, 10));
  if (key == "login_needs_tls")
    config.login_needs_tls = yes;
  else if (key == "greeting")
    config.greeting = unquoted(value);
  else if (key == "implementation")
    config.implementation = unquoted(value);
  else if (key == "capability")
    config.capabilities.emplace_back(unquoted(value));
  else if (key == "capability_before_login")
    config.capabilities.emplace_back(unquoted(value), true, false);
  else if (key == "capability_after_login")
    config.capabilities.emplace_back(unquoted(value), false, true);
  else if (key == "hide")
    config.hidden_capabilities.push_back(unquoted(value));
  else if (key == "command")
    return read_command_spec(config, value);
  else if (key == "offer_stls")
    config.offer_stls = yes;
  else if (key == "mechanisms")
    read_mechanisms(config, value);
  else if (key == "scram_decoy_secret")
    config.scram_decoy_secret = unquoted(value);
  else if (key == "oauth_scope")
    config.oauth_scope = unquoted(value);
  else if (key == "oauth_configuration")
    config.oauth_configuration = unquoted(value);
  else if (key == "equal_uids")
    config.equal_uids = value == "rename"   ? pop3::EqualUids::rename
                        : value == "refuse" ? pop3::EqualUids::refuse
                                            : pop3::EqualUids::allow;
  else if (key == "utf8")
    config.utf8 = value == "user" ? pop3::Utf8::user : yes ? pop3::Utf8::on : pop3::Utf8::off;
  else if (key == "expire")
    config.expire = value == "never" ? pop3::expire_never : count;
  else if (key == "expire_per_user")
    config.expire_per_user = yes;
  else if (key == "login_delay")
    config.login_delay = count;
  else if (key == "login_delay_per_user")
    config.login_delay_per_user = yes;
  else if (key == "tolerate")
    return read_tolerance(config.tolerate, value);
  else if (key == "trace")
    config.trace = yes;
  else if (key == "sasl_line")
    limits.sasl_line = count;
  else if (key == "login")
    limits.login = duration(value);
  else if (key == "handshake")
    limits.handshake = duration(value);
  else if (key == "top")
    config.top = yes;
  else if (key == "uidl")
    config.uidl = yes;
  else if (key == "body_lines")
    config.body_lines = value == "verbatim" ? pop3::BodyLines::verbatim : pop3::BodyLines::repair;
  else if (key == "command_line")
    limits.command_line = count;
  else if (key == "endless_line")
    limits.endless_line = count;
  else if (key == "input_buffer")
    limits.input_buffer = count;
  else if (key == "output_high")
    limits.output_high = count;
  else if (key == "messages")
    limits.messages = count;
  else if (key == "bad_commands")
    limits.bad_commands = count;
  else if (key == "failed_logins")
    limits.failed_logins = count;
  else if (key == "login_attempts")
    limits.login_attempts = count;
  else if (key == "idle")
    limits.idle = duration(value);
  else if (key == "idle_below_rfc")
    limits.idle_below_rfc = yes;
  else if (key == "write_stall")
    limits.write_stall = duration(value);
  else if (key == "answer")
    limits.answer = duration(value);
  else if (key == "failed_login_delay")
    limits.failed_login_delay = duration(value);
  else
    return false;
  return true;
}

inline bool read_connection(Dialogue& dialogue, const std::string& key, const std::string& value) {
  if (key == "encrypted")
    dialogue.connection.encrypted = value == "yes";
  else if (key == "apop")
    dialogue.apop_challenge = unquoted(value);
  else if (key == "nonce")
    dialogue.nonce = unquoted(value);
  else if (key == "hostname")
    dialogue.hostname = unquoted(value);
  else if (key == "identity")
    dialogue.identity = unquoted(value);
  else if (key == "exporter")
    dialogue.exporter = unquoted(value);
  else if (key == "server_end_point")
    dialogue.server_end_point = unquoted(value);
  else if (key == "unique")
    dialogue.unique = unquoted(value);
  else if (key == "id")
    dialogue.connection.id = static_cast<pop3::SessionId>(std::strtoul(value.c_str(), nullptr, 10));
  else
    return false;
  return true;
}

inline bool read_settings(Dialogue& dialogue, const std::string& rest,
                          bool (*read)(Dialogue&, const std::string&, const std::string&)) {
  for (const std::string& word : words(rest)) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || !read(dialogue, word.substr(0, equals), word.substr(equals + 1))) return false;
  }
  return true;
}

// What stands in braces becomes BASE64.
inline std::string with_base64(const std::string& text) {
  std::string line;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t end = text[i] == '{' ? text.find('}', i) : std::string::npos;
    if (end == std::string::npos) {
      line += text[i];
      continue;
    }
    line += to_base64(unescaped(std::string_view(text).substr(i + 1, end - i - 1)));
    i = end;
  }
  return line;
}

// It follows the last line that the server has sent, whatever else happened meanwhile.
inline void read_body(Dialogue& dialogue, bool cut, int number) {
  auto& steps = dialogue.steps;
  const auto last =
      std::find_if(steps.rbegin(), steps.rend(), [](const Step& s) { return s.kind == Step::Kind::server; });
  steps.insert(last.base(), {Step::Kind::server, std::string(1, cut ? any_rest : any_body), number});
}

inline bool read_line(Dialogue& dialogue, const std::string& line, int number) {
  const auto step = [&](Step::Kind kind, std::string text) {
    dialogue.steps.push_back({kind, std::move(text), number});
    return true;
  };
  const std::string mark = line.substr(0, 3);
  if (mark == "C: ") return step(Step::Kind::client, unescaped(line.substr(3)) + "\r\n");
  if (mark == "C- ") return step(Step::Kind::client, unescaped(line.substr(3)));
  if (mark == "C* ") return step(Step::Kind::client, std::string(std::stoul(line.substr(3)), 'x') + "\r\n");
  if (mark == "C= " && line.find('{') == std::string::npos) return step(Step::Kind::compute, line.substr(3));
  if (mark == "C= ") return step(Step::Kind::client, with_base64(line.substr(3)) + "\r\n");
  if (mark == "S= ") return step(Step::Kind::server, with_base64(line.substr(3)) + "\r\n");
  if (line == "S: + ***") return step(Step::Kind::server, std::string(1, any_challenge));
  if (mark == "S* ") return read_body(dialogue, line.find(" cut") != std::string::npos, number), true;
  if (mark == "S: ") return step(Step::Kind::server, unescaped(line.substr(3)) + "\r\n");
  if (mark == "S- ") return step(Step::Kind::server, unescaped(line.substr(3)));
  const std::size_t colon = line.find(':');
  if (colon == std::string::npos) return false;
  const std::string key = line.substr(0, colon);
  const std::string rest = line.size() > colon + 2 ? line.substr(colon + 2) : "";
  if (key == "C") return step(Step::Kind::client, "\r\n");
  if (key == "S") return step(Step::Kind::server, "\r\n");
  if (key == "event" || key == "never") dialogue.named.insert(rest.substr(0, rest.find(' ')));
  if (key == "never") return true;
  if (key == "event") return step(Step::Kind::event, rest);
  if (key == "answer") return step(Step::Kind::answer, rest);
  if (key == "late") return step(Step::Kind::late, rest);
  if (key == "time") return step(Step::Kind::time, rest);
  if (key == "stall") return step(Step::Kind::stall, rest);
  if (key == "read") return step(Step::Kind::read, rest);
  if (key == "tls") return step(Step::Kind::tls, rest);
  if (key == "announce") return step(Step::Kind::announce, rest);
  if (key == "conceal") return step(Step::Kind::conceal, rest);
  if (key == "end") return step(Step::Kind::end, rest);
  if (key == "disconnect") return step(Step::Kind::disconnect, rest);
  if (key == "shutdown") return step(Step::Kind::shutdown, rest);
  if (key == "config") return read_settings(dialogue, rest, read_setting);
  if (key == "connection") return read_settings(dialogue, rest, read_connection);
  if (key == "account") return read_settings(dialogue, rest, read_account);
  const auto list = words(rest);
  if (key == "text") return read_texts(dialogue.config.texts, list, 0);
  if (key == "language" && list.size() >= 2) {
    dialogue.config.languages.push_back({list[0], unquoted(list[1])});
    return read_texts(dialogue.config.languages.back().texts, list, 2);
  }
  if (key == "message" && list.size() > 2 && list[2] == "needs_utf8") {
    dialogue.messages.push_back({list[0], unquoted(list[1]), true, list.size() > 3 ? unquoted(list[3]) : ""});
    return list.size() <= 4;
  }
  if (list.size() != 2) return false;
  if (key == "user") return dialogue.user = list[0], dialogue.password = unquoted(list[1]), true;
  if (key == "message") return dialogue.messages.push_back({list[0], unquoted(list[1]), false, ""}), true;
  return false;
}

// Puts something in the place of "***" in exchanges of AUTH: what leads to the events that come next.
class StandIns {
 public:
  explicit StandIns(std::vector<Step>& steps) : steps_(steps) {}

  void put() {
    for (at_ = 0; at_ < steps_.size(); ++at_) {
      Step& step = steps_[at_];
      if (step.kind == Step::Kind::server) challenged_ = step.text == std::string(1, any_challenge);
      if (step.kind != Step::Kind::client) continue;
      const auto list = words(step.text.substr(0, step.text.size() - std::min<std::size_t>(2, step.text.size())));
      const bool begins = list.size() >= 2 && upper(list[0]) == "AUTH";
      if (begins) mechanism_ = upper(list[1]), messages_ = 0;
      if (begins && list.size() == 3 && list[2] == "***") replace(step.text.substr(0, step.text.find("***")));
      if (!begins && challenged_ && list.size() == 1 && list[0] == "***") replace("");
      challenged_ = false;
    }
  }

 private:
  static std::string upper(std::string text) {
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
  }
  // The next event of this kind behind here; before another login begins.
  std::vector<std::string> next_event(std::initializer_list<const char*> kinds) const {
    for (std::size_t i = at_ + 1; i < steps_.size(); ++i) {
      if (steps_[i].kind == Step::Kind::client && upper(steps_[i].text.substr(0, 5)) == "AUTH ") break;
      if (steps_[i].kind != Step::Kind::event) continue;
      const auto list = words(steps_[i].text);
      for (const char* const kind : kinds)
        if (list[0] == kind) return list;
    }
    return {};
  }
  static std::string fact(const std::vector<std::string>& event, const std::string& key) {
    for (const std::string& word : event)
      if (word.compare(0, key.size() + 1, key + '=') == 0) return unquoted(word.substr(key.size() + 1));
    return {};
  }
  // Whether the server's next line, if no event comes before, is a challenge.
  bool challenge_follows() const {
    for (std::size_t i = at_ + 1; i < steps_.size(); ++i)
      if (steps_[i].kind == Step::Kind::server) return steps_[i].text == std::string(1, any_challenge);
    return false;
  }

  void replace(const std::string& front) {
    Step& step = steps_[at_];
    const std::string message = messages_++ == 0 ? first(front.empty() ? "first" : "AUTH") : later();
    if (message.empty()) return;  // what is malformed stays
    if (message[0] == '!')
      step = {Step::Kind::compute, message.substr(1), step.line};
    else
      step.text = front + message + "\r\n";
  }
  // In BASE64; with "!" in front what a client has to compute.
  std::string first(const std::string& how) const {
    const auto failed = next_event({"LoginFailed", "AuthRequest", "DigestRequest", "ScramRequest", "SaslRequest"});
    const std::string fault = failed.empty() || failed[0] != "LoginFailed" ? "" : fact(failed, "fault");
    if (mechanism_.substr(0, 6) == "SCRAM-") {
      const std::string user = fact(failed, "user"), authzid = fact(failed, "authzid");
      std::string line = "!" + how + ' ' + mechanism_ + " user=" + in_quotes(user);
      if (!authzid.empty()) line += " authzid=" + in_quotes(authzid);
      if (fault == "wrong_binding")
        return line + (mechanism_.find("-PLUS") == std::string::npos ? " flag=y" : " type=none");
      return fault.empty() ? line : "";
    }
    if (mechanism_ == "LOGIN" && challenge_follows()) {
      const std::string user = fact(next_event({"AuthRequest"}), "user");
      return to_base64(user.empty() ? "***" : user);
    }
    if (!fault.empty()) return {};
    const std::string user = fact(failed, "user"), authzid = fact(failed, "authzid");
    if (mechanism_ == "PLAIN") return to_base64(plain_message(authzid, user, "***"));
    if (mechanism_ == "CRAM-MD5") return to_base64(user + ' ' + std::string(32, '0'));
    if (mechanism_ == "EXTERNAL") return to_base64(authzid.empty() ? user : authzid);
    if (mechanism_ == "OAUTHBEARER") return to_base64(bearer_message(false, saslname(user), "token"));
    if (mechanism_ == "XOAUTH2") return to_base64(bearer_message(true, user, "token"));
    return to_base64("***");
  }
  std::string later() const {
    const auto event = next_event({"LoginFailed", "AuthRequest", "SaslRequest", "ListRequest"});
    const std::string fault = event.empty() || event[0] != "LoginFailed" ? "" : fact(event, "fault");
    if (mechanism_.substr(0, 6) != "SCRAM-") return fault.empty() ? to_base64("***") : "";
    if (messages_ > 2 || (fault == "malformed" && !challenge_follows())) return {};
    if (fault == "wrong_proof") return "!final proof=wrong";
    return fault == "wrong_binding" ? "!final binding=wrong" : "!final";
  }

  std::vector<Step>& steps_;
  std::string mechanism_;
  std::size_t at_ = 0;
  int messages_ = 0;
  bool challenged_ = false;
};

inline Dialogue read_dialogue(std::string_view text) {
  Dialogue dialogue;
  dialogue.config.login_needs_tls = false;
  dialogue.config.limits.failed_login_delay = pop3::Duration::zero();
  std::istringstream in{std::string(text)};
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (number == 1 && line.substr(0, 2) == "# ") dialogue.title = line.substr(2);
    if (line.empty() || line[0] == '#') continue;
    if (!read_line(dialogue, line, number)) dialogue.problem = "line " + std::to_string(number) + ": " + line;
  }
  StandIns(dialogue.steps).put();
  if (dialogue.has_last_login) dialogue.account.last_login = start_of_time - dialogue.last_login;
  if (dialogue.title.empty()) dialogue.problem = "the first line does not say what the dialogue proves";
  if (dialogue.messages.empty()) dialogue.messages = {{"uid-1", "Subject: hi\r\n\r\nbody\r\n", false, ""}};
  return dialogue;
}
inline Dialogue read_dialogue_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return read_dialogue(text);
}

inline pop3::TlsFacts tls_facts(const Dialogue& dialogue) {
  pop3::TlsFacts facts;
  facts.identity = dialogue.identity;
  facts.exporter = dialogue.exporter;
  facts.server_end_point = dialogue.server_end_point;
  facts.unique = dialogue.unique;
  return facts;
}
inline pop3::Account account(const Dialogue& dialogue) {
  pop3::Account account = dialogue.account;
  account.language = dialogue.account_language;
  return account;
}

// ---- the application ------------------------------------------------------------------------------------------------

inline pop3::Code read_code(const std::string& word) {
  if (word == "AUTH") return pop3::Code::auth;
  if (word == "IN-USE") return pop3::Code::in_use;
  if (word == "LOGIN-DELAY") return pop3::Code::login_delay;
  if (word == "UTF8") return pop3::Code::utf8;
  if (word == "SYS/TEMP") return pop3::Code::sys_temp;
  if (word == "SYS/PERM") return pop3::Code::sys_perm;
  return pop3::Code::none;
}
// [CODE] ["text" | a word] [delay=N] [close]
inline pop3::Refusal read_refusal(std::string_view text, std::string& storage) {
  pop3::Refusal why;
  for (const std::string& word : words(text)) {
    if (word == "close")
      why.close = true;
    else if (word.compare(0, 6, "delay=") == 0)
      why.delay = duration(word.substr(6));
    else if (why.code == pop3::Code::none && read_code(word) != pop3::Code::none)
      why.code = read_code(word);
    else
      storage += (storage.empty() ? "" : " ") + unquoted(word);
  }
  why.text = storage;
  return why;
}
inline std::string outcome_text(pop3::Outcome outcome) {
  return outcome == pop3::Outcome::applied ? "applied" : outcome == pop3::Outcome::stale ? "stale" : "invalid";
}

// Answers as a dialogue says, or as a small decent server would.
class Application {
 public:
  Application(const Dialogue& dialogue, Harness& harness) : dialogue_(dialogue), harness_(harness) {
    for (const Message& message : dialogue.messages) {
      pop3::OctetCounter counter(dialogue.config.body_lines);
      counter.add(message.octets);
      pop3::OctetCounter surrogate(dialogue.config.body_lines);
      surrogate.add(message.surrogate);
      listing_.push_back({counter.octets(), message.uid, message.needs_utf8, surrogate.octets()});
    }
  }

  void answer(const pop3::Event& event) {
    std::visit([this](const auto& request) { by_default(request); }, event);
  }
  // False: the script makes no sense for this event.
  bool answer(const pop3::Event& event, const std::string& script) {
    return std::visit([&](const auto& request) { return by_script(request, script); }, event);
  }

 private:
  void by_default(const pop3::AuthRequest& r) {
    const bool shown = r.method == pop3::AuthMethod::external || r.method == pop3::AuthMethod::anonymous ||
                       r.password.reveal() == dialogue_.password;
    const std::string_view who = r.authzid.empty() ? r.user : r.authzid;
    if (shown && (who.empty() || who == dialogue_.user || r.method == pop3::AuthMethod::anonymous))
      harness_.accept(r, dialogue_.user);
    else
      harness_.refuse(r);
  }
  void by_default(const pop3::DigestRequest& r) {
    const bool right = r.method == pop3::AuthMethod::apop
                           ? pop3::apop_matches(r.challenge, dialogue_.password, r.digest)
                           : pop3::cram_md5_matches(r.challenge, dialogue_.password, r.digest);
    if (r.user == dialogue_.user && right)
      harness_.accept(r);
    else
      harness_.refuse(r);
  }
  void by_default(const pop3::ScramRequest& r) {
    if (r.user == dialogue_.user)
      give_keys(r, dialogue_.password, {});
    else
      harness_.refuse(r);
  }
  void by_default(const pop3::SaslRequest& r) { harness_.refuse(r); }
  void by_default(const pop3::TlsRequest& r) { harness_.accept(r, tls_facts(dialogue_)); }
  void by_default(const pop3::CommandRequest& r) { harness_.proceed(r); }
  void by_default(const pop3::ListRequest& r) {
    harness_.accept(r, {listing_.data(), listing_.size()}, account(dialogue_));
  }
  void by_default(const pop3::RetrieveRequest& r) {
    const Message& message = dialogue_.messages[r.number - 1];
    harness_.lend(r, r.surrogate ? message.surrogate : message.octets, pop3::Chunk::last);
  }
  void by_default(const pop3::BodyRequest& r) {
    if (r.number == 0) {  // of a command of the application's own
      harness_.lend(r, "", pop3::Chunk::last);
      return;
    }
    const std::string& octets = dialogue_.messages[r.number - 1].octets;
    const auto from = static_cast<std::size_t>(std::min<std::uint64_t>(r.offset, octets.size()));
    harness_.lend(r, std::string_view(octets).substr(from), pop3::Chunk::last);
  }
  void by_default(const pop3::CommitRequest& r) { harness_.accept(r); }
  void by_default(const pop3::BodyDone&) {}
  void by_default(const pop3::LoginFailed&) {}

  pop3::Outcome give_keys(const pop3::ScramRequest& r, std::string_view password, std::string_view user) {
    const bool sha_1 = r.method == pop3::AuthMethod::scram_sha_1 || r.method == pop3::AuthMethod::scram_sha_1_plus;
    const auto& keys = cached_scram_keys(sha_1 ? mailwire::ScramHash::sha_1 : mailwire::ScramHash::sha_256,
                                         std::string(password), "salt of the dialogues", 4096);
    return harness_.accept(r, keys.view(), user);
  }
  void by_default(const pop3::Closed&) {}

  template <class Request>
  bool by_script(const Request& request, const std::string& script) {
    const std::size_t arrow = script.rfind(" -> ");
    const std::string wanted = arrow == std::string::npos ? "applied" : script.substr(arrow + 4);
    const std::string what = script.substr(0, arrow);
    const std::size_t space = what.find(' ');
    const std::string verb = what.substr(0, space), rest = space == std::string::npos ? "" : what.substr(space + 1);
    std::optional<pop3::Outcome> outcome;
    constexpr bool is_notice = std::is_same_v<Request, pop3::BodyDone> || std::is_same_v<Request, pop3::Closed> ||
                               std::is_same_v<Request, pop3::LoginFailed>;
    if constexpr (!is_notice) {
      if (verb == "accept") {
        outcome = accept(request, rest);
      } else if (verb == "refuse") {
        std::string text;
        const pop3::Refusal why = read_refusal(rest, text);
        outcome = harness_.refuse(request, why);
      } else if (verb == "body") {
        outcome = filler(request, rest);
      } else {
        outcome = other(request, verb, rest);
        if (!outcome) outcome = body(request, verb, rest);
      }
    }
    if (!outcome) return false;
    harness_.check(outcome_text(*outcome) == wanted, "answer \"" + script + "\" was " + outcome_text(*outcome));
    return true;
  }

  std::optional<pop3::Outcome> accept(const pop3::ListRequest& request, const std::string& rest) {
    std::vector<std::string> uids;
    std::vector<pop3::MessageInfo> list;
    for (const std::string& word : words(rest)) {
      const std::size_t colon = word.rfind(':');
      uids.push_back(unquoted(word.substr(0, colon)));
      const std::string facts = word.substr(colon + 1);
      const std::size_t utf8 = facts.find("/utf8");
      const bool surrogate = utf8 != std::string::npos && utf8 + 6 < facts.size();
      list.push_back({std::strtoull(facts.c_str(), nullptr, 10),
                      {},
                      utf8 != std::string::npos,
                      surrogate ? std::strtoull(facts.c_str() + utf8 + 6, nullptr, 10) : 0});
    }
    for (std::size_t i = 0; i < uids.size(); ++i) list[i].uid = uids[i];
    return harness_.accept(request, {list.data(), list.size()}, account(dialogue_));
  }
  std::optional<pop3::Outcome> accept(const pop3::AuthRequest& request, const std::string& rest) {
    return harness_.accept(request, unquoted(rest));
  }
  std::optional<pop3::Outcome> accept(const pop3::DigestRequest& request, const std::string& rest) {
    return harness_.accept(request, unquoted(rest));
  }
  std::optional<pop3::Outcome> accept(const pop3::SaslRequest& request, const std::string& rest) {
    const auto list = words(rest);
    return harness_.accept(request, list.empty() ? "" : unquoted(list[0]), list.size() < 2 ? "" : unquoted(list[1]));
  }
  std::optional<pop3::Outcome> accept(const pop3::CommandRequest& request, const std::string& rest) {
    return harness_.accept(request, std::string_view(unquoted(rest)));
  }
  std::optional<pop3::Outcome> accept(const pop3::ScramRequest& request, const std::string& rest) {
    return give_keys(request, dialogue_.password, unquoted(rest));
  }
  std::optional<pop3::Outcome> accept(const pop3::TlsRequest& request, const std::string&) {
    return harness_.accept(request, tls_facts(dialogue_));
  }
  std::optional<pop3::Outcome> accept(const pop3::CommitRequest& request, const std::string& rest) {
    if (rest.empty()) return harness_.accept(request);
    return harness_.accept(request, std::strtoul(rest.c_str(), nullptr, 10));
  }
  std::optional<pop3::Outcome> accept(const pop3::BodyRequest&, const std::string&) { return std::nullopt; }
  template <class Request>
  std::optional<pop3::Outcome> accept(const Request& request, const std::string&) {
    return harness_.accept(request);
  }

  template <class Request>
  std::optional<pop3::Outcome> other(const Request& request, const std::string& verb, const std::string& rest) {
    const auto list = words(rest);
    if constexpr (std::is_same_v<Request, pop3::SaslRequest>)
      if (verb == "challenge") return harness_.challenge(request, unquoted(rest));
    if constexpr (std::is_same_v<Request, pop3::CommandRequest>)
      if (verb == "proceed") return harness_.proceed(request);
    if constexpr (std::is_same_v<Request, pop3::RetrieveRequest>)
      if (verb == "promise" && list.size() == 1)
        return harness_.promise(request, rest[0] == '"' ? unquoted(rest) : fill(list[0], true));
    if constexpr (std::is_same_v<Request, pop3::ScramRequest>)
      if (verb == "keys" && list.size() == 1 && list[0] == "none") return harness_.accept(request, {});
    if constexpr (std::is_same_v<Request, pop3::ScramRequest>)
      if (verb == "keys" && !list.empty())
        return give_keys(request, unquoted(list[0]), list.size() > 1 ? unquoted(list[1]) : "");
    return std::nullopt;
  }

  // So many octets that do not matter.
  template <class Request>
  std::optional<pop3::Outcome> filler(const Request& request, const std::string& rest) {
    const auto list = words(rest);
    if (list.size() != 2) return std::nullopt;
    return body(request, "send", in_quotes(fill(list[0], list[1] == "last")) + ' ' + list[1]);
  }
  static std::string fill(const std::string& count, bool last) {
    std::string octets(std::strtoul(count.c_str(), nullptr, 10), 'x');
    if (octets.size() >= 2 && last) octets.replace(octets.size() - 2, 2, "\r\n");
    return octets;
  }

  template <class Request>
  std::optional<pop3::Outcome> body(const Request& request, const std::string& verb, const std::string& rest) {
    constexpr bool has_body = std::is_same_v<Request, pop3::RetrieveRequest> ||
                              std::is_same_v<Request, pop3::BodyRequest> ||
                              std::is_same_v<Request, pop3::CommandRequest>;
    if constexpr (has_body) {
      const auto list = words(rest);
      if (list.size() == 2) {
        const auto last = list[1] == "last" ? pop3::Chunk::last : pop3::Chunk::more;
        if (verb == "lend") return harness_.lend(request, unquoted(list[0]), last);
        if (verb == "send") return harness_.send(request, unquoted(list[0]), last);
      }
    }
    if constexpr (std::is_same_v<Request, pop3::BodyRequest>)
      if (verb == "abort") return harness_.abort(request);
    return std::nullopt;
  }

  const Dialogue& dialogue_;
  Harness& harness_;
  std::vector<pop3::MessageInfo> listing_;
};

// ---- playing --------------------------------------------------------------------------------------------------------

// How octets are moved. None of it may make a difference.
struct Cuts {
  std::size_t in = ~std::size_t{0};     // octets fed at a time
  std::size_t split = ~std::size_t{0};  // one cut behind so many octets of input
  std::size_t out = ~std::size_t{0};    // octets consumed at a time
  bool lockstep = false;                // the client waits for every reply before it goes on
  bool copy = false;                    // output is taken by copy_output()
  bool hold = false;                    // output is looked at long before it is consumed
};

enum class Disturbance { none, end, shutdown, disconnect, timeout, late, stall };

// Where a peer breaks off, to the octet.
struct Break {
  static constexpr std::size_t never = ~std::size_t{0};
  Disturbance how = Disturbance::disconnect;
  std::size_t in = never;   // behind so many octets of input
  std::size_t out = never;  // when so many octets of output were taken, one at a time, and there are more
  bool at_once = false;     // before poll() has seen the last octet; else when nothing moves any more
};

class Player {
 public:
  Player(const Dialogue& dialogue, Cuts cuts)
      : dialogue_(dialogue), cuts_(cuts), harness_(dialogue.config, connection(dialogue)), app_(dialogue, harness_) {}

  // Plays all of it; afterwards faults() is empty if everything was as written.
  void play() {
    for (next_ = 0; next_ < dialogue_.steps.size() && !wrong() && !disturbed_; ++next_)
      play_step(dialogue_.steps[next_]);
    if (!disturbed_) settle();
    if (!disturbed_) compare();
    finish();
  }
  // The same with something else happening at moment number `when`: before a line of the client, or while a request
  // is open. Only Disturbance::late lets the dialogue go on as written. False: the dialogue has no such moment.
  bool play_disturbed(std::size_t when, Disturbance disturbance) {
    disturb_at_ = when;
    disturbance_ = disturbance;
    play();
    return moments_ > when;
  }

  // The same, broken off behind an octet. False: it has no such octet.
  bool play_broken(Break where) {
    break_ = where;
    disturbance_ = where.how;
    play();
    return disturbed_;
  }

  // For whoever caught an exception of a session in play(): what a careful driver does then.
  void give_up() {
    open_.reset();
    harness_.disconnect();
    disturbed_ = true;
    finish();
  }
  // And what a careless one does: it goes on. What comes of it is not compared.
  void carry_on() {
    disturbed_ = false;
    for (; next_ < dialogue_.steps.size(); ++next_)
      if (dialogue_.steps[next_].kind == Step::Kind::client) input_ += dialogue_.steps[next_].text;
    settle();
    finish();
  }

  std::string trace() { return harness_.session.take_trace(); }
  std::string faults() const { return harness_.faults; }
  const std::string& output() const { return harness_.output; }
  const std::vector<std::string>& events() const { return harness_.events; }
  std::size_t input_octets() const { return fed_.size(); }
  const std::string& input() const { return fed_; }
  bool committing() const { return harness_.committing(); }

 private:
  static pop3::Connection connection(const Dialogue& dialogue) {
    pop3::Connection c = dialogue.connection;
    c.apop_challenge = dialogue.apop_challenge;
    c.tls = tls_facts(dialogue);
    c.nonce = dialogue.nonce;
    c.hostname = dialogue.hostname;
    return c;
  }
  bool wrong() const { return !harness_.faults.empty(); }

  void play_step(const Step& step) {
    switch (step.kind) {
      case Step::Kind::client:
        if (cuts_.lockstep && next_ > 0 && dialogue_.steps[next_ - 1].kind != Step::Kind::client) settle(), compare();
        if (moment()) return;
        input_ += step.text;
        return;
      case Step::Kind::server: wanted_output_ += step.text; return;
      case Step::Kind::event: wanted_events_.push_back({step.text, "", step.line}); return;
      case Step::Kind::answer:
        if (wanted_events_.empty()) return harness_.check(false, at(step.line) + "an answer without an event");
        wanted_events_.back().answer = step.text;
        return;
      default: break;
    }
    if (next_ > 0) settle(), compare();  // the very first step comes before the first poll()
    if (disturbed_) return;
    std::string text;
    switch (step.kind) {
      case Step::Kind::late:
        harness_.check(open_ && app_.answer(*open_, step.text), at(step.line) + "no answer for the open request");
        open_.reset();
        break;
      case Step::Kind::time: harness_.now += duration(step.text); break;
      case Step::Kind::tls: break;
      case Step::Kind::compute:
        if (!moment()) input_ += computed(words(step.text)) + "\r\n";
        break;
      case Step::Kind::announce:
        harness_.check(harness_.session.announce(step.text), at(step.line) + "this cannot be announced");
        break;
      case Step::Kind::conceal: harness_.session.conceal(step.text); break;
      case Step::Kind::stall: stalled_ = true; break;
      case Step::Kind::read: stalled_ = false; break;
      case Step::Kind::end: harness_.end_of_input(); break;
      case Step::Kind::disconnect: harness_.disconnect(); break;
      case Step::Kind::shutdown: harness_.shutdown(read_refusal(step.text, text)); break;
      default: break;
    }
  }

  // What a client says to the last challenge.
  std::string computed(const std::vector<std::string>& list) {
    const auto get = [&](const std::string& key, const std::string& otherwise) {
      for (const std::string& word : list)
        if (word.compare(0, key.size() + 1, key + '=') == 0) return unquoted(word.substr(key.size() + 1));
      return otherwise;
    };
    const std::string& what = list[0];
    const std::string user = get("user", dialogue_.user), password = get("password", dialogue_.password);
    if (what == "cram") return to_base64(cram_md5_response(user, password, last_challenge()));
    if (what == "AUTH" || what == "first") {
      const bool plus = list[1].find("-PLUS") != std::string::npos;
      const std::string known = !dialogue_.exporter.empty()           ? "tls-exporter"
                                : !dialogue_.server_end_point.empty() ? "tls-server-end-point"
                                                                      : "tls-unique";
      const std::string flag = get("flag", plus ? "p" : "n"), type = get("type", known);
      const std::string authzid = get("authzid", "");
      const std::string header =
          (flag == "p" ? "p=" + type : flag) + ',' + (authzid.empty() ? "" : "a=" + saslname(authzid)) + ',';
      binding_ = flag != "p"                      ? ""
                 : type == "tls-unique"           ? dialogue_.unique
                 : type == "tls-server-end-point" ? dialogue_.server_end_point
                                                  : dialogue_.exporter;
      const auto hash =
          list[1].find("SHA-256") == std::string::npos ? mailwire::ScramHash::sha_1 : mailwire::ScramHash::sha_256;
      const std::string message = to_base64(client_.first(hash, header, user, get("nonce", "client+nonce")));
      return what == "AUTH" ? "AUTH " + list[1] + ' ' + message : message;
    }
    if (what == "final") {
      std::string challenge = last_challenge();
      if (get("nonce", "") == "wrong") challenge.insert(challenge.find(",s="), "x");
      std::string message = client_.final(challenge, password, get("binding", binding_));
      if (get("proof", "") == "wrong" && !message.empty()) {
        char& digit = message[message.rfind("p=") + 2];
        digit = digit == 'A' ? 'B' : 'A';
      }
      return to_base64(message);
    }
    harness_.check(what == "verify" && client_.verify(last_challenge()), "the server does not know the keys");
    return {};
  }
  // Octets of the last line that the server has sent, if it is a challenge.
  std::string last_challenge() const {
    const std::string& out = harness_.output;
    const std::size_t start = out.size() < 2 ? std::string::npos : out.rfind('\n', out.size() - 2);
    const std::string line = out.substr(start == std::string::npos ? 0 : start + 1);
    return line.compare(0, 2, "+ ") == 0 ? from_base64(line.substr(2, line.size() - 4)) : "";
  }

  // Moves octets and answers events until nothing moves any more.
  void settle() {
    for (std::size_t quiet = 0; quiet < 2 && !disturbed_;) {
      const bool moved = decide() + feed() + drain() > 0;
      quiet = moved ? 0 : quiet + 1;
      if (quiet == 2 && breaks()) disturb();
      if (++turns_ > 2'000'000) return harness_.check(false, "the session never comes to rest");
    }
  }
  int decide() {
    const auto event = harness_.poll();
    if (!event) return 0;
    // Whatever the client has sent behind STLS goes to the handshake.
    if (std::holds_alternative<pop3::TlsRequest>(*event)) input_.clear();
    if (std::holds_alternative<pop3::BodyDone>(*event) || std::holds_alternative<pop3::LoginFailed>(*event) ||
        std::holds_alternative<pop3::Closed>(*event) || !disturbed_by(*event))
      handle(*event);
    return 1;
  }
  int feed() {
    if (input_.empty() || disturbed_) return 0;
    std::size_t n = std::min(cuts_.in, input_.size());
    if (fed_.size() < cuts_.split) n = std::min(n, cuts_.split - fed_.size());
    n = std::min(n, break_.in - std::min(break_.in, fed_.size()));
    n = harness_.feed(std::string_view(input_).substr(0, n));
    fed_.append(input_, 0, n);
    input_.erase(0, n);
    if (harness_.closed()) input_.clear();
    if (break_.at_once && fed_.size() == break_.in) disturb();
    return n > 0;
  }
  int drain() {
    if (stalled_ || disturbed_) return 0;
    if (cuts_.hold && ++held_turns_ % 3 != 0) return harness_.hold_output(), harness_.session.wants_output() ? 1 : 0;
    if (break_.out != Break::never) return harness_.output.size() < break_.out && harness_.take_output(1) > 0;
    const std::size_t n =
        cuts_.copy ? harness_.copy_output(std::min<std::size_t>(cuts_.out, 1 << 16)) : harness_.take_output(cuts_.out);
    return n > 0;
  }

  void handle(const pop3::Event& event) {
    const std::string& text = harness_.events.back();
    if (dialogue_.named.count(text.substr(0, text.find(' '))) == 0) return answer(event);
    if (seen_ == wanted_events_.size()) return harness_.check(false, "an event that is not written: " + text);
    const Wanted& wanted = wanted_events_[seen_++];
    for (const std::string& word : words(wanted.text))
      harness_.check(has_word(text, word), at(wanted.line) + "event is\n  " + text + "\nand not\n  " + wanted.text);
    if (wanted.answer == "wait") {
      open_ = event;
    } else if (wanted.answer.empty()) {
      answer(event);
    } else {
      harness_.check(app_.answer(event, wanted.answer), at(wanted.line) + "no such answer: " + wanted.answer);
    }
  }
  // Twice: the second time is always too late.
  void answer(const pop3::Event& event) {
    app_.answer(event);
    const unsigned taken = harness_.answers_taken();
    app_.answer(event);
    harness_.check(harness_.answers_taken() == taken, "a question was answered twice");
  }
  // What is wanted, every "S*" replaced by what came there up to its final dot, and every challenge that may be any.
  static std::string with_bodies(const std::string& wanted, const std::string& output) {
    std::string text;
    for (const char c : wanted) {
      const std::size_t start = std::min(text.size(), output.size());
      if (c == any_body) {
        const bool empty = output.compare(start, 3, ".\r\n") == 0;
        const std::size_t dot = empty ? start : output.find("\r\n.\r\n", start);
        text += output.substr(start, dot == std::string::npos ? dot : dot + (empty ? 3 : 5) - start);
      } else if (c == any_rest) {
        text += output.substr(start);
      } else if (c == any_challenge) {
        const std::size_t end = output.find("\r\n", start);
        const bool is_one = output.compare(start, 2, "+ ") == 0 && end != std::string::npos;
        text += is_one ? output.substr(start, end + 2 - start) : "+ ***\r\n";
      } else {
        text += c;
      }
    }
    return text;
  }
  static bool has_word(const std::string& text, const std::string& word) {
    const auto list = words(text);
    return std::find(list.begin(), list.end(), word) != list.end();
  }

  void compare() {
    if (wrong() || disturbed_) return;
    const std::string wanted = with_bodies(wanted_output_, harness_.output);
    if (harness_.output != wanted && !stalled_) {
      std::size_t i = 0;
      while (i < harness_.output.size() && i < wanted.size() && harness_.output[i] == wanted[i]) ++i;
      harness_.check(false, at(line()) + "output differs behind octet " + std::to_string(i) + ":\n  is     " +
                                in_quotes(harness_.output.substr(i, 120)) + "\n  wanted " +
                                in_quotes(wanted.substr(i, 120)));
    }
    if (seen_ < wanted_events_.size())
      harness_.check(false, at(wanted_events_[seen_].line) + "event did not come: " + wanted_events_[seen_].text);
  }
  int line() const { return next_ < dialogue_.steps.size() ? dialogue_.steps[next_].line : 0; }
  static std::string at(int line) { return line > 0 ? "line " + std::to_string(line) + ": " : "at the end: "; }

  // ---- disturbances
  // The moment has come to disturb: before a line of the client is sent.
  bool moment() {
    if (disturbance_ == Disturbance::none || disturbance_ == Disturbance::late || moments_++ != disturb_at_)
      return false;
    disturb();
    return true;
  }
  // The same while a request is open. The application answers it afterwards, whatever happened.
  bool disturbed_by(const pop3::Event& request) {
    if (disturbance_ == Disturbance::none || moments_++ != disturb_at_) return false;
    if (disturbance_ == Disturbance::late) {
      for (int i = 0; i < 3; ++i)
        harness_.check(!harness_.poll(), "a second event while a request is open"), feed(), drain();
      return false;
    }
    disturb();
    answer(request);
    return true;
  }
  // What play_broken() waits for has come.
  bool breaks() const {
    if (harness_.closed()) return false;
    const bool taken = break_.out == harness_.output.size() && harness_.session.wants_output();
    return taken || (break_.in != Break::never && fed_.size() == break_.in);
  }
  void disturb() {
    disturbed_ = true;
    harness_.hold_output();
    switch (disturbance_) {
      case Disturbance::none:
      case Disturbance::late:
      case Disturbance::stall: break;
      case Disturbance::end: harness_.end_of_input(); break;
      case Disturbance::shutdown: harness_.shutdown({pop3::Code::sys_temp, "going\r\n+OK down"}); break;
      case Disturbance::disconnect: harness_.disconnect(); break;
      case Disturbance::timeout: harness_.now += std::chrono::hours(24 * 365); break;
    }
  }

  // ---- the end of every play: whatever happened, the session ends well
  void finish() {
    bool ended = false;
    for (int turn = 0; !harness_.closed() && turn < 1'000'000; ++turn) {
      if (const auto event = harness_.poll()) {
        answer(*event);
        continue;
      }
      const auto deadline = harness_.session.deadline();
      if (disturbed_ && disturbance_ == Disturbance::stall) {  // only time goes by, where it has an end
        if (open_) answer(*open_), open_.reset();
        if (deadline)
          harness_.now = *deadline;
        else
          harness_.disconnect();
        continue;
      }
      if (harness_.take_output(~std::size_t{0}) > 0) continue;
      if (open_) answer(*open_), open_.reset();
      if (deadline && ended) harness_.now = *deadline;
      harness_.end_of_input();
      ended = true;
    }
    harness_.check(harness_.closed(), "the session does not end");
    harness_.check(!harness_.poll(), "an event after the last");
    harness_.check(harness_.session.receive("NOOP\r\n") == 0, "input is taken after the end");
    harness_.check(!harness_.committing() || says_quit(fed_), "a commit that nobody asked for");
    harness_.check(harness_.output.find("\n+OK down") == std::string::npos, "a text made a line of its own");
  }
  static bool says_quit(std::string text) {
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text.find("QUIT\r\n") != std::string::npos || text.find("QUIT\n") != std::string::npos;
  }

  struct Wanted {
    std::string text, answer;
    int line;
  };

  const Dialogue& dialogue_;
  const Cuts cuts_;
  Harness harness_;
  Application app_;

  std::size_t next_ = 0, turns_ = 0, held_turns_ = 0, seen_ = 0;
  std::string input_, fed_, wanted_output_;
  std::vector<Wanted> wanted_events_;
  std::optional<pop3::Event> open_;
  ScramClient client_;
  std::string binding_;
  bool stalled_ = false;

  Disturbance disturbance_ = Disturbance::none;
  Break break_;
  std::size_t disturb_at_ = ~std::size_t{0}, moments_ = 0;
  bool disturbed_ = false;
};

}  // namespace tests

#endif
