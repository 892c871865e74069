// SPDX-License-Identifier: MIT
// A POP3 server on a Cortex-M4, without an operating system, exceptions or RTTI: one session on a serial line, whose
// messages lie in the flash. At the end it tells the debugger what memory that took.
#include <pop3.hpp>

#include "board.hpp"

namespace {

struct Message {
  std::string_view uid, text;
};
constexpr Message messages[] = {
    {"flash-1", "Subject: hello\r\n\r\n.dots are doubled\r\n"},
    {"flash-2", "Subject: lines\r\n\r\none\r\ntwo\r\nthree\r\n"},
};
constexpr std::size_t count = sizeof(messages) / sizeof(messages[0]);

class Mail {
 public:
  void on(pop3::Session& session, const pop3::AuthRequest& ask) {
    if (ask.user == "ann" && ask.password.reveal() == "secret")
      session.accept(ask.token);
    else
      session.refuse(ask.token);
  }
  void on(pop3::Session& session, const pop3::ListRequest& ask) {
    pop3::MessageInfo list[count];
    for (std::size_t i = 0; i < count; ++i) list[i] = {messages[i].text.size(), messages[i].uid};
    (void)session.accept(ask.token, list);  // nobody else is there: nothing is locked
  }
  void on(pop3::Session& session, const pop3::RetrieveRequest& ask) {
    session.lend_body(ask.token, messages[ask.number - 1].text, pop3::Chunk::last);
  }
  void on(pop3::Session& session, const pop3::CommitRequest& ask) {
    if (ask.numbers.empty()) return (void)session.accept(ask.token);
    session.refuse(ask.token, {pop3::Code::sys_perm, "nothing is removed from flash"});
  }
};

// The driver.
void serve(pop3::Session& session) {
  Mail mail;
  for (;;) {
    pop3::dispatch(session, board::now(), mail);
    if (session.finished()) return;
    if (const std::string_view out = session.output(); !out.empty()) {
      board::send(out);
      session.consume_output(out.size());
      continue;
    }
    const pop3::MutableBuffer room = session.input_buffer();
    const bool received = room.size > 0 && board::receive(*room.data);
    session.commit_input(received ? 1 : 0);
    if (!received) board::sleep();
  }
}

}  // namespace

int main() {
  const std::size_t reserved = 3072;
  pop3::Config config;
  config.login_needs_tls = false;
  board::reserve_heap(reserved);

  const board::Heap before = board::heap();
  {
    pop3::Session session(config);
    serve(session);
  }
  const board::Heap after = board::heap();

  board::report("heap at the start:", before.size);
  board::report("heap at the end:", after.size);
  board::report("most of it in use:", after.most);
  board::report("in use before the session:", before.live);
  board::report("in use after the session:", after.live);
  board::report("allocations:", after.allocations - before.allocations);
  board::report("most stack in use:", board::most_stack());
  board::report("sizeof(pop3::Session):", sizeof(pop3::Session));
  return before.size >= reserved && after.size == before.size && after.live == before.live ? 0 : 1;
}
