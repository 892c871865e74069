// SPDX-License-Identifier: MIT
// What an application sets once, for all its sessions.
#ifndef POP3_CONFIG_HPP
#define POP3_CONFIG_HPP

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "texts.hpp"
#include "types.hpp"

namespace pop3 {
inline namespace v1 {

// Octets, counts, durations. 0 switches off a duration, and a count that ends the session.
struct Limits {
  std::size_t command_line = 512;             // octets with CRLF; at least 255 are taken (RFC 2449, 4)
  std::size_t sasl_line = 12'288;             // the same for AUTH and what follows it (RFC 5034, 4)
  std::size_t endless_line = 65'536;          // a line longer than this ends the session; 0 = it is skipped for ever
  std::size_t input_buffer = 1024;            // octets held while an answer is awaited; at least a command line
  std::size_t output_high = 4096;             // octets of unsent replies above which no further command is taken
  std::size_t messages = 1'000'000;           // longer listings are refused
  std::size_t trace = 65'536;                 // octets that wait for take_trace(); what comes then is left out
  unsigned bad_commands = 20;                 // in a row
  unsigned failed_logins = 3;                 // in a session; wrong credentials only
  unsigned login_attempts = 30;               // PASS, APOP and AUTH in a session, whatever becomes of them
  Duration idle = std::chrono::minutes(10);   // without a command; RFC 1939, 3: at least 10 minutes
  bool idle_below_rfc = false;                // false: a shorter `idle` counts as 10 minutes
  Duration login = std::chrono::minutes(10);  // from the first poll() until a maildrop is open
  Duration handshake = std::chrono::seconds(30);   // for a TlsRequest
  Duration write_stall = std::chrono::minutes(5);  // without an octet taken by the peer
  // For the application to answer a request; `idle` stands still meanwhile. While it is off, a request that is never
  // answered keeps its session for ever (but for `login`).
  Duration answer = Duration::zero();
  // How long the -ERR to wrong credentials is held back, counted from the request: a check that takes its time does
  // not show, and nothing sleeps. The driver has to honour deadline().
  Duration failed_login_delay = std::chrono::seconds(2);
};

// A SASL mechanism that AUTH offers. Those of AuthMethod need their name alone: they are offered whenever they can
// work (PLAIN, LOGIN, OAUTHBEARER and XOAUTH2 as USER is; CRAM-MD5 and SCRAM with Connection::nonce; -PLUS with a
// channel binding; EXTERNAL with TlsFacts::identity). Any other becomes SaslRequests.
struct Mechanism {
  Mechanism(std::string mechanism, bool only_with_tls = false, bool the_server_begins = false)  // NOLINT: "PLAIN"
      : name(std::move(mechanism)), needs_tls(only_with_tls), server_first(the_server_begins) {}
  Mechanism(const char* mechanism) : name(mechanism) {}  // NOLINT(google-explicit-constructor)

  std::string name;  // RFC 4422, 3.1: 1 to 20 of A-Z 0-9 - _
  bool needs_tls = false;
  bool server_first = false;  // of the application's own: the server sends the first challenge
};

// A CAPA line of the application's own, as "X-TRICKS 3".
struct Capability {
  Capability(std::string text, bool announced_before_login = true, bool announced_after_login = true)  // NOLINT
      : line(std::move(text)), before_login(announced_before_login), after_login(announced_after_login) {}
  Capability(const char* text) : line(text) {}  // NOLINT(google-explicit-constructor)

  std::string line;
  bool before_login = true, after_login = true;
};

// A verb that becomes a CommandRequest: one of the application's own, or one that the session knows, to observe,
// refuse or replace it. Built-in verbs keep their own syntax and states: nobody is asked about those that break them.
// The other members are for new ones.
// "*" stands for all that are not listed, unknown ones too.
struct CommandSpec {
  std::string verb;  // 3 to 12 letters, digits or "-"; case does not matter
  bool in_authorization = false, in_transaction = true;
  unsigned least_words = 0, most_words = 0;  // arguments, one space apart
};

// Rules that are relaxed. What was broken is counted in Counters::broken, relaxed or not.
struct Tolerance {
  bool bare_lf = false;        // for people who type; never about bodies
  bool spaces = false;         // several spaces or tabs count as one, those at the end as none; not in passwords
  bool leading_zeros = false;  // "RETR 007"
  bool eight_bit = false;      // names and passwords in whatever charset
  bool auth_list = false;      // "AUTH" alone lists the mechanisms, as Outlook expects
};

enum class Utf8 : std::uint8_t {
  off,
  on,    // the command UTF8 (RFC 6856)
  user,  // and UTF-8 in USER, PASS and APOP
};

enum class EqualUids : std::uint8_t {
  allow,   // they are the application's affair
  refuse,  // accept(ListRequest) gives `invalid`
  rename,  // the second and later ones get "-2", "-3", ... behind them, in the order of the listing
};

struct Config {
  std::string greeting = "POP3 server ready";  // printable ASCII; "<" and ">" are not sent: they would announce APOP
  // Shown by CAPA (RFC 2449, 6.9): words of printable ASCII, one space between two. Empty = not shown.
  std::string implementation = {};
  // Further CAPA lines. One that breaks the grammar of RFC 2449, 3, is longer than 510 octets, or speaks of what the
  // session announces by itself, is not sent. Tags that no RFC registers begin with "X" (RFC 2449, 9).
  std::vector<Capability> capabilities = {};
  std::vector<std::string> hidden_capabilities = {};  // tags that CAPA leaves out, whatever works
  std::vector<CommandSpec> commands = {};

  bool login_needs_tls = true;  // no password or token is taken, and no way to send one announced, in the clear
  bool offer_stls = false;      // RFC 2595, 4: the driver can do TLS
  // In the order of preference. Without a name here there is no AUTH.
  std::vector<Mechanism> mechanisms = {"PLAIN"};
  // What SCRAM tells of users that do not exist is derived from this: random, secret, and the same for all servers
  // that one could ask. Empty: who knows this library can tell such users from others.
  std::string scram_decoy_secret = {};
  unsigned scram_decoy_iterations = 4096;  // as many as real users have
  // Told to a client whose token was refused (RFC 7628, 3.2.2); empty = left out.
  std::string oauth_scope = {}, oauth_configuration = {};

  bool top = true, uidl = true;  // offer these commands; `uidl` needs a unique-id for every message
  EqualUids equal_uids = EqualUids::allow;
  Utf8 utf8 = Utf8::off;
  std::vector<Language> languages = {};  // LANG; the first is what "LANG *" selects. Empty = no LANG
  Texts texts = {};                      // what is said before LANG; printable ASCII

  // RFC 2449, 6.7 and 6.5: days and seconds as announced before login, where *_per_user says that Account may have
  // others: then it is the smallest number of days, and the largest of seconds.
  std::optional<std::uint32_t> expire = {}, login_delay = {};
  bool expire_per_user = false, login_delay_per_user = false;

  BodyLines body_lines = BodyLines::repair;
  Tolerance tolerate = {};
  bool trace = false;  // keep what take_trace() gives
  Limits limits = {};
};

// What differs from connection to connection and is known before the first octet is sent. Copied.
struct Connection {
  SessionId id = 0;        // upper half of all tokens: unlike ids catch an answer to the wrong session
  bool encrypted = false;  // TLS was there first, as on port 995
  TlsFacts tls = {};       // of that
  // "<unique@host>", of RFC 5322 msg-id form and new for every connection (RFC 1939, 7). Empty, or not of that form: no
  // APOP.
  std::string_view apop_challenge = {};
  // Octets that nobody can guess, at least 16, new for every connection: the challenges of CRAM-MD5 and SCRAM are
  // derived from them. Empty: these are not offered.
  std::string_view nonce = {};
  std::string_view hostname = {};  // in the challenges of CRAM-MD5: "<...@hostname>"; empty = "localhost"
};

}  // namespace v1
}  // namespace pop3

#endif
