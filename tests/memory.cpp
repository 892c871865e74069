// SPDX-License-Identifier: MIT
// How much memory sessions take, counted octet by octet: a program of its own, since it replaces operator new.
// memory_test [N]     the N-th part of its large bodies
#include <pop3/session.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

// ---- counting -------------------------------------------------------------------------------------------------------

namespace {

struct Heap {
  std::size_t live = 0, peak = 0, allocations = 0;  // octets, octets, calls
};
Heap heap;

// Each block has its size in front of it.
constexpr std::size_t front = alignof(std::max_align_t);

void* allocate(std::size_t size) {
  auto* const block = static_cast<char*>(std::malloc(size + front));
  if (block == nullptr) std::abort();
  std::memcpy(block, &size, sizeof size);
  heap.live += size;
  heap.peak = std::max(heap.peak, heap.live);
  ++heap.allocations;
  return block + front;
}
void release(void* octets) noexcept {
  if (octets == nullptr) return;
  char* const block = static_cast<char*>(octets) - front;
  std::size_t size = 0;
  std::memcpy(&size, block, sizeof size);
  heap.live -= size;
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

using pop3::Chunk;

int failures = 0;

// "name: value (at most limit)"; everything is printed, since these figures are promised.
void at_most(const char* name, std::size_t value, std::size_t limit) {
  std::printf("%s: %zu (at most %zu)\n", name, value, limit);
  if (value <= limit) return;
  std::puts("  TOO MUCH");
  ++failures;
}
void expect(bool fact, const char* what) {
  if (fact) return;
  std::printf("not so: %s\n", what);
  ++failures;
}

// ---- a session that allocates nothing outside itself --------------------------------------------------------------

struct Served {
  pop3::Config config = settings();
  pop3::Session session;
  std::vector<pop3::MessageInfo> listing;
  std::string_view chunk = "Subject: x\r\n\r\n.x\r\n";
  std::uint64_t chunks = 1;               // of a body
  std::size_t portion = ~std::size_t{0};  // octets that the peer takes at a time
  bool own_chunks = false;                // send_body() instead of lend_body()
  std::uint64_t taken = 0;                // octets that the peer took
  std::uint64_t given = 0;                // chunks of the present body

  explicit Served(std::size_t messages, pop3::Connection connection = {})
      : session(config, connection), listing(messages, pop3::MessageInfo{18, "0123456789"}) {}

  static pop3::Config settings() {
    pop3::Config config;
    config.login_needs_tls = false;
    config.limits.failed_logins = config.limits.bad_commands = config.limits.login_attempts = 0;
    config.limits.failed_login_delay = pop3::Duration::zero();
    return config;
  }

  void take_output() {
    pop3::ConstBuffer runs[4];
    std::size_t n = 0;
    for (std::size_t i = 0, count = session.gather(runs, 4); i < count; ++i) n += runs[i].size;
    n = std::min(n, portion);
    session.consume_output(n);
    taken += n;
  }
  template <class Request>
  void give(const Request& request) {
    const Chunk last = ++given == chunks ? Chunk::last : Chunk::more;
    if (own_chunks)
      session.send_body(request.token, std::string(chunk), last);
    else
      session.lend_body(request.token, chunk, last);
  }
  void answer(const pop3::Event& event) {
    if (const auto* auth = std::get_if<pop3::AuthRequest>(&event)) {
      if (auth->password.reveal() == "pw")
        session.accept(auth->token);
      else
        session.refuse(auth->token);
    } else if (const auto* list = std::get_if<pop3::ListRequest>(&event)) {
      (void)session.accept(list->token, {listing.data(), listing.size()});
    } else if (const auto* retrieve = std::get_if<pop3::RetrieveRequest>(&event)) {
      given = 0;
      give(*retrieve);
    } else if (const auto* body = std::get_if<pop3::BodyRequest>(&event)) {
      give(*body);
    } else if (const auto* commit = std::get_if<pop3::CommitRequest>(&event)) {
      session.accept(commit->token);
    }
  }
  // Sends the octets and serves until nothing is left to do.
  void say(std::string_view octets) {
    for (bool more = true; more;) {
      const std::size_t fed = session.receive(octets);
      octets.remove_prefix(fed);
      more = fed > 0;
      while (const auto event = session.poll({})) answer(*event), more = true;
      more = more || !session.output().empty();
      take_output();
    }
  }
};

// ---- what is promised -----------------------------------------------------------------------------------------------

std::string repeated(std::string_view line, std::size_t size) {
  std::string octets;
  while (octets.size() < size) octets += line;
  octets.resize(size);
  return octets;
}

void big_bodies(unsigned part) {
  constexpr std::size_t size = 64 * 1024;
  struct Kind {
    const char* name;
    std::string chunk;
    std::uint64_t chunks;
    bool own;
    std::size_t portion;
  };
  const std::string clean = repeated(std::string(70, 'x') + "\r\n", size),
                    lf = repeated(std::string(70, 'x') + "\n", size);
  const Kind kinds[] = {
      {"1 GiB of clean lines, lent", clean, 16'384, false, 1460},
      {"1 GiB of clean lines, lent, read at once", clean, 16'384, false, ~std::size_t{0}},
      {"1 GiB with line ends to repair, lent", lf, 16'384, false, 16'384},
      {"64 MiB with line ends to repair, lent, read slowly", lf, 1024, false, 1460},
      {"64 MiB with line ends to repair, lent, read at once", lf, 1024, false, ~std::size_t{0}},
      {"64 MiB of LF alone", repeated("\n", size), 1024, false, 1460},
      {"64 MiB of dots", repeated(".\r\n", size), 1024, false, 1460},
      {"64 MiB of a line without an end", repeated("x", size), 1024, false, 1460},
      {"64 MiB of clean lines, sent", clean, 1024, true, 1460},
      {"64 MiB with line ends to repair, sent", lf, 1024, true, 1460},
  };
  for (const Kind& kind : kinds) {
    Served served(1);
    served.say("USER ann\r\nPASS pw\r\n");
    served.chunk = kind.chunk;
    served.chunks = kind.chunks / part;
    served.own_chunks = kind.own;
    served.portion = kind.portion;
    const std::size_t before = heap.live;
    heap.peak = heap.live;
    served.taken = 0;
    served.say("RETR 1\r\n");
    expect(served.session.counters().retrieved == 1, "the body was completed");
    expect(served.taken >= served.chunks * size, "all of it came");
    const std::size_t most = heap.peak - before;
    at_most((std::string(kind.name) + ", octets at the most").c_str(), most, 260 * 1024 + (kind.own ? 2 * size : 0));
    served.session.trim();
    at_most("  ... kept after it", heap.live > before ? heap.live - before : 0, 0);
  }
}

void commands() {
  Served served(100);
  served.say("USER ann\r\nPASS pw\r\n");
  const char* const lines[] = {"NOOP\r\n",   "STAT\r\n",    "LIST 7\r\n",  "UIDL 7\r\n", "DELE 7\r\n",
                               "RSET\r\n",   "CAPA\r\n",    "RETR 99\r\n", "XYZ\r\n",    "\r\n",
                               "RETR 1\r\n", "TOP 1 0\r\n", "LIST\r\n",    "UIDL\r\n",   "USER x\r\n"};
  for (const char* line : lines) served.say(line), served.say(line);  // the buffers have their size now
  for (const char* line : lines) {
    const std::size_t before = heap.allocations;
    for (int i = 0; i < 100; ++i) served.say(line);
    const std::size_t made = heap.allocations - before;
    at_most(("allocations of 100 times \"" + std::string(line, std::strcspn(line, "\r")) + '"').c_str(), made, 0);
  }
  const std::size_t before = heap.allocations;
  for (int i = 0; i < 1000; ++i)
    for (const char* line : lines) served.say(line);
  at_most("allocations of 15000 commands in turn", heap.allocations - before, 0);
}

void idle_sessions() {
  const std::size_t start = heap.live;
  {
    Served served(0);
    const std::size_t before = heap.live;
    served.say("");
    served.session.trim();
    at_most("octets of an idle session before login, beside the object", heap.live - before, 0);
    served.say("USER ann\r\nPASS pw\r\nNOOP\r\nLIST\r\n");
    served.session.trim();
    at_most("octets of an idle session with an empty maildrop", heap.live - before, 0);
  }
  {
    pop3::Connection connection;
    const std::string challenge = '<' + std::string(200, 'c') + "@x>";
    connection.apop_challenge = challenge;
    const std::size_t before = heap.live;
    Served without(0);
    const std::size_t one = heap.live - before;
    Served with(0, connection);
    with.say("USER ann\r\nPASS pw\r\n");
    with.session.trim();
    at_most("octets that are left of a challenge after login", heap.live - before - 2 * one, 0);
  }
  {
    Served served(1000);
    const std::size_t before = heap.live;
    const std::size_t allocations = heap.allocations;
    served.say("USER ann\r\nPASS pw\r\n");
    at_most("allocations of a login", heap.allocations - allocations, 8);
    served.say("LIST\r\nUIDL\r\nRETR 1\r\nDELE 2\r\n");
    served.session.trim();
    // 16 octets and the unique-id for each message.
    at_most("octets of an idle session with 1000 messages", heap.live - before, 1000 * (16 + 10) + 64);
  }
  at_most("octets that are left when sessions are gone", heap.live - start, 0);
}

// What is there for the login only is gone after it, what the application wants to know of TLS is not.
void extras() {
  const std::size_t start = heap.live;
  pop3::Connection connection;
  const std::string nonce(64, 'n'), facts(100, 'f');
  connection.nonce = nonce;
  connection.hostname = "mail.example.org";
  {
    Served served(0, connection);
    const std::size_t before = heap.live;
    served.say("AUTH PLAIN AGFubgBwdw==\r\nNOOP\r\n");
    expect(served.session.state() == pop3::State::transaction, "AUTH PLAIN logs in");
    served.session.trim();
    at_most("octets that AUTH leaves after login, beside what was there before",
            heap.live > before ? heap.live - before : 0, 0);
    std::size_t least = ~std::size_t{0};
    Served in_vain(0, connection);
    const std::size_t new_one = heap.live;
    in_vain.say("USER ann\r\nPASS no\r\n");
    in_vain.session.trim();
    at_most("octets that a wrong password leaves", heap.live > new_one ? heap.live - new_one : 0, 0);
    for (int i = 0; i < 50; ++i) {
      in_vain.say("AUTH PLAIN\r\nAGFubgBubw==\r\nAUTH PLAIN " + std::string(2000, 'A') + "\r\nAUTH LOGIN\r\n*\r\n");
      in_vain.session.trim();
      least = std::min(least, heap.live);
      if (i > 0) expect(heap.live == least, "each failed AUTH leaves as much as the one before");
    }
  }
  {
    connection.encrypted = true;
    connection.tls.version = connection.tls.cipher = connection.tls.exporter = facts;
    Served served(0, connection);
    const std::size_t before = heap.live;
    served.say("USER ann\r\nPASS pw\r\n");
    served.session.trim();
    expect(served.session.tls().version == facts, "the version of TLS is known after login");
    at_most("octets of a session with facts of TLS after login", heap.live > before ? heap.live - before : 0, 0);
  }
  {
    // Whoever sends long AUTH lines gets a block for one of them, and a decoded copy.
    const std::string initial = "AUTH PLAIN " + std::string(12'000, 'A') + "\r\n",
                      two_steps = "AUTH PLAIN\r\n" + std::string(12'000, 'A') + "\r\n",
                      too_long = "AUTH " + std::string(20'000, 'x') + "\r\n";
    Served served(0, connection);
    const std::size_t before = heap.live;
    heap.peak = heap.live;
    for (int i = 0; i < 200; ++i)
      for (const std::string* lines : {&initial, &two_steps, &too_long}) served.say(*lines);
    at_most("octets that 600 lines of AUTH cost at the most", heap.peak - before, 32 * 1024);
    served.session.trim();
    at_most("  ... kept after them", heap.live > before ? heap.live - before : 0, 100);
  }
  {
    Served served(0);
    served.config.trace = true;
    const std::size_t before = heap.live;
    heap.peak = heap.live;
    for (int i = 0; i < 20'000; ++i) served.say("USER ann\r\n");
    at_most("octets that a trace that nobody takes costs at the most", heap.peak - before,
            200 * 1024);  // a string doubles
    const std::string trace = served.session.take_trace();
    expect(trace.size() <= 66'000 && trace.find("# lines left out: ") != trace.npos, "it tells what it left out");
  }
  at_most("octets that are left when sessions are gone", heap.live - start, nonce.size() + facts.size() + 100);
}

void maildrops() {
  const std::size_t start = heap.live;
  {
    const pop3::MessageInfo mails[] = {{1, "a"}, {2, "b"}, {3, "c"}};
    pop3::detail::Maildrop drop;
    for (int i = 0; i < 2; ++i) {
      expect(drop.assign({mails, 3}, {}), "a listing is taken");
      drop.mark(1), drop.mark(3);
      expect(drop.numbers_to_remove(false).count == 2, "two are marked");
      drop.mark(2);
      expect(drop.numbers_to_remove(false).count == 3, "three are marked");
    }
  }
  at_most("octets that are left of a maildrop that was listed twice", heap.live - start, 0);
  {
    Served served(3);
    served.say("USER ann\r\nPASS pw\r\nDELE 1\r\nDELE 3\r\nQUIT\r\n");
    expect(served.session.counters().removed == 2, "two are removed");
  }
  at_most("octets that are left of a session that has removed messages", heap.live - start, 0);
}

void impolite_peers() {
  const std::string noops = repeated("NOOP\r\n", 60'000), endless(60'000, 'x');
  const std::string login = "USER ann\r\nPASS " + std::string(500, 'x') + "\r\nUSER " + std::string(500, 'x') + "\r\n";

  Served served(0);
  const std::size_t before = heap.live;
  served.say("USER ann\r\nPASS pw\r\n");
  served.portion = 0;
  heap.peak = heap.live;
  std::size_t taken = 0;
  for (int i = 0; i < 1000; ++i) {
    taken += served.session.receive(noops);
    while (const auto event = served.session.poll({})) served.answer(*event);
  }
  at_most("octets taken of 60 MB of NOOP whose replies are not read", taken, 16 * 1024);
  at_most("  ... octets that this costs at the most", heap.peak - before, 24 * 1024);

  Served lines(0);
  const std::size_t idle = heap.live;
  heap.peak = heap.live;
  lines.config.limits.endless_line = 0;
  for (int i = 0; i < 200; ++i) lines.say(endless);
  lines.say("\r\n");
  for (int i = 0; i < 200; ++i) lines.say(login);
  at_most("octets that an endless line and 200 failed logins cost at the most", heap.peak - idle, 8 * 1024);
}

}  // namespace

int main(int argc, char** argv) {
  const unsigned part = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 1;
  if (part > 1) std::printf("1/%u of large bodies\n", part);
  std::printf("sizeof(pop3::Session): %zu\n", sizeof(pop3::Session));
  big_bodies(part == 0 ? 1 : part);
  commands();
  idle_sessions();
  extras();
  maildrops();
  impolite_peers();
  return failures == 0 ? 0 : 1;
}
