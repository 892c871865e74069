// SPDX-License-Identifier: MIT
// What an application sets once, for all its sessions.
#ifndef POP3_CONFIG_HPP
#define POP3_CONFIG_HPP

#include <string>
#include <vector>

#include "types.hpp"

namespace pop3 {
inline namespace v1 {

// Octets, counts, durations. 0 switches off a duration, and a count that ends the session.
struct Limits {
  std::size_t command_line = 512;            // octets with CRLF; at least 255 are taken (RFC 2449, 4)
  std::size_t endless_line = 65'536;         // a line longer than this ends the session; 0 = it is skipped for ever
  std::size_t input_buffer = 1024;           // octets held while an answer is awaited; at least a command line
  std::size_t output_high = 4096;            // octets of unsent replies above which no further command is taken
  std::size_t messages = 1'000'000;          // longer listings are refused
  unsigned bad_commands = 20;                // in a row
  unsigned failed_logins = 3;                // in a session; wrong credentials only
  Duration idle = std::chrono::minutes(10);  // without a command; RFC 1939, 3: at least 10 minutes
  bool idle_below_rfc = false;               // false: a shorter `idle` counts as 10 minutes
  Duration write_stall = std::chrono::minutes(5);  // without an octet taken by the peer
  // For the application to answer a request; `idle` stands still meanwhile. While it is off, a request that is never
  // answered keeps its session for ever.
  Duration answer = Duration::zero();
  // How long the -ERR to a refused AuthRequest or ApopRequest is held back, counted from the request: a check that
  // takes its time does not show, and nothing sleeps. The driver has to honour deadline().
  Duration failed_login_delay = std::chrono::seconds(2);
};

struct Config {
  std::string greeting = "POP3 server ready";  // printable ASCII; "<" and ">" are not sent: they would announce APOP
  // Shown by CAPA (RFC 2449, 6.9): words of printable ASCII, one space between two. Empty = not shown.
  std::string implementation = {};
  // Further CAPA lines, as "EXPIRE NEVER". One that breaks the grammar of RFC 2449, 3, is longer than 510 octets, or
  // speaks of what the session announces by itself, is not sent.
  std::vector<std::string> capabilities = {};
  bool login_needs_tls = true;   // USER and PASS are refused, and not announced, on a connection in the clear
  bool top = true, uidl = true;  // offer these commands; `uidl` needs a unique-id for every message
  BodyLines body_lines = BodyLines::repair;
  bool bare_lf_ends_command = false;  // for people who type; never about bodies
  Limits limits = {};
};

// What differs from connection to connection and is known before the first octet is sent.
struct Connection {
  SessionId id = 0;        // upper half of all tokens: unlike ids catch an answer to the wrong session
  bool encrypted = false;  // TLS was there first, as on port 995
  // "<unique@host>", of RFC 5322 msg-id form and new for every connection (RFC 1939, 7). Copied. Empty, or not of
  // that form: no APOP.
  std::string_view apop_challenge = {};
};

}  // namespace v1
}  // namespace pop3

#endif
