// SPDX-License-Identifier: MIT
// What a session asks its application, and what it tells it.
//
// A request is answered once, by the function of Session named beside it, at once or later. Its views live until then
// and point into memory of the session (never into its input). After Closed they may still be read, but are wiped.
// What goes to another thread has to be copied, and a copied password wiped after use (mailwire::wipe): a time-out may
// end the question while that thread still reads.
#ifndef POP3_EVENTS_HPP
#define POP3_EVENTS_HPP

#include <optional>
#include <variant>

#include "types.hpp"

namespace pop3 {
inline namespace v1 {

// ---- requests ---------------------------------------------------------------------------------------------------

// Does this password belong to this user?                                                 accept | refuse
struct AuthRequest {
  Token<AuthRequest> token;
  std::string_view user;  // printable ASCII without spaces
  Secret password;        // printable ASCII, spaces kept; wiped when answered
  AuthMethod method;
  bool encrypted;
};

// Is `digest` the MD5 of the challenge followed by the user's shared secret? pop3/digest.hpp can tell.  accept | refuse
struct ApopRequest {
  Token<ApopRequest> token;
  std::string_view user;
  std::string_view digest;     // 32 lower-case hexadecimal digits
  std::string_view challenge;  // with its angle brackets
};

// Lock this user's maildrop and list it. The user was accepted just before.               accept | refuse
struct ListRequest {
  Token<ListRequest> token;
  std::string_view user;
};

// RETR or TOP.                                          accept (chunks follow) | send_body | lend_body | refuse
struct RetrieveRequest {
  Token<RetrieveRequest> token;
  std::uint32_t number;                    // 1-based: the listing's data[number - 1]
  std::string_view uid;                    // as listed
  std::uint64_t size;                      // octets, as listed
  std::optional<std::uint64_t> top_lines;  // TOP: lines of the body wanted. The session cuts; whole chunks are fine.
};

// The next octets of a body, from `offset` on.                                  send_body | lend_body | abort_body
struct BodyRequest {
  Token<BodyRequest> token;
  std::uint32_t number;
  std::uint64_t offset;  // octets given so far: pread() needs nothing else
};

// QUIT: remove these messages, then unlock the maildrop. Always asked, also with no number.  accept | refuse
// From here on the maildrop is the application's own affair: Closed will say `release = false`.
struct CommitRequest {
  Token<CommitRequest> token;
  Numbers numbers;
};

// ---- notices ----------------------------------------------------------------------------------------------------

// A RETR or TOP is over, and the chunk lent last is the application's again. `complete`: all of it was handed to the
// output with its end; it can still be lost on its way.
struct BodyDone {
  std::uint32_t number;
  bool complete;
  std::uint64_t octets;  // of the message, as LIST counts them: after a whole RETR it should be what was listed
};

// Once, and the last event. All output is consumed or given up.
struct Closed {
  CloseReason reason;
  bool release;  // a maildrop was opened and no CommitRequest was made: unlock it now, remove nothing
};

// At most 11 alternatives: up to there std::visit is a switch (libstdc++ 12). SASL, STLS and verbs of the
// application's own will take the three that are left.
using Event =
    std::variant<AuthRequest, ApopRequest, ListRequest, RetrieveRequest, BodyRequest, CommitRequest, BodyDone, Closed>;

}  // namespace v1
}  // namespace pop3

#endif
