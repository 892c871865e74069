// SPDX-License-Identifier: MIT
// Where secrets go: not into a trace, not into a reply, and out of memory as soon as they were looked at. A program of
// its own, since it replaces operator new: blocks of a session are looked at while they live and when they are freed.
#include <pop3/session.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "sasl_client.hpp"

// ---- memory that a session asks for ---------------------------------------------------------------------------------

namespace {

struct Block {
  Block *before, *after;
  std::size_t size;
  bool of_session;
};
constexpr std::size_t front =
    (sizeof(Block) + alignof(std::max_align_t) - 1) / alignof(std::max_align_t) * alignof(std::max_align_t);
Block ring{&ring, &ring, 0, false};
bool in_session = false;

constexpr std::size_t most_needles = 16;
std::string_view needles[most_needles];
std::size_t needle_count = 0;
const char* found_freed = nullptr;  // a needle that was in a block when that was freed

const char* find_needle(const void* memory, std::size_t size) {
  const std::string_view octets(static_cast<const char*>(memory), size);
  for (std::size_t i = 0; i < needle_count; ++i)
    if (octets.find(needles[i]) != std::string_view::npos) return needles[i].data();
  return nullptr;
}

void* allocate(std::size_t size) {
  auto* const block = static_cast<Block*>(std::malloc(front + size));
  if (block == nullptr) std::abort();
  *block = {ring.before, &ring, size, in_session};
  ring.before->after = block;
  ring.before = block;
  char* const octets = reinterpret_cast<char*>(block) + front;
  if (size > 0) std::memset(octets, 0, size);  // what somebody else left there is not our affair
  return octets;
}
void release(void* octets) noexcept {
  if (octets == nullptr) return;
  auto* const block = reinterpret_cast<Block*>(static_cast<char*>(octets) - front);
  if (block->of_session && found_freed == nullptr) found_freed = find_needle(octets, block->size);
  block->before->after = block->after;
  block->after->before = block->before;
  std::free(block);
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* octets) noexcept { release(octets); }
void operator delete[](void* octets) noexcept { release(octets); }
void operator delete(void* octets, std::size_t) noexcept { release(octets); }
void operator delete[](void* octets, std::size_t) noexcept { release(octets); }

namespace {

int failures = 0, checks = 0;

const std::string secret = "c4nary-Secret!";
const std::string user = "ann";

std::string hex(std::string_view octets) {
  std::string text;
  for (const char c : octets) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    text += two;
  }
  return text;
}

// While the session works, what is allocated is its own.
class Inside {
 public:
  Inside() { in_session = true; }
  ~Inside() { in_session = false; }
};

struct Setting {
  std::string name;
  pop3::Config config;
  bool encrypted = false, apop = false;
  bool right = true;  // the application takes the password; else it refuses it
  pop3::Duration delay{};
};

// One session with a client that says secrets.
class Play {
 public:
  explicit Play(const Setting& setting) : setting_(setting) {
    found_freed = nullptr;
    needle_count = 0;
    pop3::Connection connection;
    connection.encrypted = setting.encrypted;
    connection.nonce = "0123456789abcdef";
    if (setting.apop) connection.apop_challenge = "<1.2@host>";
    if (setting.encrypted) connection.tls.exporter = "the channel";
    hide(secret);
    hide(tests::to_base64(secret).substr(0, 16));
    hide(hex(secret));
    const Inside inside;
    session_ = new (memory_) pop3::Session(setting.config, connection);
  }
  ~Play() {
    if (!abandoned_) {
      const Inside inside;
      session_->disconnect();
      while (session_->poll(now_)) {
      }
    }
    if (!abandoned_) look("after the end");
    {
      const Inside inside;
      session_->~Session();
    }
    look_at(memory_, sizeof memory_, "in the destroyed session");
    if (found_freed != nullptr) fail("in a block that was freed", found_freed);
    needle_count = 0;
  }
  Play(const Play&) = delete;
  Play& operator=(const Play&) = delete;

  // Must not be found from now on. The copy outlives the play.
  void hide(std::string_view octets) {
    if (octets.size() < 6 || needle_count == most_needles) return;
    kept_[needle_count] = std::string(octets);
    needles[needle_count] = kept_[needle_count];
    ++needle_count;
  }
  // Says this, and what is asked then is never answered: the session goes at once.
  void abandon(std::string_view octets) {
    abandoned_ = true;
    const Inside inside;
    (void)session_->receive(octets);
    while (session_->poll(now_)) {
    }
    if (session_->pending() == nullptr) fail("said, and nothing was asked", "XVERB");
  }
  // Everything is served and answered.
  void say(std::string_view octets) {
    do {
      {
        const Inside inside;
        octets.remove_prefix(session_->receive(octets));
      }
      serve();
    } while (!octets.empty() && session_->wants_input());
    look("after an answer");
  }
  void line(const std::string& text) {
    say(text + "\r\n");
    if (setting_.delay > pop3::Duration::zero()) wait(setting_.delay);
  }
  // SCRAM has the user's keys while an exchange goes on, and not from now on.
  void hide_keys() {
    hide({keys_.stored_key.data(), keys_.key_size});
    hide({keys_.server_key.data(), keys_.key_size});
  }
  // A message of a client in BASE64, which is a secret itself.
  void response(const std::string& verb, const std::string& message) {
    const std::string text = tests::to_base64(message);
    hide(text);
    hide(message);
    line(verb + text);
  }
  void wait(pop3::Duration time) {
    now_ += time;
    say("");
  }
  std::string challenge() const {
    const std::size_t start = output_.rfind("+ ");
    return tests::from_base64(output_.substr(start + 2, output_.size() - start - 4));
  }
  pop3::Session& session() { return *session_; }

 private:
  void serve() {
    for (bool more = true; more;) {
      more = false;
      for (;;) {
        in_session = true;
        const auto event = session_->poll(now_);
        in_session = false;
        if (!event) break;
        answer(*event);
        more = true;
      }
      in_session = true;
      const std::string_view out = session_->output();
      in_session = false;
      output_ += out;
      more = more || !out.empty();
      const std::size_t n = out.size();
      const Inside inside;
      session_->consume_output(n);
    }
  }
  void answer(const pop3::Event& event) {
    pop3::Refusal why;
    why.delay = setting_.delay;
    const pop3::MessageInfo mail{5, "a"};
    const auto decide = [&](const auto& request) {
      if (setting_.right)
        session_->accept(request.token, user);
      else
        session_->refuse(request.token, why);
    };
    if (const auto* const scram = std::get_if<pop3::ScramRequest>(&event)) {
      keys_ = tests::cached_scram_keys(
          scram->method == pop3::AuthMethod::scram_sha_1 ? mailwire::ScramHash::sha_1 : mailwire::ScramHash::sha_256,
          secret, "some salt", 64);
    }
    const Inside inside;
    if (const auto* const auth = std::get_if<pop3::AuthRequest>(&event)) decide(*auth);
    if (const auto* const digest = std::get_if<pop3::DigestRequest>(&event)) decide(*digest);
    if (const auto* const sasl = std::get_if<pop3::SaslRequest>(&event)) {
      if (sasl->first)
        session_->challenge(sasl->token, "more");
      else
        decide(*sasl);
    }
    if (const auto* const scram = std::get_if<pop3::ScramRequest>(&event))
      session_->accept(scram->token, keys_.view(), user);
    if (const auto* const list = std::get_if<pop3::ListRequest>(&event))
      (void)session_->accept(list->token, pop3::Listing(&mail, 1));
    if (const auto* const command = std::get_if<pop3::CommandRequest>(&event)) session_->proceed(command->token);
    if (const auto* const commit = std::get_if<pop3::CommitRequest>(&event)) session_->accept(commit->token);
    if (const auto* const tls = std::get_if<pop3::TlsRequest>(&event)) session_->accept(tls->token);
  }

  void look(const char* when) {
    look_at(memory_, sizeof memory_, when);
    for (const Block* block = ring.after; block != &ring; block = block->after)
      if (block->of_session) look_at(reinterpret_cast<const char*>(block) + front, block->size, when);
    look_at(output_.data(), output_.size(), "in a reply");
    in_session = true;
    const std::string trace = session_->take_trace();
    in_session = false;
    look_at(trace.data(), trace.size(), "in the trace");
  }
  void look_at(const void* octets, std::size_t size, const char* where) {
    ++checks;
    if (const char* const found = find_needle(octets, size)) fail(where, found);
  }
  void fail(const char* where, const char* found) {
    std::printf("%s: \"%s\" is %s\n", setting_.name.c_str(), found, where);
    ++failures;
  }

  alignas(pop3::Session) unsigned char memory_[sizeof(pop3::Session)] = {};
  const Setting& setting_;
  bool abandoned_ = false;
  pop3::Session* session_ = nullptr;
  pop3::TimePoint now_{std::chrono::hours(1)};
  std::string output_;
  std::string kept_[most_needles];
  mailwire::OwnScramKeys keys_;
};

Setting setting(const std::string& name, bool right) {
  Setting s;
  s.name = name + (right ? ", right" : ", wrong");
  s.right = right;
  s.config.login_needs_tls = false;
  s.config.trace = true;
  s.config.limits.failed_logins = s.config.limits.bad_commands = 0;
  s.config.limits.failed_login_delay = pop3::Duration::zero();
  s.config.limits.sasl_line = 2000;
  s.config.mechanisms = {"PLAIN",       "LOGIN",   "CRAM-MD5",           "SCRAM-SHA-1", "SCRAM-SHA-256",
                         "OAUTHBEARER", "XOAUTH2", "SCRAM-SHA-256-PLUS", "X-OWN",       "ANONYMOUS"};
  return s;
}

// ---- every way to log in
// ----------------------------------------------------------------------------------------------

void logins(Setting s) {
  const std::string name = s.name;
  const std::string digest(tests::cram_md5_response(user, secret, "<1.2@host>"));
  {
    s.name = name + ", PASS";
    Play play(s);
    play.line("USER ann");
    play.line("PASS " + secret);
  }
  {
    s.name = name + ", PASS pipelined";
    Play play(s);
    play.say("USER ann\r\nPASS " + secret + "\r\nCAPA\r\nNOOP\r\n");
  }
  {
    s.name = name + ", APOP";
    Setting apop = s;
    apop.apop = true;
    Play play(apop);
    const std::string hex_digest(mailwire::as_view(pop3::apop_digest("<1.2@host>", secret)));
    play.hide(hex_digest);
    play.line("APOP ann " + hex_digest);
    play.line("APOP ann x" + hex_digest);
    play.line("APOP " + hex_digest);
  }
  const auto with_initial = [&](const std::string& mechanism, const std::string& message) {
    s.name = name + ", AUTH " + mechanism;
    Play play(s);
    play.response("AUTH " + mechanism + ' ', message);
    play.line("");
  };
  const auto in_two_steps = [&](const std::string& mechanism, const std::string& message) {
    s.name = name + ", AUTH " + mechanism + " in two steps";
    Play play(s);
    play.line("AUTH " + mechanism);
    play.response("", message);
    play.line("");
  };
  for (const bool two : {false, true}) {
    const auto go = [&](const std::string& mechanism, const std::string& message) {
      if (two)
        in_two_steps(mechanism, message);
      else
        with_initial(mechanism, message);
    };
    go("PLAIN", tests::plain_message("", user, secret));
    go("PLAIN", tests::plain_message("bob", user, secret));
    go("PLAIN", tests::plain_message("", user, secret) + '\0');
    go("OAUTHBEARER", tests::bearer_message(false, user, "c4nary-Secret-token"));
    go("XOAUTH2", tests::bearer_message(true, user, "c4nary-Secret-token"));
    go("ANONYMOUS", secret);
    go("X-OWN", secret);
    go("NO-SUCH", secret);
  }
  {
    s.name = name + ", AUTH LOGIN";
    Play play(s);
    play.line("AUTH LOGIN " + tests::to_base64(user));
    play.response("", secret);
  }
  {
    s.name = name + ", AUTH X-OWN with rounds";
    Play play(s);
    play.line("AUTH X-OWN");
    play.response("", "first " + secret);
    play.response("", "then " + secret);
  }
  {
    s.name = name + ", AUTH CRAM-MD5";
    Play play(s);
    play.line("AUTH CRAM-MD5");
    const std::string answer = tests::cram_md5_response(user, secret, play.challenge());
    play.hide(answer.substr(4));
    play.response("", answer);
  }
  for (const std::string mechanism : {"SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"}) {
    s.name = name + ", AUTH " + mechanism;
    Setting tls = s;
    tls.encrypted = mechanism == "SCRAM-SHA-256-PLUS";
    tests::ScramClient client;
    const auto hash = mechanism == "SCRAM-SHA-1" ? mailwire::ScramHash::sha_1 : mailwire::ScramHash::sha_256;
    const std::string first =
        tests::to_base64(client.first(hash, tls.encrypted ? "p=tls-exporter,," : "n,,", user, "abc"));
    for (const char* const end : {"*", "AAAA", ""}) {
      Play play(tls);
      play.line("AUTH " + mechanism + ' ' + first);
      play.hide_keys();
      play.line(end);
    }
  }
}

void scram(Setting s) {
  s.name += ", SCRAM to its end";
  for (const bool right : {true, false}) {
    Play play(s);
    tests::ScramClient client;
    const std::string first = client.first(mailwire::ScramHash::sha_256, "n,,", user, "abc");
    play.line("AUTH SCRAM-SHA-256 " + tests::to_base64(first));
    const std::string message = client.final(play.challenge(), right ? secret : "another");
    play.hide(message.substr(message.find(",p=") + 3));
    if (!right) play.hide_keys();
    play.response("", message);
    play.hide_keys();
    play.line("");
  }
}

// ---- secrets in the wrong place
// ---------------------------------------------------------------------------------------

void wrong_places(Setting s) {
  const std::string name = s.name;
  const std::vector<std::string> lines = {
      "PASS " + secret,
      "USER ann " + secret,
      "USER  ann " + secret,
      "PASS\t" + secret,
      "PAS " + secret,
      secret,
      secret + " " + secret,
      "AUTH " + secret,
      "AUTH PLAIN " + secret,
      "AUTH PLAIN x " + secret,
      "AUTH CRAM-MD5 " + secret,
      "APOP ann " + secret,
      "LIST " + secret,
      "RETR " + secret,
      "TOP 1 " + secret,
      "LANG x " + secret,
      "QUIT " + secret,
      "STLS " + secret,
      "CAPA " + secret,
      "NOOP " + secret,
      "PASS " + secret + std::string(700, 'x'),
      std::string(700, 'x') + secret,
      "AUTH PLAIN " + std::string(3000, 'x') + secret,
      "XVERB " + secret + "\xff",
  };
  for (const bool logged_in : {false, true}) {
    for (const std::string& text : lines) {
      s.name = name + (logged_in ? ", after login: " : ", before login: ") + text.substr(0, 40);
      Play play(s);
      if (logged_in) play.line("USER ann");
      if (logged_in) play.line("PASS other words");
      play.line(text);
      play.line("*");
      play.line("NOOP");
    }
  }
  s.name = name + ", a verb before login";
  {
    Play play(s);
    play.line("XVERB ann " + secret);
  }
  s.name = name + ", a response that is none";
  {
    Play play(s);
    play.line("AUTH PLAIN");
    play.line(secret);
    play.line("AUTH PLAIN");
    play.line("PASS " + secret);
    play.line("AUTH PLAIN");
    play.line(tests::to_base64(secret) + std::string(3000, 'A'));
  }
}

// What is not complete yet is there, and gone when the session is over.
void half_lines(Setting s) {
  const std::string name = s.name;
  for (const std::string text : {"PASS ", "AUTH PLAIN ", "", "USER ann\r\nPASS "}) {
    s.name = name + ", half a line";
    Play play(s);
    const std::string octets = text + secret;
    const Inside inside;
    (void)play.session().receive(octets);
  }
}

void open_commands(const Setting& setting) {
  Setting s = setting;
  s.name += ", destroyed with a command";
  Play play(s);
  play.abandon("XVERB " + secret + "\r\n");
}

// Nor is a question about a login left behind, and what challenges are made of.
void open_logins(const Setting& setting) {
  const std::string plain = tests::to_base64(std::string("\0ann\0", 5) + secret);
  const std::string token = tests::to_base64("n,,\1auth=Bearer " + hex(secret) + "\1\1");
  for (const std::string& lines : {"USER ann\r\nPASS " + secret, "AUTH PLAIN " + plain, "AUTH OAUTHBEARER " + token}) {
    Setting s = setting;
    s.name += ", destroyed with a login";
    Play play(s);
    play.hide("0123456789abcdef");  // the nonce
    play.abandon(lines + "\r\n");
  }
}

}  // namespace

int main() {
  for (const bool right : {true, false}) {
    Setting s = setting("plain", right);
    logins(s);
    scram(s);
    wrong_places(s);
    half_lines(s);
    open_logins(s);
    s = setting("held", right);
    s.delay = std::chrono::seconds(2);
    logins(s);
    scram(s);
    s = setting("observed", right);
    for (const char* const verb : {"USER", "PASS", "APOP", "AUTH", "QUIT", "LIST"}) s.config.commands.push_back({verb});
    s.config.commands.push_back({"XVERB", true, true, 0, 9});
    logins(s);
    scram(s);
    wrong_places(s);
    open_commands(s);
    s = setting("needs TLS", right);
    s.config.login_needs_tls = true;
    logins(s);
    wrong_places(s);
    s = setting("without trace", right);
    s.config.trace = false;
    logins(s);
    scram(s);
    wrong_places(s);
  }
  std::printf("%d places looked at, %d secrets found\n", checks, failures);
  return failures > 0 || checks < 1000;
}
