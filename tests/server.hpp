// SPDX-License-Identifier: MIT
// A session with an application behind it and a client in front of it, for tests of one rule each. It moves octets
// through the harness, which checks every call.
#ifndef TESTS_SERVER_HPP
#define TESTS_SERVER_HPP

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "harness.hpp"

namespace tests {

struct Mail {
  std::string uid, octets;
};

inline std::vector<Mail> two_mails() {
  return {{"uid-1", "Subject: one\r\n\r\nfirst\r\nsecond\r\n"}, {"uid-2", "Subject: two\r\n\r\n.dot\r\n"}};
}

inline constexpr const char* log_in = "USER ann\r\nPASS pw\r\n";

inline pop3::Connection with_apop(pop3::SessionId id = 0) {
  pop3::Connection connection;
  connection.id = id;
  connection.apop_challenge = "<1@x>";
  return connection;
}

// Octets that wait to be sent.
inline std::size_t queued(pop3::Session& session) {
  pop3::ConstBuffer runs[4];
  std::size_t octets = 0;
  for (std::size_t i = 0, count = session.gather(runs, 4); i < count; ++i) octets += runs[i].size;
  return octets;
}

// Passwords in the clear, and no waiting: most tests are about something else.
inline pop3::Config plain_config() {
  pop3::Config config;
  config.login_needs_tls = false;
  config.limits.failed_login_delay = pop3::Duration::zero();
  return config;
}

class Server {
 public:
  explicit Server(pop3::Config settings = plain_config(), pop3::Connection connection = {},
                  std::vector<Mail> maildrop = two_mails())
      : config(std::move(settings)),
        mails(std::move(maildrop)),
        harness(config, connection),
        session(harness.session) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const pop3::Config config;
  std::vector<Mail> mails;
  pop3::TlsFacts tls;  // of the handshake after STLS
  Harness harness;
  pop3::Session& session;

  // The client sends these octets, everything is served, and the client reads all that comes: that is returned.
  std::string say(std::string_view octets) {
    const std::size_t before = harness.output.size();
    for (bool more = true; more;) {
      const std::size_t fed = harness.feed(octets);
      octets.remove_prefix(fed);
      const bool answered = serve();
      more = harness.take_output(~std::size_t{0}) > 0 || answered || (fed > 0 && !octets.empty());
    }
    return harness.output.substr(before);
  }
  std::string command(std::string_view line) { return say(std::string(line) + "\r\n"); }
  std::string log_in() { return say(tests::log_in); }

  // The client sends these octets, and reads; whatever is asked before is answered: the first request of this kind,
  // left open.
  template <class Request>
  Request ask(std::string_view octets = {}) {
    for (int turn = 0; turn < 1000; ++turn) {
      octets.remove_prefix(harness.feed(octets));
      while (const auto event = harness.poll()) {
        if (const auto* request = std::get_if<Request>(&*event)) {
          harness.take_output(~std::size_t{0});
          return *request;
        }
        answer(*event);
      }
      harness.take_output(~std::size_t{0});
    }
    harness.check(false, "the request did not come");
    return Request{};
  }
  // The next event, which must be of this kind.
  template <class Kind>
  Kind next() {
    const auto event = harness.poll();
    const auto* const found = event ? std::get_if<Kind>(&*event) : nullptr;
    harness.check(found != nullptr, "another event than was expected");
    return found != nullptr ? *found : Kind{};
  }
  // Time goes by, then everything is served; what the client reads is returned.
  std::string wait(pop3::Duration time) {
    harness.now += time;
    return say("");
  }

  // Answers one event as a well-behaved application does.
  void answer(const pop3::Event& event) {
    std::visit([this](const auto& e) { answer_one(e); }, event);
  }
  pop3::Outcome list(const pop3::ListRequest& request) {
    std::vector<pop3::MessageInfo> infos;
    for (const Mail& mail : mails) {
      pop3::OctetCounter counter(config.body_lines);
      counter.add(mail.octets);
      infos.push_back({counter.octets(), mail.uid});
    }
    return harness.accept(request, {infos.data(), infos.size()});
  }

  // This event, or one that says the same and more.
  bool saw(const std::string& event) const {
    return std::any_of(harness.events.begin(), harness.events.end(), [&](const std::string& seen) {
      return seen == event || seen.compare(0, event.size() + 1, event + ' ') == 0;
    });
  }
  const std::string& faults() const { return harness.faults; }

 private:
  bool serve() {
    bool any = false;
    while (const auto event = harness.poll()) answer(*event), any = true;
    return any;
  }
  void answer_one(const pop3::AuthRequest& r) {
    if (r.user == "ann" && r.password.reveal() == "pw")
      harness.accept(r);
    else
      harness.refuse(r);
  }
  void answer_one(const pop3::DigestRequest& r) { harness.refuse(r); }
  void answer_one(const pop3::ScramRequest& r) { harness.refuse(r); }
  void answer_one(const pop3::SaslRequest& r) { harness.refuse(r); }
  void answer_one(const pop3::TlsRequest& r) { harness.accept(r, tls); }
  void answer_one(const pop3::CommandRequest& r) { harness.proceed(r); }
  void answer_one(const pop3::LoginFailed&) {}
  void answer_one(const pop3::ListRequest& r) { list(r); }
  void answer_one(const pop3::RetrieveRequest& r) { harness.lend(r, mails[r.number - 1].octets, pop3::Chunk::last); }
  void answer_one(const pop3::BodyRequest& r) { harness.abort(r); }
  void answer_one(const pop3::CommitRequest& r) { harness.accept(r); }
  void answer_one(const pop3::BodyDone&) {}
  void answer_one(const pop3::Closed&) {}
};

inline bool is_ok(std::string_view reply) { return reply.substr(0, 3) == "+OK"; }
inline bool is_error(std::string_view reply) { return reply.substr(0, 4) == "-ERR"; }
inline std::string first_line(const std::string& reply) { return reply.substr(0, reply.find('\n') + 1); }

}  // namespace tests

#endif
