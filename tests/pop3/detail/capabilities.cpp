// SPDX-License-Identifier: MIT
#include <pop3/detail/capabilities.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "server.hpp"

namespace {

using tests::visible;

std::string capabilities(const pop3::Config& config, bool encrypted) {
  mailwire::ByteBuffer out;
  pop3::detail::CapabilityFacts facts;
  facts.encrypted = encrypted;
  pop3::detail::CapabilityList(out, config, facts).append();
  return std::string(out.view());
}

constexpr const char* fixed = "PIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n";

}  // namespace

TEST_CASE("R10 R95 R99 R104 R105 R107 R124 F-CAPA F-PE7: what works is told, and nothing else") {
  for (unsigned mask = 0; mask < 16; ++mask) {
    CAPTURE(mask);
    pop3::Config config;
    config.mechanisms.clear();
    config.top = mask & 1;
    config.uidl = mask & 2;
    config.login_needs_tls = mask & 4;
    const bool encrypted = mask & 8;
    const std::string wanted = std::string(config.top ? "TOP\r\n" : "") + (config.uidl ? "UIDL\r\n" : "") +
                               (encrypted || !config.login_needs_tls ? "USER\r\n" : "") + fixed + ".\r\n";
    CHECK(visible(capabilities(config, encrypted)) == visible(wanted));
    CHECK(pop3::detail::password_login_allowed(config, encrypted) == (wanted.find("USER") != std::string::npos));
  }
}

TEST_CASE("R96 R97 R125: lines of the application are told if they are lines of the grammar") {
  using pop3::detail::is_capability;
  for (const char* good :
       {"EXPIRE NEVER", "LOGIN-DELAY 10", "X", "x-a b c", "LANG", "A/B", "A .", "IMPLEMENTATION x"}) {
    CAPTURE(good);
    CHECK(is_capability(good));
  }
  for (const std::string& bad :
       {std::string(), std::string(" "), std::string(" A"), std::string("A "), std::string("A  B"), std::string("."),
        std::string("A.B"), std::string(".A x"), std::string("A\r\nB"), std::string("A\tB"), std::string("A\x7F"),
        std::string("\xC3\xA4"), std::string("A\0", 2), std::string(511, 'A')}) {
    CAPTURE(visible(bad));
    CHECK_FALSE(is_capability(bad));
  }
  CHECK(is_capability(std::string(510, 'A')));

  pop3::Config config;
  config.mechanisms.clear();
  config.top = config.uidl = false;
  config.capabilities = {"EXPIRE NEVER", "BAD\r\n.\r\n+OK", "", ".", "X-LANG"};
  CHECK(visible(capabilities(config, false)) == visible(std::string(fixed) + "EXPIRE NEVER\r\nX-LANG\r\n.\r\n"));
}

TEST_CASE("R96 R125: IMPLEMENTATION is told if it is a line of the grammar") {
  pop3::Config config;
  config.mechanisms.clear();
  config.top = config.uidl = false;
  config.implementation = std::string(510 - 15, 'x');
  CHECK(capabilities(config, false) == std::string(fixed) + "IMPLEMENTATION " + config.implementation + "\r\n.\r\n");
  for (const std::string& bad : {std::string(496, 'x'), std::string("a\r\nb"), std::string("a  b"), std::string("a "),
                                 std::string("\xC3\xA4")}) {
    CAPTURE(visible(bad));
    config.implementation = bad;
    CHECK(capabilities(config, false) == std::string(fixed) + ".\r\n");
  }
}

TEST_CASE("R104 R124: the application cannot announce what the session knows better") {
  pop3::Config config;
  config.mechanisms.clear();
  config.top = config.uidl = false;
  config.capabilities = {"TOP", "uidl", "USER", "SASL PLAIN", "STLS", "IMPLEMENTATION x", "PIPELINING", "UTF8", "X-OK"};
  CHECK(capabilities(config, false) == std::string(fixed) + "X-OK\r\n.\r\n");
}

// ---- every combination --------------------------------------------------------------------------------------------

namespace {

using pop3::detail::CapabilityFacts;
using tests::is_error;
using tests::is_ok;
using tests::Server;

// What CAPA depends on, as digits of a number: first what has to do with security, then the rest.
struct Combination {
  bool logged_in, encrypted, needs_tls, offer_stls;
  unsigned mechanisms;  // of mechanism_sets
  bool nonce, identity, binding;
  pop3::Utf8 utf8;
  bool said_utf8;

  bool languages;
  unsigned policy;
  bool top, uidl;
  unsigned lines;
};
constexpr unsigned security_count = 2 * 2 * 2 * 2 * 4 * 8 * 5;
constexpr unsigned rest_count = 2 * 5 * 4 * 5;

unsigned digit(unsigned& number, unsigned base) {
  const unsigned found = number % base;
  number /= base;
  return found;
}
bool bit(unsigned& number) { return digit(number, 2) == 1; }

Combination combination(unsigned security, unsigned rest) {
  Combination c{};
  c.logged_in = bit(security);
  c.encrypted = bit(security);
  c.needs_tls = bit(security);
  c.offer_stls = bit(security);
  c.mechanisms = digit(security, 4);
  c.nonce = bit(security);
  c.identity = bit(security);
  c.binding = bit(security);
  const unsigned utf8 = digit(security, 5);
  c.utf8 = utf8 == 0 ? pop3::Utf8::off : utf8 < 3 ? pop3::Utf8::on : pop3::Utf8::user;
  c.said_utf8 = utf8 == 2 || utf8 == 4;
  c.languages = bit(rest);
  c.policy = digit(rest, 5);
  c.top = !bit(rest);
  c.uidl = !bit(rest);
  c.lines = digit(rest, 5);
  return c;
}

// The last mechanism has a name that AUTH could not take (RFC 4422, 3.1).
const std::vector<std::vector<pop3::Mechanism>>& mechanism_sets() {
  static const std::vector<std::vector<pop3::Mechanism>> sets = {
      {},
      {"PLAIN", "LOGIN"},
      {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "CRAM-MD5", "EXTERNAL", "OAUTHBEARER",
       "XOAUTH2", "PLAIN", "LOGIN", "ANONYMOUS"},
      {"X-OWN", {"X-TLS", true}, {"X-FIRST", false, true}, {"CRAM-MD5", true}, "BAD.NAME"},
  };
  return sets;
}

// The same for a Config, facts, lines of the session and what a user has.
struct Setting {
  pop3::Config config;
  CapabilityFacts facts;
  std::vector<std::string> announced, concealed;
  pop3::Account account;

  Setting() = default;
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

  void set(const Combination& c) {
    config.login_needs_tls = c.needs_tls;
    config.offer_stls = c.offer_stls;
    config.mechanisms = mechanism_sets()[c.mechanisms];
    config.utf8 = c.utf8;
    config.languages.resize(c.languages ? 1 : 0);
    if (c.languages) config.languages[0].tag = "en";
    config.top = c.top;
    config.uidl = c.uidl;
    facts = {};
    facts.logged_in = c.logged_in;
    facts.encrypted = c.encrypted;
    facts.utf8 = c.said_utf8;
    facts.has_nonce = c.nonce;
    facts.has_identity = c.identity;
    facts.has_binding = c.binding;
    set_policy(c.policy);
    set_lines(c.lines);
    if (facts.logged_in) {
      facts.expire = account.expire ? account.expire : config.expire;
      facts.login_delay = account.login_delay ? account.login_delay : config.login_delay;
    }
    facts.announced = &announced;
    facts.concealed = &concealed;
  }

 private:
  void set_policy(unsigned policy) {
    config.expire_per_user = config.login_delay_per_user = policy >= 3;
    config.expire = config.login_delay = account.expire = account.login_delay = std::nullopt;
    if (policy == 0) return;
    config.expire = policy == 2 ? pop3::expire_never : 7;
    config.login_delay = 900;
    if (policy < 4) return;
    account.expire = pop3::expire_never;
    account.login_delay = 60;
  }
  void set_lines(unsigned lines) {
    config.capabilities.clear();
    config.hidden_capabilities.clear();
    announced.clear();
    concealed.clear();
    if (lines == 1) config.capabilities = {"X-A 1", {"X-B", true, false}, {"X-C", false, true}, "EXPIRE 30", "TOP x"};
    if (lines == 2) config.capabilities = {"X-A 1"}, announced = {"x-a 2", "EXPIRE 1 USER", "X-D"};
    if (lines == 3) concealed = {"user", "SASL", "X-A"}, announced = {"X-A 3"};
    if (lines == 4) config.hidden_capabilities = {"sasl", "Uidl", "LOGIN-DELAY", "LANG", "STLS"};
  }
};

std::string capabilities(const Setting& setting) {
  mailwire::ByteBuffer out;
  pop3::detail::CapabilityList(out, setting.config, setting.facts).append();
  return std::string(out.view());
}

// FNV-1a: no more than a short name for much text.
class Digest {
 public:
  void add(std::string_view text) {
    for (const char c : text) value_ = (value_ ^ static_cast<unsigned char>(c)) * 1099511628211U;
  }
  std::string hex() const {
    std::string text;
    for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[value_ >> shift & 15];
    return text;
  }

 private:
  std::uint64_t value_ = 14695981039346656037U;
};

// A line for each list that comes: how many combinations give it, a digest of which these are, and the list.
class Lists {
 public:
  void add(const std::string& which, const std::string& list) {
    auto& entry = entries_[list];
    if (entry.count++ == 0) order_.push_back(list);
    entry.which.add(which + ' ');
  }
  std::string text() const {
    std::string all;
    for (const std::string& list : order_) {
      const Entry& entry = entries_.at(list);
      std::string line = list.substr(0, list.size() - 5);  // without the end
      for (std::size_t at = 0; (at = line.find("\r\n", at)) != line.npos;) line.replace(at, 2, ", ");
      all += std::to_string(entry.count) + ' ' + entry.which.hex() + ' ' + line + '\n';
    }
    return all;
  }

 private:
  struct Entry {
    unsigned count = 0;
    Digest which;
  };
  std::map<std::string, Entry> entries_;
  std::vector<std::string> order_;
};

// A pair of combinations of both kinds, for each number: every one of the first, with the second in turn.
unsigned rest_beside(unsigned number) { return (number % security_count * 13 + number / security_count) % rest_count; }

std::string golden_text() {
  Setting setting;
  std::string all =
      "# What CAPA says, for all combinations of what it depends on (tests/pop3/detail/capabilities.cpp): how many "
      "give\n"
      "# a list, a digest of which, the list. Written anew with MAILWIRE_WRITE_GOLDEN=1 in the environment of the "
      "tests.\n"
      "# login, TLS, login_needs_tls, offer_stls, mechanisms, nonce, identity, binding, UTF8\n";
  Lists by_security, by_rest;
  for (unsigned i = 0; i < security_count; ++i) {
    setting.set(combination(i, 0));
    by_security.add(std::to_string(i), capabilities(setting));
  }
  all += by_security.text();
  all +=
      "# before and after login: languages, policy, TOP, UIDL, lines of the application, of the session, concealed\n";
  for (unsigned i = 0; i < 2 * rest_count; ++i) {
    Combination c = combination(0, i / 2);
    c.logged_in = i % 2 == 1;
    c.encrypted = true;
    c.mechanisms = 1;
    setting.set(c);
    by_rest.add(std::to_string(i), capabilities(setting));
  }
  all += by_rest.text();
  Digest digest;
  unsigned count = 0;
  for (; count < 8 * security_count; ++count) {
    setting.set(combination(count % security_count, rest_beside(count)));
    digest.add(capabilities(setting));
  }
  return all + "# both kinds together: how many lists, a digest of all\n" + std::to_string(count) + ' ' + digest.hex() +
         '\n';
}

// The first line in which two texts differ.
std::string difference(const std::string& wanted, const std::string& got) {
  std::istringstream a(wanted), b(got);
  std::string line_a, line_b;
  for (int number = 1;; ++number) {
    const bool more_a = static_cast<bool>(std::getline(a, line_a)), more_b = static_cast<bool>(std::getline(b, line_b));
    if (!more_a && !more_b) return "";
    if (more_a != more_b || line_a != line_b)
      return "line " + std::to_string(number) + ": \"" + (more_b ? line_b : "") + "\", not \"" +
             (more_a ? line_a : "") + '"';
  }
}

}  // namespace

TEST_CASE(
    "R10 R98 R104-R108 R110-R112 R118 R121-R125 R135-R137 R145 R160 R174 R175 R202 R204 R223: what CAPA says, for all "
    "combinations, as it is written down in capabilities.golden") {
  const std::string path = std::string(TESTS_FOLDER) + "/capabilities.golden";
  const std::string got = golden_text();
  if (std::getenv("MAILWIRE_WRITE_GOLDEN") != nullptr) std::ofstream(path, std::ios::binary) << got;
  std::ifstream file(path, std::ios::binary);
  const std::string wanted((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  CHECK(wanted.size() > 1000);
  CHECK(difference(wanted, got) == "");
}

// ---- what is announced works, what works is announced ---------------------------------------------------------------

namespace {

// A session for a combination, with an application behind it and a client that tries everything.
class Trial {
 public:
  Trial(const Setting& setting, bool encrypted)
      : server_(config_of(setting), connection(setting, encrypted)), setting_(setting) {
    server_.tls = tls_;
    for (const std::string& line : setting.announced) {
      const bool set = (line.find("EXPIRE ") == 0 && setting.config.expire) ||
                       (line.find("LOGIN-DELAY ") == 0 && setting.config.login_delay);
      fault(server_.session.announce(line) != set, "a line is announced beside what the session knows, or not at all");
    }
    for (const std::string& tag : setting.concealed) server_.session.conceal(tag);
    server_.say("");
    if (setting.facts.utf8) fault(is_ok(server_.command("UTF8")), "UTF8 does not work");
  }

  std::string faults;

  Server& server() { return server_; }
  // The lines of CAPA now, and whether they are those that are announced for these facts.
  std::string capa(const CapabilityFacts& facts) {
    const std::string reply = server_.command("CAPA");
    fault(is_ok(reply), "-ERR to CAPA");
    mailwire::ByteBuffer wanted;
    pop3::detail::CapabilityList(wanted, setting_.config, facts).append();
    lines_ = reply.substr(reply.find('\n') + 1);
    fault(lines_ == wanted.view(), "CAPA is not as expected: " + visible(lines_));
    return lines_;
  }
  void before_login() {
    both_ways("LANG", server_.command("LANG"));
    both_ways("USER", server_.command("USER ann"));
    const bool name = is_ok(server_.command("USER \xC3\xA4nn"));
    fault(name == (setting_.config.utf8 == pop3::Utf8::user && is_ok(server_.command("USER ann"))), "UTF-8 in USER");
    fault(name == announced("UTF8 USER") || hidden("USER") || !announced("USER"), "UTF8 USER");
    for (const auto& set : mechanism_sets())
      for (const pop3::Mechanism& mechanism : set) {
        const bool works = begins_exchange(mechanism.name);
        const bool told = (sasl_line() + ' ').find(' ' + mechanism.name + ' ') != std::string::npos;
        fault(works == told || (works && hidden("SASL")), "AUTH " + mechanism.name);
      }
    for (const char* line : {"TOP 1 0", "UIDL", "STAT", "NOOP"}) fault(is_error(server_.command(line)), line);
    both_ways("UTF8", server_.command("UTF8"));
  }
  // STLS, and what is announced and works behind it.
  void stls() {
    const std::string reply = server_.command("STLS");
    both_ways("STLS", reply);
    fault(server_.session.encrypted() == (is_ok(reply) || setting_.facts.encrypted), "STLS says what is not so");
    if (!is_ok(reply)) return;
    CapabilityFacts facts = setting_.facts;
    facts.encrypted = true;
    capa(facts);
    fault(lines_.find("STLS") == lines_.npos, "STLS twice");
    fault(announced("USER") || hidden("USER"), "TLS, but no USER");
    before_login();
  }
  // By APOP, which needs nothing that these combinations are about.
  void log_in() {
    const auto digest = server_.ask<pop3::DigestRequest>("APOP ann " + std::string(32, '0') + "\r\n");
    server_.harness.accept(digest);
    static constexpr pop3::MessageInfo messages[] = {{3, "uid"}};
    const auto list = server_.next<pop3::ListRequest>();
    fault(server_.harness.accept(list, messages, setting_.account) == pop3::Outcome::applied, "no login");
    server_.say("");
  }
  void after_login() {
    both_ways("TOP", server_.command("TOP 1 0"));
    both_ways("UIDL", server_.command("UIDL"));
    both_ways("LANG", server_.command("LANG"));
    for (const char* line : {"USER ann", "AUTH PLAIN", "AUTH X-OWN", "STLS", "UTF8"})
      fault(is_error(server_.command(line)), std::string(line) + " works after login");
    fault(lines_.find("STLS") == lines_.npos, "STLS is announced after login");
  }

 private:
  static pop3::Config config_of(const Setting& setting) {
    pop3::Config config = setting.config;
    config.limits.failed_login_delay = pop3::Duration::zero();
    config.limits.failed_logins = config.limits.bad_commands = 0;
    return config;
  }
  pop3::Connection connection(const Setting& setting, bool encrypted) {
    pop3::Connection connection = tests::with_apop();
    if (setting.facts.has_nonce) connection.nonce = "0123456789abcdef";
    connection.encrypted = encrypted;
    if (setting.facts.has_identity) tls_.identity = "ann";
    if (setting.facts.has_binding) tls_.exporter = "octets";
    connection.tls = tls_;
    return connection;
  }
  void fault(bool fact, const std::string& otherwise) {
    if (!fact) faults += otherwise + '\n';
  }
  bool announced(std::string_view tag) const {
    const std::string all = "\r\n" + lines_;
    return all.find("\r\n" + std::string(tag) + "\r\n") != all.npos ||
           all.find("\r\n" + std::string(tag) + ' ') != all.npos;
  }
  bool hidden(std::string_view tag) const {
    return pop3::detail::contains_tag(setting_.concealed, tag) ||
           pop3::detail::contains_tag(setting_.config.hidden_capabilities, tag);
  }
  // What is announced works; what works is announced, unless the application hides it.
  void both_ways(std::string_view tag, const std::string& reply) {
    const bool works = is_ok(reply);
    fault(works == announced(tag) || (works && hidden(tag)), std::string(tag) + (works ? " works" : " does not work"));
  }
  std::string sasl_line() const {
    const std::string all = "\r\n" + lines_;
    const std::size_t at = all.find("\r\nSASL ");
    return at == all.npos ? "" : all.substr(at + 2, all.find("\r\n", at + 2) - at - 2);
  }
  // AUTH leads to a challenge, or to a question that the application answers with a refusal.
  bool begins_exchange(const std::string& mechanism) {
    const std::string reply = server_.command("AUTH " + mechanism);
    const bool challenge = reply.substr(0, 2) == "+ ";
    if (challenge) fault(is_error(server_.command("*")), "no end of AUTH");
    return challenge || reply.find("-ERR [AUTH]") == 0;
  }

  pop3::TlsFacts tls_;
  Server server_;
  const Setting& setting_;
  std::string lines_;
};

}  // namespace

TEST_CASE(
    "R98 R104-R106 R124 R136 R137 R139 R140 R145 R160 R174-R177 R202 R204 R215 R223 R239 R256 F-CAPA F-PE7: what is "
    "announced works and what works is announced, before and after login, in the clear, with TLS and behind STLS") {
  Setting setting;
  std::string wrong;
  for (unsigned i = 0; i < security_count && wrong.size() < 1000; ++i) {
    const Combination c = combination(i, rest_beside(i));
    setting.set(c);
    Trial trial(setting, c.encrypted);
    if (c.logged_in) trial.log_in();
    trial.capa(setting.facts);
    if (c.logged_in)
      trial.after_login();
    else
      trial.before_login();
    if (!c.logged_in) {
      Trial other(setting, c.encrypted);
      other.capa(setting.facts);
      other.stls();
      trial.faults += other.faults + other.server().faults();
    }
    trial.faults += trial.server().faults();
    if (!trial.faults.empty()) wrong += std::to_string(i) + ": " + trial.faults;
  }
  CHECK(wrong == "");
}

TEST_CASE("R98 R125 R175: what is announced before login still is after it, but for STLS and what is said otherwise") {
  Setting setting;
  std::string wrong;
  for (unsigned i = 0; i < security_count; i += 2) {
    for (const unsigned rest : {0U, rest_beside(i)}) {
      Combination c = combination(i, rest);
      setting.set(c);
      const std::string before = capabilities(setting);
      c.logged_in = true;
      setting.set(c);
      const std::string after = "\r\n" + capabilities(setting);
      std::istringstream lines(before);
      for (std::string line; std::getline(lines, line);) {
        const std::string tag = line.substr(0, line.find_first_of(" \r"));
        const bool may_go = tag == "STLS" || tag == "X-B";
        const bool may_change = tag == "EXPIRE" || tag == "LOGIN-DELAY";
        const bool stays = after.find("\r\n" + (may_change ? tag + ' ' : line + '\n')) != after.npos;
        if (!stays && !may_go) wrong += std::to_string(i) + ": " + line + '\n';
      }
    }
  }
  CHECK(wrong == "");
}

TEST_CASE("R109 R118 R119 R123: LOGIN-DELAY and EXPIRE hold what they announce to the user") {
  using std::chrono::seconds;
  for (const unsigned policy : {0U, 1U, 2U, 3U, 4U}) {
    CAPTURE(policy);
    Setting setting;
    Combination c = combination(0, 0);
    c.policy = policy;
    setting.set(c);
    Server server(setting.config, tests::with_apop());
    const auto try_login = [&](pop3::TimePoint last) {
      server.harness.accept(server.ask<pop3::DigestRequest>("APOP ann " + std::string(32, '0') + "\r\n"));
      pop3::Account account = setting.account;
      account.last_login = last;
      static constexpr pop3::MessageInfo messages[] = {{3, "uid"}};
      const auto outcome = server.harness.accept(server.next<pop3::ListRequest>(), messages, account);
      server.say("");
      return outcome;
    };
    const int delay = policy == 0 ? 0 : policy == 4 ? 60 : 900;
    if (delay > 0) {
      CHECK(try_login(server.harness.now - seconds(delay - 1)) == pop3::Outcome::invalid);
      CHECK(try_login(pop3::TimePoint::max()) == pop3::Outcome::invalid);
      CHECK(server.saw("LoginFailed fault=login_delay user=\"ann\""));
      CHECK(server.harness.output.find("\r\n-ERR [LOGIN-DELAY] ") != std::string::npos);
    }
    // Long ago may be before the clock's own beginning.
    CHECK(try_login(policy == 1 ? pop3::TimePoint::min() : server.harness.now - seconds(delay)) ==
          pop3::Outcome::applied);
    const std::string capa = server.command("CAPA");
    const bool told = capa.find("\r\nLOGIN-DELAY " + std::to_string(delay) + "\r\n") != std::string::npos;
    CHECK(told == (delay > 0));
    const bool never = capa.find("\r\nEXPIRE NEVER\r\n") != std::string::npos;
    CHECK(never == (policy == 2 || policy == 4));
    CHECK((capa.find("\r\nEXPIRE 7\r\n") != std::string::npos) == (policy == 1 || policy == 3));
    CHECK(server.faults() == "");
  }
}

TEST_CASE("R95: a SASL line is no longer than any other: mechanisms that do not fit are left out") {
  pop3::Config config;
  config.mechanisms.clear();
  for (char c = 'A'; c <= 'Z'; ++c) config.mechanisms.emplace_back(std::string(20, c));
  const std::string text = capabilities(config, true);
  const std::size_t start = text.find("SASL ");
  REQUIRE(start != std::string::npos);
  const std::string line = text.substr(start, text.find("\r\n", start) - start);
  CHECK(line.size() == 4 + 24 * 21);  // 508: another one would make it longer than 510
  CHECK(line.substr(line.size() - 20) == std::string(20, 'X'));
}

TEST_CASE("R95: a SASL line may have 512 octets with its CRLF, and one mechanism too many does not cost the others") {
  for (const std::size_t last : {1U, 2U, 3U, 4U}) {
    CAPTURE(last);
    pop3::Config config;
    config.mechanisms.clear();
    std::string line = "SASL";
    for (char c = 'A'; c < 'A' + 24; ++c) {  // of 21 octets each, with their spaces
      config.mechanisms.emplace_back(std::string(20, c));
      line += ' ' + std::string(20, c);
    }
    config.mechanisms.emplace_back(std::string(last, 'Z'));
    if (last == 1) line += " Z";
    CHECK(capabilities(config, true).find("\r\n" + line + "\r\n") != std::string::npos);
  }
}

TEST_CASE("R118 R123: whose value is told: before login that of all, after it the user's own, if there is one") {
  for (const bool logged_in : {false, true}) {
    for (const bool own : {false, true}) {
      CAPTURE(logged_in);
      CAPTURE(own);
      pop3::Config config;
      config.expire = 5;
      pop3::detail::CapabilityFacts facts;
      facts.logged_in = logged_in;
      if (own) facts.expire = 7;
      mailwire::ByteBuffer out;
      pop3::detail::CapabilityList(out, config, facts).append();
      const std::string wanted = logged_in && own ? "\r\nEXPIRE 7\r\n" : "\r\nEXPIRE 5\r\n";
      CHECK(std::string(out.view()).find(wanted) != std::string::npos);
    }
  }
}

TEST_CASE("without the facts that they need mechanisms are not offered: nothing is known that was not said") {
  pop3::Config config;
  config.login_needs_tls = false;
  config.offer_stls = true;
  config.mechanisms = {"CRAM-MD5", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "EXTERNAL"};
  const pop3::detail::CapabilityFacts facts;
  for (const pop3::Mechanism& mechanism : config.mechanisms)
    CHECK_FALSE(pop3::detail::is_offered(mechanism, config, facts));
  CHECK(pop3::detail::stls_allowed(config, facts));
  pop3::detail::CapabilityFacts encrypted;
  encrypted.encrypted = true;
  for (const pop3::Mechanism& mechanism : config.mechanisms)
    CHECK_FALSE(pop3::detail::is_offered(mechanism, config, encrypted));
  encrypted.has_nonce = true;  // which is not enough for -PLUS
  CHECK_FALSE(pop3::detail::is_offered(config.mechanisms[2], config, encrypted));
}
