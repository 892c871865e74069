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
#include <string_view>
#include <variant>

#include "types.hpp"

namespace pop3 {
inline namespace v1 {

// ---- requests ---------------------------------------------------------------------------------------------------

// May this user log in?                                                     accept(token [, maildrop's user]) | refuse
// By USER and PASS, PLAIN, LOGIN: is this the password? OAUTHBEARER, XOAUTH2: does this token stand for the user?
// EXTERNAL: the client certificate names `user`, may the client have that maildrop? ANONYMOUS: nobody, with a trace.
struct AuthRequest {
  Token<AuthRequest> token;
  std::string_view user;     // EXTERNAL: TlsFacts::identity; ANONYMOUS: "anonymous"; OAUTHBEARER: may be empty
  std::string_view authzid;  // SASL: whose maildrop is wanted, if that is not `user`; then accept() has to say whose
  Secret password;           // or the token, or the trace of ANONYMOUS; wiped when answered
  AuthMethod method = AuthMethod::user_pass;
  bool encrypted = false;
  std::uint32_t attempt = 0;  // 1 = the first of this session
};

// Is `digest` that of the challenge and the user's shared secret? pop3/digest.hpp can tell.   accept | refuse
struct DigestRequest {
  Token<DigestRequest> token;
  std::string_view user;
  std::string_view digest;     // 32 lower-case hexadecimal digits
  std::string_view challenge;  // with its angle brackets
  AuthMethod method;           // apop or cram_md5
  std::uint32_t attempt;
};

// The keys of this user for SCRAM (RFC 5802). The session checks the proof itself.
//                                                                  accept(token, keys [, maildrop's user]) | refuse
// Refused without a code, or with `auth`, the client learns no more than that its proof was wrong, at the end.
struct ScramRequest {
  Token<ScramRequest> token;
  std::string_view user;
  std::string_view authzid;  // as in AuthRequest
  AuthMethod method;
  std::uint32_t attempt;
};

// The next message of a client by a mechanism of the application's own.
//                                                                  challenge | accept(token, user [, data]) | refuse
struct SaslRequest {
  Token<SaslRequest> token;
  std::string_view mechanism;  // as Config::mechanisms writes it
  std::string_view data;       // base64 is undone
  bool first;                  // of this exchange; `data` is empty then if the server begins
  std::uint32_t attempt;
};

// Lock this user's maildrop and list it. The login was accepted just before.
//                                                                        accept(token, listing [, account]) | refuse
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
  bool surrogate;                          // wanted is what MessageInfo::surrogate_size announced
};

// The next octets of a body, from `offset` on.                                  send_body | lend_body | abort_body
struct BodyRequest {
  Token<BodyRequest> token;
  std::uint32_t number;  // 0 = the answer to a CommandRequest
  std::uint64_t offset;  // octets given so far: pread() needs nothing else
};

// QUIT: remove these messages, then unlock the maildrop. Always asked, also with no number.  accept | refuse
// From here on the maildrop is the application's own affair: Closed will say `release = false`.
struct CommitRequest {
  Token<CommitRequest> token;
  Numbers numbers;
};

// STLS: its +OK has left, start the handshake now (RFC 2595, 4). Octets that came behind STLS are in
// Session::unread_input(): they belong to the TLS layer.                                  accept(token, facts) | refuse
struct TlsRequest {
  Token<TlsRequest> token;
};

// A verb of Config::commands.                       accept(token, text) | proceed | send_body | lend_body | refuse
// proceed() lets the session do what the verb means to it; the others replace that. `argument` is empty for USER, PASS,
// APOP and AUTH: it is a secret, or near one. Of a verb that nobody knows `verb` is empty too: it may be a password.
struct CommandRequest {
  Token<CommandRequest> token;
  std::string_view verb;      // in upper case
  std::string_view argument;  // what follows the verb and a space
};

// ---- notices ----------------------------------------------------------------------------------------------------

// A RETR or TOP is over, and the chunk lent last is the application's again. `complete`: all of it was handed to the
// output with its end; it can still be lost on its way.
struct BodyDone {
  std::uint32_t number;  // 0 = the answer to a CommandRequest
  bool complete;
  std::uint64_t octets;  // of the message, as LIST counts them: after a whole RETR it should be what was listed
};

// A login has failed by what the session found out itself; a refusal of the application's is not told. To be logged and
// counted. `user` is what the client claimed, as far as that is known, and lives until the next poll().
struct LoginFailed {
  enum class Fault : std::uint8_t {
    wrong_proof,     // SCRAM: not this password, or not such a user
    wrong_binding,   // SCRAM: another TLS channel, or one that was tampered with
    malformed,       // base64 or message that breaks its mechanism's rules
    cancelled,       // "*"
    not_encrypted,   // a password or token was not looked at
    not_authorized,  // an authzid, and accept() did not say whose maildrop
    login_delay,     // Account::last_login
  };
  Fault fault;
  AuthMethod method;
  std::string_view user;
};

// For logs: "wrong_proof", ...
constexpr std::string_view to_string(LoginFailed::Fault fault) noexcept {
  switch (fault) {
    case LoginFailed::Fault::wrong_proof: return "wrong_proof";
    case LoginFailed::Fault::wrong_binding: return "wrong_binding";
    case LoginFailed::Fault::malformed: return "malformed";
    case LoginFailed::Fault::cancelled: return "cancelled";
    case LoginFailed::Fault::not_encrypted: return "not_encrypted";
    case LoginFailed::Fault::not_authorized: return "not_authorized";
    case LoginFailed::Fault::login_delay: return "login_delay";
  }
  return "";
}

// Once, and the last event. All output is consumed or given up.
struct Closed {
  CloseReason reason;
  bool release;  // a maildrop was opened and no CommitRequest was made: unlock it now, remove nothing
};

// Up to 11 alternatives std::visit is a switch with libstdc++ 12, from there on a table: a call through a pointer for
// each event, of which a session has a few for each command. That costs 7 ns instead of 1, or instead of 6 where no
// branch can be guessed (tests/header_cost.py measures it).
using Event = std::variant<AuthRequest, DigestRequest, ScramRequest, SaslRequest, ListRequest, RetrieveRequest,
                           BodyRequest, CommitRequest, TlsRequest, CommandRequest, BodyDone, LoginFailed, Closed>;

}  // namespace v1
}  // namespace pop3

#endif
