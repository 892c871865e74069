// SPDX-License-Identifier: MIT
// The smallest application there is: one user, a few messages in memory, every question answered on the spot.
#ifndef EXAMPLES_DEMO_HPP
#define EXAMPLES_DEMO_HPP

#include <array>
#include <cstddef>
#include <string_view>

#include "mailwire/scram.hpp"
#include "pop3/dispatch.hpp"
#include "pop3/session.hpp"

namespace demo {

inline constexpr std::string_view user = "demo", password = "demo";

struct Message {
  std::string_view uid, text;
};

inline constexpr std::array<Message, 3> messages{{
    {"welcome",
     "From: mailwire <mailwire@example.org>\r\n"
     "To: You <demo@example.org>\r\n"
     "Date: Mon, 02 Feb 2026 09:00:00 +0000\r\n"
     "Subject: Welcome\r\n"
     "\r\n"
     "This message came through a state machine that never touched a socket.\r\n"
     "\r\n"
     "Try LIST, TOP 2 1, RETR 3, DELE 1, RSET and QUIT.\r\n"},
    {"dots",
     "From: mailwire <mailwire@example.org>\r\n"
     "To: You <demo@example.org>\r\n"
     "Date: Mon, 02 Feb 2026 09:01:00 +0000\r\n"
     "Subject: Lines that begin with a dot\r\n"
     "\r\n"
     ".\r\n"
     "..\r\n"
     ".hidden\r\n"
     "Three lines above begin with a dot. On the wire they begin with one more.\r\n"},
    {"line-ends",
     "From: mailwire <mailwire@example.org>\n"
     "To: You <demo@example.org>\n"
     "Date: Mon, 02 Feb 2026 09:02:00 +0000\n"
     "Subject: Line ends\n"
     "\n"
     "This message is stored with bare line feeds, and its last line has no end.\n"
     "It is sent as RFC 1939 wants it."},
}};

constexpr bool is_login(std::string_view name, std::string_view secret) {
  return name == user && mailwire::equals_in_constant_time(secret, password);
}

// What a server keeps in the place of a password, for those who would rather not send it.
inline const mailwire::OwnScramKeys& scram_keys() {
  static const auto keys = mailwire::make_scram_keys(mailwire::ScramHash::sha_256, password, "salt of the demo", 4096);
  return keys;
}

inline std::array<pop3::MessageInfo, messages.size()> listing() {
  std::array<pop3::MessageInfo, messages.size()> list;
  for (std::size_t i = 0; i < list.size(); ++i) {
    pop3::OctetCounter counter;
    counter.add(messages[i].text);
    list[i] = {counter.octets(), messages[i].uid};
  }
  return list;
}

// Answers for one session. What it deletes is back in the next one. Used as pop3::dispatch(session, now, app).
struct App {
  void on(pop3::Session& session, const pop3::AuthRequest& ask) const {
    if (is_login(ask.user, ask.password.reveal()))
      session.accept(ask.token);
    else
      session.refuse(ask.token);
  }
  void on(pop3::Session& session, const pop3::ScramRequest& ask) const {
    if (ask.user == user)
      session.accept(ask.token, scram_keys().view());
    else
      session.refuse(ask.token);
  }
  void on(pop3::Session& session, const pop3::ListRequest& ask) const {
    const auto list = listing();
    (void)session.accept(ask.token, list);  // nothing is locked, so nothing would have to be released
  }
  void on(pop3::Session& session, const pop3::RetrieveRequest& ask) const {
    session.lend_body(ask.token, messages[ask.number - 1].text, pop3::Chunk::last);
  }
  void on(pop3::Session& session, const pop3::CommitRequest& ask) const { session.accept(ask.token); }
};

inline pop3::Config config() {
  pop3::Config config;
  config.greeting = "mailwire demo: user demo, password demo";
  config.implementation = "mailwire-demo";
  config.login_needs_tls = false;                    // it is a demo
  config.mechanisms = {"SCRAM-SHA-256", "PLAIN"};    // the former where a driver gives Connection::nonce
  config.scram_decoy_secret = "everybody knows it";  // it is a demo
  config.tolerate.bare_lf = true;                    // for people who type
  return config;
}

}  // namespace demo

#endif
