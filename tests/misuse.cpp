// SPDX-License-Identifier: MIT
// A program that breaks every precondition there is: each is noticed by POP3_ASSERT, and the code behind it copes.
#include <cstring>

namespace {
int noticed = 0;
}
#define POP3_ASSERT(condition) ((condition) ? void() : void(++noticed))

#include <mailwire/line_reader.hpp>
#include <mailwire/output_queue.hpp>
#include <pop3/session.hpp>

#include <cstdio>
#include <string>

namespace {

int failures = 0;

void expect(bool fact, const char* what) {
  if (fact) return;
  std::printf("not so: %s\n", what);
  ++failures;
}
// Since the last call, so many preconditions were broken.
void expect_noticed(int times, const char* what) {
  if (noticed != times) std::printf("noticed %d times, not %d: %s\n", noticed, times, what), ++failures;
  noticed = 0;
}

constexpr std::size_t far_too_much = ~std::size_t{0};

std::string all_output(pop3::Session& session) {
  std::string octets(10'000, '\0');
  octets.resize(session.copy_output(&octets[0], octets.size()));
  return octets;
}

void line_reader() {
  mailwire::LineLimits limits;
  limits.line = limits.block = 16;
  mailwire::LineReader reader;
  expect(reader.commit(5) == 0, "nothing is committed to a reader without a block");
  expect_noticed(1, "commit without a block");
  for (const std::size_t too_much : {std::size_t{17}, far_too_much}) {
    const auto room = reader.room(limits);
    std::memcpy(room.data, "NOOP\r\nNOOP\r\nNO\r\n", 16);
    expect(reader.commit(too_much) == 16, "what fits counts");
    expect_noticed(1, "commit of more than the room");
    for (const std::size_t size : {4U, 4U, 2U}) expect(reader.next(limits).line.size() == size, "the lines are there");
    expect(reader.next(limits).status == mailwire::LineReader::Status::more, "and no more");
  }
  std::memcpy(reader.room(limits).data, "NOOP\r\nSTAT\r\n", 12);
  reader.commit(6);
  expect_noticed(0, "a commit as it should be");
  expect(reader.commit(6) == 0, "octets are committed once for each room");
  expect_noticed(1, "commit without a room");
  expect(reader.next(limits).line == "NOOP", "the line is there");
  expect(reader.next(limits).status == mailwire::LineReader::Status::more, "what was not committed is not read");
}

void output_queue() {
  mailwire::OutputQueue queue;
  queue.text().append("text");
  queue.consume(4);
  expect_noticed(1, "consume of what was not handed out");
  expect(queue.size() == 4, "nothing is lost");
  queue.output();
  queue.text().append("behind");
  queue.consume(10);
  expect_noticed(1, "consume of more than was handed out");
  expect(queue.output() == "behind", "only what was handed out is gone");
  queue.consume(6);
  queue.consume(1);
  expect_noticed(1, "consume twice");

  queue.lend("run", "end");
  queue.text().append("late");
  expect_noticed(1, "text behind a run");
  queue.lend("other", ".");
  expect_noticed(1, "a run behind a run");
  char block[32];
  const std::string octets(block, queue.copy(block, sizeof block));
  expect(octets == "lateother.", "the queue is in order: the text, the last run, its end");
  expect(queue.empty() && !queue.has_run(), "and empty");
}

void session() {
  pop3::Config config;
  config.login_needs_tls = false;
  config.limits.input_buffer = 512;
  pop3::Session s(config);
  const pop3::TimePoint now{};
  s.commit_input(1);
  expect_noticed(1, "commit_input without a room");
  expect(!s.poll(now).has_value(), "nothing is asked");
  s.consume_output(1);
  expect_noticed(1, "consume_output without output");
  expect(s.counters().octets_out == 0 && s.counters().octets_in == 0, "nothing is counted");

  const std::size_t greeting = s.output().size();
  s.consume_output(far_too_much);
  expect_noticed(1, "consume_output of more than was returned");
  expect(s.counters().octets_out == greeting && s.output().empty(), "the greeting is gone, and nothing else");

  const std::size_t before = s.receive("QUIT ");
  const auto room = s.input_buffer();
  std::memset(room.data, ' ', room.size);
  s.commit_input(room.size + 1);
  expect_noticed(1, "commit_input of more than the room");
  expect(s.counters().octets_in == before + room.size, "what fits is counted");
  expect(!s.poll(now).has_value() && s.output().empty(), "a line that does not end");
  expect(s.receive("\r\nCAPA\r\n") == 8, "the session goes on");
  expect(!s.poll(now).has_value(), "nothing is asked");
  const std::string said = all_output(s);
  expect(said.find("-ERR") == 0 && said.find("\r\n+OK") != said.npos, "and it answers");

  // Late, early and wrong answers are no misuse.
  s.accept(pop3::Token<pop3::AuthRequest>(1));
  (void)s.accept(pop3::Token<pop3::ListRequest>(1), {nullptr, 5});
  s.lend_body(pop3::Token<pop3::BodyRequest>(1), "x", pop3::Chunk::last);
  s.abort_body({});
  s.shutdown();
  s.shutdown();
  s.end_of_input();
  expect(all_output(s).find("-ERR [SYS/TEMP]") == 0, "one refusal");
  expect(s.poll(now).has_value() && s.finished(), "and the end");
  expect_noticed(0, "answers to no question");

  s.commit_input(5);
  s.consume_output(5);
  expect_noticed(2, "octets after the end");
  expect(s.counters().octets_in == before + room.size + 8 && s.output().empty() && !s.poll(now),
         "which change nothing");
}

// Nothing that comes over the wire breaks one.
void wire() {
  pop3::Config config;
  config.login_needs_tls = false;
  config.limits.bad_commands = 0;
  config.limits.failed_login_delay = pop3::Duration::zero();
  std::uint32_t random = 1;
  const std::string words[] = {"USER a",
                               "PASS b",
                               "\r\n",
                               "\r",
                               "\n",
                               "RETR 1",
                               "LIST",
                               "QUIT ",
                               " ",
                               "\x80",
                               "TOP 1 1",
                               std::string(1, '\0'),
                               std::string(700, 'x')};
  for (int round = 0; round < 20; ++round) {
    pop3::Session s(config);
    for (int i = 0; i < 500; ++i) {
      random = random * 1664525 + 1013904223;
      const std::string& word = words[(random >> 16) % (sizeof words / sizeof words[0])];
      if (s.receive(word) < word.size()) s.consume_output(s.output().size());
      while (const auto event = s.poll({})) {
        if (const auto* auth = std::get_if<pop3::AuthRequest>(&*event)) s.accept(auth->token);
        if (const auto* list = std::get_if<pop3::ListRequest>(&*event)) {
          const pop3::MessageInfo message = {3, "u"};
          (void)s.accept(list->token, {&message, 1});
        }
        if (const auto* retrieve = std::get_if<pop3::RetrieveRequest>(&*event))
          s.lend_body(retrieve->token, "a\nb", pop3::Chunk::last);
      }
    }
    expect(s.counters().commands > 20, "commands were served");
  }
  expect_noticed(0, "a peer that sends anything");
}

}  // namespace

int main() {
  line_reader();
  output_queue();
  session();
  wire();
  if (failures == 0) std::puts("every broken precondition was noticed, and did no harm");
  return failures == 0 ? 0 : 1;
}
