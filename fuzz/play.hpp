// SPDX-License-Identifier: MIT
// What the fuzz targets share: an input in two parts, a client and an application made from it, and what must be true
// of what comes out.
//
//   octets of the client [ 0xFF decisions ]
//
// The last 0xFF parts them, so that a plain dialogue is a valid input, and a change in one part does not shift the
// other. Without decisions everything goes its usual way. Three octets mean something to the client itself:
//
//   0xFE  it waits until nothing moves any more; after STLS it has its handshake there
//   0xFD  the same, then it gives the right answer to the challenge, as one who knows the password
//   0xFC  the same, with a wrong password
#ifndef FUZZ_PLAY_HPP
#define FUZZ_PLAY_HPP

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <mailwire/base64.hpp>
#include <mailwire/hmac.hpp>
#include <mailwire/sha.hpp>
#include <mailwire/utf8.hpp>

#include "dialogue.hpp"

namespace fuzz {

[[noreturn]] inline void fail(const std::string& why) {
  std::fprintf(stderr, "FOUND: %s\n", why.c_str());
  std::abort();
}

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) {
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const std::size_t mark = all.rfind('\xFF');
    octets = all.substr(0, mark);
    if (mark != std::string_view::npos) decisions_ = all.substr(mark + 1);
  }

  std::string_view octets;

  // The next decision, below `choices`; 0, the usual, when there is none left.
  unsigned decide(unsigned choices) {
    if (decisions_.empty()) return 0;
    const auto value = static_cast<unsigned char>(decisions_.front());
    decisions_.remove_prefix(1);
    return value % choices;
  }
  // Octets that the application says: whatever is left of the decisions.
  std::string_view text() const { return decisions_; }

 private:
  std::string_view decisions_;
};

// ---- scenes ---------------------------------------------------------------------------------------------------------

inline constexpr std::string_view challenge = "<1896.697170952@dbc.mtview.ca.us>";
inline constexpr std::string_view password = "pw";
// What nobody may find in a trace: long enough not to be there by chance.
inline constexpr std::string_view canary = "Canary-17-Secret";

// A maildrop with everything that is hard: dots, line ends of all kinds, nothing, and UTF-8.
inline std::vector<tests::Message> small_messages() {
  return {{"uid-1", "Subject: hi\r\n\r\n.dot line\r\nbye\r\n", false, ""},
          {"uid-2", ".\n..\n.\r\n\r.\n\n.a", false, ""},
          {"uid-3", "", false, ""},
          {"uid-4", std::string("\0\r\r\n\xE9", 5), false, ""}};
}
// And much: more than is ever copied in one piece, clean enough to be lent, and not.
inline std::vector<tests::Message> large_messages() {
  std::string lf = "Subject: lf\n\n", crlf = "Subject: crlf\r\n\r\n";
  for (int i = 0; i < 600; ++i) {
    lf += i % 7 == 0 ? ".a line\n" : "a line of text\n";
    crlf += i == 580 ? ".\r\n" : "a line of text that is clean\r\n";
  }
  return {{"uid-5", lf, false, ""}, {"uid-6", crlf, false, ""}};
}

inline pop3::Language german() {
  pop3::Language language{"de", "Deutsch", {}};
  language.texts[pop3::Text::bye] = "auf Wiedersehen, sch\xC3\xB6nen Tag";
  language.texts[pop3::Text::opened] = "{1} Nachrichten, {2} Oktette";
  language.texts[pop3::Text::language_set] = "[jetzt] auf Deutsch: gr\xC3\xBC\xC3\x9F dich";
  language.texts[pop3::Text::auth_failed] = "ung\xC3\xBCltig";
  return language;
}

inline void add_protocols(tests::Dialogue& scene, unsigned bits) {
  scene.config.offer_stls = bits & 1;
  scene.config.login_needs_tls = bits & 2;
  scene.connection.encrypted = bits & 4;
  if (!(bits & 8)) scene.nonce = "0123456789abcdef0123456789abcdef";
  if (bits & 16) scene.identity = "ann";
  if (!(bits & 32)) scene.exporter = "exported octets", scene.server_end_point = "end point";
  scene.config.utf8 = static_cast<pop3::Utf8>((bits >> 6) % 3);
}
inline void add_maildrop(tests::Dialogue& scene, unsigned bits) {
  static const std::vector<tests::Message> small = small_messages(), large = large_messages();
  scene.messages = bits & 1 ? large : small;
  if (bits & 2) {
    scene.messages.push_back({"uid-7", "Subject: \xC3\xA4\r\n\r\n.\r\n", true, "Subject: a\r\n\r\n.\r\n.s\r\n"});
    scene.messages.push_back({"uid-8", "Subject: \xC3\xA4\r\n\r\nno other\r\n", true, ""});
  }
  if (bits & 4) scene.messages.push_back({"uid-1", "again\r\n", false, ""});
  scene.config.equal_uids = static_cast<pop3::EqualUids>((bits >> 3) % 3);
  if (bits & 32) scene.config.expire = 0, scene.config.expire_per_user = true;
  if (bits & 64) scene.account.read_only = true, scene.account.login_delay = 60;
  if (bits & 128) scene.account.expire = pop3::expire_never, scene.account_language = "de";
}
inline void add_policy(tests::Dialogue& scene, unsigned bits) {
  if (bits & 1) scene.config.tolerate = {true, true, true, true, true};
  if (bits & 2) scene.config.trace = true;
  if (bits & 4)
    for (const char* verb : {"XECHO", "XBODY", "XMORE", "XNO"})
      scene.config.commands.push_back({verb, true, true, 0, 3});
  if (bits & 8)
    for (const char* verb : {"NOOP", "list", "PASS", "USER", "AUTH", "STLS", "RETR", "QUIT", "CAPA"})
      scene.config.commands.push_back({verb});
  if (bits & 16)
    scene.config.languages = {german(),
                              {"fr-CA",
                               "Fran\xC3\xA7"
                               "ais",
                               {}}};
  if (bits & 32) scene.config.capabilities = {"X-TRICKS 3", {"X-LATER", false, true}, "STLS", "bad. x", "EXPIRE 30"};
  if (bits & 64) scene.config.top = scene.config.uidl = false;
  if (bits & 128) scene.config.mechanisms.clear();
}

inline tests::Dialogue scene(Input& input) {
  const unsigned kind = input.decide(256);
  tests::Dialogue scene;
  scene.config.limits.failed_login_delay = std::chrono::seconds(kind & 1 ? 2 : 0);
  scene.config.limits.answer = std::chrono::seconds(kind & 2 ? 60 : 0);
  scene.config.body_lines = kind & 4 ? pop3::BodyLines::verbatim : pop3::BodyLines::repair;
  scene.config.limits.output_high = kind & 8 ? 20 : 4096;
  scene.config.limits.input_buffer = kind & 16 ? 1 : 1024;
  scene.config.limits.command_line = kind & 32 ? 255 : 512;
  if (kind & 32) scene.config.limits.sasl_line = 300;
  scene.config.limits.endless_line = kind & 64 ? 600 : 65'536;
  scene.config.limits.bad_commands = kind & 128 ? 0 : 20;
  scene.config.mechanisms = {"SCRAM-SHA-256-PLUS",
                             "SCRAM-SHA-1-PLUS",
                             "SCRAM-SHA-256",
                             "SCRAM-SHA-1",
                             "PLAIN",
                             "LOGIN",
                             "CRAM-MD5",
                             "OAUTHBEARER",
                             "XOAUTH2",
                             "EXTERNAL",
                             "ANONYMOUS",
                             "X-OWN",
                             {"X-FIRST", false, true}};
  scene.config.oauth_scope = "mail";
  scene.apop_challenge = kind & 2 ? std::string(challenge) : "";
  scene.hostname = "mail.example";
  scene.user = "ann";
  scene.password = password;
  scene.connection.id = 77;
  add_protocols(scene, input.decide(256));
  add_maildrop(scene, input.decide(256));
  add_policy(scene, input.decide(256));
  return scene;
}

inline pop3::Connection connection(const tests::Dialogue& scene) {
  pop3::Connection c = scene.connection;
  c.apop_challenge = scene.apop_challenge;
  c.nonce = scene.nonce;
  c.hostname = scene.hostname;
  c.tls = tests::tls_facts(scene);
  return c;
}

// ---- what both sides know
// --------------------------------------------------------------------------------------------

inline constexpr std::string_view salt = "salt";
inline constexpr std::uint32_t iterations = 2;  // what many cost is not the matter here

inline const mailwire::OwnScramKeys& scram_keys(mailwire::ScramHash hash) {
  static const auto sha_1 = mailwire::make_scram_keys(mailwire::ScramHash::sha_1, password, salt, iterations);
  static const auto sha_256 = mailwire::make_scram_keys(mailwire::ScramHash::sha_256, password, salt, iterations);
  return hash == mailwire::ScramHash::sha_1 ? sha_1 : sha_256;
}

inline std::string base64(std::string_view octets) {
  mailwire::ByteBuffer out;
  mailwire::append_base64(out, octets);
  return std::string(out.view());
}
inline std::string from_base64(std::string_view text) {
  std::string octets(text.size() + 3, '\0');
  octets.resize(mailwire::base64_decode(text, octets.data()).value_or(0));
  return octets;
}
inline char upper(char c) { return static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c); }
// One space between two words, none around them, all in upper case: what a lenient reader makes of a line.
inline std::string normalised(std::string_view line) {
  std::string result;
  result.reserve(line.size());
  bool gap = false;
  for (const char c : line) {
    if (c == ' ' || c == '\t') {
      gap = !result.empty();
      continue;
    }
    if (gap) result += ' ';
    gap = false;
    result += upper(c);
  }
  return result;
}
// Takes the first line off `text`, without its end; `lf`: an LF alone ends one too.
inline std::string_view take_line(std::string_view& text, bool lf = false) {
  std::size_t end = text.find('\n');
  while (!lf && end != std::string_view::npos && (end == 0 || text[end - 1] != '\r')) end = text.find('\n', end + 1);
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

// ---- the client
// ------------------------------------------------------------------------------------------------------

template <class Hash>
std::string scram_proof(std::string_view secret, std::string_view auth_message) {
  const auto salted = mailwire::pbkdf2<Hash>(secret, salt, iterations);
  auto proof = mailwire::hmac<Hash>(mailwire::as_view(salted), "Client Key");
  const auto stored = mailwire::hash_of<Hash>(mailwire::as_view(proof));
  const auto signature = mailwire::hmac<Hash>(mailwire::as_view(stored), auth_message);
  for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ signature[i]);
  return base64(mailwire::as_view(proof));
}

// Says its octets, and knows what was understood of them.
class Client {
 public:
  Client(std::string_view octets, const tests::Dialogue& scene) : octets_(octets), scene_(scene) { find_mark(); }

  // What it says now; nothing: it waits, or has said all.
  std::string_view ready() const {
    if (!typed_.empty()) return typed_;
    return octets_.substr(0, mark_);
  }
  void said(std::size_t n) {
    log_ += ready().substr(0, n);
    if (typed_.empty())
      octets_.remove_prefix(n), mark_ -= n;
    else
      typed_.erase(0, n);
  }
  // The same, but nobody has heard it.
  void lost(std::size_t n) {
    const std::size_t size = log_.size();
    said(n);
    log_.resize(size);
  }
  // Nothing moves any more. False: there is nothing that it waits for.
  bool go_on(std::string_view output) {
    if (!typed_.empty() || octets_.empty() || mark_ > 0) return false;
    const bool answers = octets_[0] != '\xFE', right = octets_[0] == '\xFD';
    octets_.remove_prefix(1);
    find_mark();
    if (!answers) return true;
    password_ = right ? password : "guess";
    typed_ = answer(output);
    knows_ = knows_ || right;
    return true;
  }
  // The handshake: `unread` of the last octets were not POP3, and what was to come up to 0xFE belongs to it too.
  void begin_tls(std::size_t unread, bool to_mark) {
    log_.resize(log_.size() - std::min(log_.size(), unread));
    if (!to_mark) return;
    typed_.clear();
    const std::size_t mark = octets_.find('\xFE');
    octets_.remove_prefix(mark == std::string_view::npos ? octets_.size() : mark + 1);
    find_mark();
  }
  bool done() const { return typed_.empty() && octets_.empty(); }
  bool knows_password() const { return knows_; }  // it has shown that at least once
  std::size_t left() const { return typed_.size() + octets_.size(); }
  const std::string& log() const { return log_; }

 private:
  void find_mark() {
    mark_ = octets_.size();
    for (const char mark : {'\xFC', '\xFD', '\xFE'}) mark_ = std::min(mark_, octets_.find(mark));
  }
  // The mechanism's name and what was said first, base64 undone.
  std::vector<std::string> exchange() const {
    std::vector<std::string> said;
    std::string_view rest = log_;
    while (!rest.empty()) {
      const std::string_view line = take_line(rest, scene_.config.tolerate.bare_lf);
      const std::size_t first = line.find_first_not_of(" \t");
      const bool maybe = first != std::string_view::npos && upper(line[first]) == 'A';  // a quick look at most lines
      const std::string words = maybe ? normalised(line) : "";
      if (words.substr(0, 5) == "AUTH ") {
        const std::size_t space = words.find(' ', 5);
        said = {words.substr(5, space == std::string::npos ? space : space - 5)};
        if (space != std::string::npos) said.push_back(from_base64(line.substr(line.find_last_of(" \t") + 1)));
      } else if (said.size() == 1) {
        said.push_back(from_base64(line));
      }
    }
    return said;
  }
  // With its CRLF; nothing if there is no challenge.
  std::string answer(std::string_view output) const {
    std::string_view last = output.substr(0, output.rfind("\r\n"));
    last.remove_prefix(last.rfind('\n') + 1);  // npos + 1: the only line
    if (last.substr(0, 2) != "+ ") return "";
    const auto said = exchange();
    if (said.empty()) return "";
    return base64(message(said[0], from_base64(last.substr(2)), said)) + "\r\n";
  }
  std::string message(const std::string& mechanism, const std::string& asked,
                      const std::vector<std::string>& said) const {
    if (mechanism == "PLAIN") return std::string("\0ann\0", 5) + std::string(password_);
    if (mechanism == "LOGIN") return asked == "Username:" ? "ann" : std::string(password_);
    if (mechanism == "CRAM-MD5")
      return "ann " + std::string(mailwire::as_view(pop3::cram_md5_digest(asked, password_)));
    if (mechanism == "OAUTHBEARER")
      return asked.empty() ? std::string("n,a=ann,\x01") + "auth=Bearer " + std::string(password_) + "\x01\x01"
                           : "\x01";
    if (mechanism == "XOAUTH2")
      return asked.empty() ? std::string("user=ann\x01") + "auth=Bearer " + std::string(password_) + "\x01\x01" : "";
    if (mechanism.substr(0, 6) == "SCRAM-") return scram(mechanism, asked, said);
    return asked == "done" ? "" : std::string(password_);  // of the application's own
  }
  std::string scram(const std::string& mechanism, const std::string& asked,
                    const std::vector<std::string>& said) const {
    const bool plus = mechanism.size() > 5 && mechanism.substr(mechanism.size() - 5) == "-PLUS";
    if (asked.substr(0, 2) == "v=") return "";
    const std::string mine = plus ? "p=tls-exporter,,n=ann,r=fuzz" : "n,,n=ann,r=fuzz";
    if (asked.empty()) return mine;
    // Whatever was said first, with its gs2 header in front.
    const std::string first = said.size() > 1 && !said[1].empty() ? said[1] : mine;
    const std::size_t bare = first.find("n=", 2);
    if (bare == std::string::npos) return "";
    const std::string binding = first.substr(0, bare) + (plus ? scene_.exporter : "");
    const std::string without_proof = "c=" + base64(binding) + ',' + asked.substr(0, asked.find(','));
    const std::string all = first.substr(bare) + ',' + asked + ',' + without_proof;
    const bool sha_1 = mechanism.substr(0, 11) == "SCRAM-SHA-1";
    return without_proof + ",p=" +
           (sha_1 ? scram_proof<mailwire::Sha1>(password_, all) : scram_proof<mailwire::Sha256>(password_, all));
  }

  std::string_view octets_;
  std::size_t mark_ = 0;  // where the next 0xFD or 0xFE is, or the end
  const tests::Dialogue& scene_;
  std::string typed_, log_;
  std::string_view password_;
  bool knows_ = false;
};

// ---- the application
// --------------------------------------------------------------------------------------------------

// The decent server of the dialogues, with mechanisms and verbs of its own, and keys that cost little.
class Application {
 public:
  Application(const tests::Dialogue& scene, tests::Harness& play) : scene_(scene), play_(play), usual_(scene, play) {}

  void answer(const pop3::Event& event) {
    std::visit([&](const auto& request) { decide(event, request); }, event);
  }

  // "X-OWN" asks until it hears the password; "X-FIRST" begins with a question. Both say "done" at the end.
  void decide(const pop3::Event&, const pop3::SaslRequest& r) {
    if (r.first && r.data.empty())
      play_.challenge(r, "tell me");
    else if (r.data == scene_.password)
      play_.accept(r, scene_.user, r.mechanism == "X-OWN" ? "done" : "");
    else if (r.data == "again")
      play_.challenge(r, r.data);
    else
      play_.refuse(r);
  }
  void decide(const pop3::Event&, const pop3::ScramRequest& r) {
    if (r.user != scene_.user || (!r.authzid.empty() && r.authzid != scene_.user))
      play_.refuse(r);
    else
      play_.accept(r, keys(r.method).view());
  }
  void decide(const pop3::Event&, const pop3::CommandRequest& r) {
    if (r.verb == "XECHO")
      play_.accept(r, r.argument);
    else if (r.verb == "XBODY")
      play_.send(r, "..\n" + std::string(r.argument), pop3::Chunk::last);
    else if (r.verb == "XMORE")
      play_.lend(r, "first\r\n.", pop3::Chunk::more);
    else if (r.verb == "XNO")
      play_.refuse(r, {pop3::Code::sys_perm, r.argument, false, {}});
    else
      play_.proceed(r);
  }
  void decide(const pop3::Event& event, const pop3::BodyRequest& r) {
    if (r.number > 0) return usual_.answer(event);
    play_.send(r, r.offset < 20 ? "\r\n.\r" : "\n.", r.offset < 20 ? pop3::Chunk::more : pop3::Chunk::last);
  }
  template <class Request>
  void decide(const pop3::Event& event, const Request&) {
    usual_.answer(event);
  }

  static const mailwire::OwnScramKeys& keys(pop3::AuthMethod method) {
    const bool sha_1 = method == pop3::AuthMethod::scram_sha_1 || method == pop3::AuthMethod::scram_sha_1_plus;
    return scram_keys(sha_1 ? mailwire::ScramHash::sha_1 : mailwire::ScramHash::sha_256);
  }

 private:
  const tests::Dialogue& scene_;
  tests::Harness& play_;
  tests::Application usual_;
};

// ---- legal replies only ---------------------------------------------------------------------------------------------

inline bool is_text(std::string_view text, bool unicode) {
  for (const char c : text)
    if ((c < ' ' || c > '~') && !(unicode && static_cast<unsigned char>(c) >= 0x80)) return false;
  return mailwire::is_utf8(text);
}

// `unicode`: the client has said UTF8 or LANG.
inline bool is_status(std::string_view line, bool unicode = false) {
  const bool ok = line.substr(0, 3) == "+OK", error = line.substr(0, 4) == "-ERR";
  if (!ok && !error) return false;
  const std::string_view rest = line.substr(ok ? 3 : 4);
  if (line.size() > 510 || (!rest.empty() && rest[0] != ' ') || !is_text(rest, unicode)) return false;
  if (rest.substr(0, 2) != " [") return true;
  for (const char* code : {" [AUTH]", " [IN-USE]", " [LOGIN-DELAY]", " [SYS/TEMP]", " [SYS/PERM]", " [UTF8]"})
    if (error && rest.substr(0, std::string_view(code).size()) == code) return true;
  return false;
}

// "+" SP base64 (RFC 5034, 4)
inline bool is_challenge(std::string_view line) {
  if (line.substr(0, 2) != "+ ") return false;
  std::string octets(line.size(), '\0');
  return mailwire::base64_decode(line.substr(2), octets.data()).has_value();
}

// Whether +OK to this line of the client, as normalised() gives it, begins a multi-line answer. Written from the RFCs,
// not from the parser.
inline bool asks_for_many_lines(const std::string& line) {
  return line == "LIST" || line == "UIDL" || line == "CAPA" || line == "AUTH" || line == "LANG" ||
         line.substr(0, 5) == "RETR " || line.substr(0, 4) == "TOP ";
}

inline void check_lines(const std::string& command, std::string_view lines) {
  while (!lines.empty()) {
    const std::string_view line = take_line(lines);
    const bool is_list = command == "LIST" || command == "UIDL";
    if (command == "LANG" ? !is_text(line, true)
                          : (is_list || command == "CAPA" || command == "AUTH") && !is_text(line, false))
      fail("not a line of " + command + ": " + tests::visible(line));
    if ((is_list || command == "CAPA" || command == "LANG") && line.size() > 510) fail("a line is too long");
    if (is_list && (line.empty() || line[0] < '1' || line[0] > '9' || line.find(' ') == std::string_view::npos))
      fail("not a line of a listing: " + tests::visible(line));
  }
}

// What is known of how lines were answered: by the number of the line, whether the application gave a body.
using Replaced = std::map<std::uint64_t, bool>;

struct Replies {
  std::size_t count = 0;  // complete ones, the greeting and challenges too
  bool cut = false;       // the last one is not complete
};

// Reads all that the server said to these octets of the client.
inline Replies read_replies(std::string_view client, std::string_view server, bool lf = false,
                            const Replaced& replaced = {}) {
  Replies replies;
  bool challenged = false, unicode = false;
  while (!server.empty()) {
    if (server.find("\r\n") == std::string_view::npos) return replies.cut = true, replies;
    const std::string_view line = take_line(server);
    const std::string command = replies.count == 0 ? "" : normalised(take_line(client, lf));
    const bool in_exchange = challenged || command.substr(0, 5) == "AUTH ";
    const bool of_language = !challenged && (command == "LANG" || command.substr(0, 5) == "LANG ");
    const bool was_challenged = challenged;
    challenged = in_exchange && is_challenge(line);
    if (!challenged && !is_status(line, unicode || of_language)) fail("not a status line: " + tests::visible(line));
    const bool ok = line.substr(0, 3) == "+OK";
    const auto found = replaced.find(replies.count);
    if (ok && !was_challenged) {
      unicode = unicode || of_language || command == "UTF8";
      if (command == "STLS" && found == replaced.end()) unicode = false;
    }
    const bool many = found != replaced.end() ? found->second : !was_challenged && asks_for_many_lines(command);
    ++replies.count;
    if (!many || !ok) continue;
    const std::size_t dot = server.substr(0, 3) == ".\r\n" ? 0 : server.find("\r\n.\r\n");
    if (dot == std::string_view::npos) return replies.cut = true, --replies.count, replies;
    const bool empty = dot == 0 && server[0] == '.';
    if (found == replaced.end()) check_lines(command, server.substr(0, empty ? 0 : dot + 2));
    server.remove_prefix(empty ? 3 : dot + 5);
  }
  return replies;
}

// ---- nothing secret in a trace
// ----------------------------------------------------------------------------------------

// Whether everything in these octets that contains `secret` is in a place for secrets. What stands elsewhere may show.
inline bool is_kept_secret(std::string_view client, std::string_view secret, const std::vector<std::string>& events) {
  while (!client.empty()) {
    const std::string_view line = take_line(client, true);
    if (line.find(secret) == std::string_view::npos) continue;
    const std::string verb = normalised(line).substr(0, 5);
    if (verb != "PASS " && verb != "AUTH ") return false;
  }
  for (const std::string& event : events) {
    const std::size_t user = event.find(" user=\"");
    if (user != std::string::npos && event.find(secret, user) < event.find("\" ", user + 7)) return false;
  }
  return true;
}
inline void check_trace(std::string_view client, std::string_view trace, const std::vector<std::string>& events) {
  for (const char c : trace)
    if ((c < ' ' || c > '~') && c != '\n') fail("the trace is not printable");
  if (trace.find(canary) == std::string_view::npos) return;
  if (is_kept_secret(client, canary, events)) fail("a secret in the trace");
}

}  // namespace fuzz

#endif
