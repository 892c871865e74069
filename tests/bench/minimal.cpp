// SPDX-License-Identifier: MIT
// The least that is a POP3 server: octets from standard input to standard output, one user, one message. What it is
// measured for is the size of its code.
#include <pop3.hpp>

#include <unistd.h>

namespace {

struct Mail {
  void on(pop3::Session& session, const pop3::AuthRequest& ask) const {
    if (ask.user == "ann" && ask.password.reveal() == "secret")
      session.accept(ask.token);
    else
      session.refuse(ask.token);
  }
  void on(pop3::Session& session, const pop3::ListRequest& ask) const {
    const pop3::MessageInfo list[] = {{text.size(), "uid-1"}};
    (void)session.accept(ask.token, list);  // nothing is locked
  }
  void on(pop3::Session& session, const pop3::RetrieveRequest& ask) const {
    session.lend_body(ask.token, text, pop3::Chunk::last);
  }
  void on(pop3::Session& session, const pop3::CommitRequest& ask) const { session.accept(ask.token); }

  std::string_view text = "Subject: hello\r\n\r\nhello\r\n";
};

}  // namespace

int main() {
  pop3::Config config;
  config.login_needs_tls = false;
  pop3::Session session(config);
  const Mail mail;
  for (;;) {
    pop3::dispatch(session, std::chrono::steady_clock::now(), mail);
    if (session.finished()) return 0;
    if (const std::string_view out = session.output(); !out.empty()) {
      const ssize_t n = write(STDOUT_FILENO, out.data(), out.size());
      if (n < 0) return 1;
      session.consume_output(static_cast<std::size_t>(n));
    } else {
      const pop3::MutableBuffer room = session.input_buffer();
      const ssize_t n = room.size > 0 ? read(STDIN_FILENO, room.data, room.size) : 0;
      if (n > 0)
        session.commit_input(static_cast<std::size_t>(n));
      else
        session.end_of_input();
    }
  }
}
